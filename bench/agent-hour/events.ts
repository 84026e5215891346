/** Transcript events of the kind an assistant's sessions consist of: one JSON object a line in logs, a row in databases. */
import { type Random, seededRandom } from '../lib/random.ts';
import type { Topic, Writer } from '../lib/text.ts';

export interface TranscriptEvent {
  readonly type: 'message';
  readonly id: string;
  readonly parentId: string | null;
  readonly timestamp: string;
  readonly message: EventMessage;
}

type EventMessage = UserMessage | AssistantMessage | ToolResultMessage;

interface UserMessage {
  readonly role: 'user';
  readonly content: readonly ContentPart[];
  readonly timestamp: number;
}

interface AssistantMessage {
  readonly role: 'assistant';
  readonly content: readonly ContentPart[];
  readonly api: string;
  readonly provider: string;
  readonly model: string;
  readonly usage: Usage;
  readonly stopReason: 'stop' | 'toolUse';
  readonly timestamp: number;
}

interface ToolResultMessage {
  readonly role: 'toolResult';
  readonly toolCallId: string;
  readonly toolName: string;
  readonly content: readonly ContentPart[];
  readonly isError: boolean;
  readonly timestamp: number;
}

type ContentPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'thinking'; readonly thinking: string; readonly thinkingSignature: string }
  | { readonly type: 'toolCall'; readonly id: string; readonly name: string; readonly arguments: object };

interface Usage {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly totalTokens: number;
  readonly cost: { readonly input: number; readonly output: number; readonly total: number };
}

/** Where a conversation stands; what it is about comes from the seed and its id, so it can be taken up again. */
export interface ConversationState {
  readonly sessionId: string;
  /** The id of the last event. */
  readonly parentId: string | null;
  readonly timeMs: number;
}

/** One conversation, growing turn by turn. */
export interface Conversation {
  readonly sessionId: string;
  /** The next turn: a question, some rounds of tool calls and results, an answer. */
  nextTurn(): TranscriptEvent[];
}

const tools = ['exec', 'read', 'edit', 'write', 'memory_search', 'web_fetch', 'message'] as const;

export function conversation(writer: Writer, random: Random, state: ConversationState): Conversation {
  const topic = writer.topic(seededRandom(0, state.sessionId));
  let { timeMs, parentId } = state;
  let contextTokens = random.between(6000, 14_000);

  const wrap = (message: EventMessage): TranscriptEvent => {
    const id = random.hex(8);
    const event: TranscriptEvent = {
      type: 'message',
      id,
      parentId,
      timestamp: new Date(message.timestamp).toISOString(),
      message,
    };
    parentId = id;
    return event;
  };
  const pass = (secondsMost: number): number => {
    timeMs += random.between(300, secondsMost * 1000);
    return timeMs;
  };
  const usage = (): Usage => {
    const output = random.between(40, 900);
    const usage = usageOf(random, contextTokens, output);
    contextTokens = contextTokens > 150_000 ? 20_000 : contextTokens + output + random.between(100, 2500);
    return usage;
  };
  const assistant = (content: ContentPart[], stopReason: 'stop' | 'toolUse'): TranscriptEvent =>
    wrap({
      role: 'assistant',
      content,
      api: 'anthropic-messages',
      provider: 'anthropic',
      model: 'claude-opus-4-6',
      usage: usage(),
      stopReason,
      timestamp: pass(20),
    });
  const toolRound = (): TranscriptEvent[] => {
    const name = random.pick(tools);
    const call = { type: 'toolCall', id: `toolu_${base62(random, 24)}`, name } as const;
    const thinking = thinkingOf(writer, random, topic);
    return [
      assistant([...thinking, { ...call, arguments: argumentsOf(writer, random, topic, name) }], 'toolUse'),
      wrap({
        role: 'toolResult',
        toolCallId: call.id,
        toolName: name,
        content: [{ type: 'text', text: toolOutput(writer, random, topic) }],
        isError: random.chance(0.05),
        timestamp: pass(8),
      }),
    ];
  };

  return {
    sessionId: state.sessionId,
    nextTurn: () => {
      const question = writer.prose(random, topic, random.between(6, 50));
      const asked = wrap({
        role: 'user',
        content: [{ type: 'text', text: question }],
        timestamp: pass(600),
      });
      const rounds = Array.from({ length: random.pick([0, 1, 1, 1, 2]) }, toolRound).flat();
      const answer = writer.prose(random, topic, random.between(20, 140));
      return [asked, ...rounds, assistant([{ type: 'text', text: answer }], 'stop')];
    },
  };
}

/** The text a search index holds for an event: what people and the assistant said, not tool output. */
export function searchableText(event: TranscriptEvent): string | undefined {
  if (event.message.role === 'toolResult') return undefined;
  const texts = event.message.content.flatMap((part) => (part.type === 'text' ? [part.text] : []));
  return texts.length > 0 ? texts.join('\n') : undefined;
}

function usageOf(random: Random, contextTokens: number, output: number): Usage {
  const input = random.between(3, 400);
  const cost = { input: (input * 5) / 1e6, output: (output * 25) / 1e6 };
  return {
    input,
    output,
    cacheRead: contextTokens,
    cacheWrite: random.between(0, 3000),
    totalTokens: contextTokens + input + output,
    cost: { ...cost, total: cost.input + cost.output + (contextTokens * 0.5) / 1e6 },
  };
}

/** Models sign their reasoning; signatures do not compress, and real logs are full of them. */
function thinkingOf(writer: Writer, random: Random, topic: Topic): ContentPart[] {
  if (random.chance(0.5)) return [];
  const thinking = writer.prose(random, topic, random.between(15, 90));
  const thinkingSignature = random.bytes(random.between(160, 320)).toString('base64');
  return [{ type: 'thinking', thinking, thinkingSignature }];
}

function argumentsOf(writer: Writer, random: Random, topic: Topic, tool: (typeof tools)[number]): object {
  const path = `~/.openclaw/workspace/${writer.phrase(random, topic, 2, '/')}.md`;
  switch (tool) {
    case 'exec':
      return {
        command: `rg -n "${writer.phrase(random, topic, 2)}" ${path} | head -${random.between(5, 50)}`,
      };
    case 'read':
      return { path, offset: random.between(1, 400), limit: 200 };
    case 'edit':
      return { path, oldText: writer.prose(random, topic, 12), newText: writer.prose(random, topic, 14) };
    case 'write':
      return { path, content: writer.prose(random, topic, random.between(30, 160)) };
    case 'memory_search':
      return { query: writer.phrase(random, topic, random.between(2, 6)), maxResults: 8 };
    case 'web_fetch':
      return {
        url: `https://${writer.phrase(random, topic, 1)}.example/${writer.phrase(random, topic, 3, '-')}`,
      };
    case 'message':
      return { action: 'send', to: 'telegram:4815162342', text: writer.prose(random, topic, 25) };
  }
}

function toolOutput(writer: Writer, random: Random, topic: Topic): string {
  const lines = Math.ceil(Math.exp(1.6 + 0.9 * random.normal()));
  const line = random.pick([listingLine, matchLine, recordLine, paragraph]);
  return Array.from({ length: Math.min(lines, 80) }, (_, index) => line(writer, random, topic, index)).join(
    '\n',
  );
}

function listingLine(writer: Writer, random: Random, topic: Topic): string {
  const size = Math.ceil(Math.exp(8 + 2 * random.normal()));
  return `-rw-r--r-- 1 claw claw ${String(size).padStart(9)} Nov ${random.between(1, 20)} ${random.between(10, 23)}:${random.between(10, 59)} ${writer.phrase(random, topic, 2, '-')}.md`;
}

function matchLine(writer: Writer, random: Random, topic: Topic, index: number): string {
  return `memory/${writer.phrase(random, topic, 1)}.md:${index * 7 + random.between(1, 6)}: ${writer.prose(random, topic, random.between(6, 14))}`;
}

function recordLine(writer: Writer, random: Random, topic: Topic, index: number): string {
  const record = {
    index,
    name: writer.phrase(random, topic, 2),
    status: random.pick(['open', 'done', 'waiting', 'failed']),
    score: random.between(0, 1000) / 1000,
    updated: 1_763_000_000 + random.below(600_000),
  };
  return JSON.stringify(record);
}

function paragraph(writer: Writer, random: Random, topic: Topic): string {
  return writer.prose(random, topic, random.between(20, 60));
}

const base62Digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

function base62(random: Random, digits: number): string {
  return Array.from({ length: digits }, () => base62Digits[random.below(62)]).join('');
}
