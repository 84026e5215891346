/** Conversations as Markdown, for people: who said what and when, tools with what they were given and gave. Whole texts. Pure. */
import { asRecord } from '../json5.ts';
import type { BundledSession, JsonRecord, SessionsHead } from './bundle.ts';

export function* formatMarkdown(
  { created, program, source }: SessionsHead,
  sessions: Iterable<BundledSession>,
): Generator<string> {
  yield `# Conversations of OpenClaw\n\nFrom ${codeSpan(source.stateDir)} on ${source.host}, ${timeText(created)}, by ${program}.\n`;
  for (const session of sessions) yield* formatSession(session);
}

function* formatSession({ key, agent, sessionId, events }: BundledSession): Generator<string> {
  yield `\n## ${codeSpan(key)}\n\nAgent ${codeSpan(agent)}, session ${codeSpan(sessionId)}.\n`;
  const others = new Map<string, number>();
  for (const event of events) {
    const text = eventText(event);
    if (text !== undefined) yield `\n${text}\n`;
    else count(others, String(event['type'] ?? 'unnamed'));
  }
  others.delete('session'); // the header, which is said above
  if (others.size === 0) return;
  const names = [...others].map(([type, times]) => (times === 1 ? type : `${type} (${times})`));
  yield `\n*Not shown, as nobody said it: ${names.join(', ')}.*\n`;
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

/** Undefined for what is no part of the conversation. */
function eventText(event: JsonRecord): string | undefined {
  const message = asRecord(event['message']);
  if (message !== undefined) return messageText(message, event['timestamp'] ?? message['timestamp']);
  const summary = event['summary'];
  if (typeof summary !== 'string') return undefined;
  return `${heading('Summary of what was said before', event['timestamp'])}\n\n${summary.trim()}`;
}

const roleNames: Readonly<Record<string, string>> = {
  user: 'User',
  assistant: 'Assistant',
  system: 'System',
  toolResult: 'Result',
  tool: 'Result',
};

function messageText(message: JsonRecord, time: unknown): string {
  const { role, content, toolName, errorMessage } = message;
  const isResult = role === 'toolResult' || role === 'tool';
  const name = roleNames[String(role)] ?? `Role ${codeSpan(String(role))}`;
  const title = typeof toolName === 'string' ? `${name} of ${codeSpan(toolName)}` : name;
  const parts = Array.isArray(content) ? content : [content];
  const texts = parts.map((part) => (isResult ? resultText(part) : partText(part)));
  if (typeof errorMessage === 'string') texts.push(`**Error:** ${errorMessage}`);
  const body = texts.filter((text) => text !== '').join('\n\n');
  return [heading(title, time), body].filter((text) => text !== '').join('\n\n');
}

function resultText(part: unknown): string {
  const text = typeof part === 'string' ? part : asRecord(part)?.['text'];
  return typeof text === 'string' ? fenced(text.trimEnd(), '') : partText(part);
}

function partText(part: unknown): string {
  if (typeof part === 'string') return part.trim();
  const { type, text, thinking, name, arguments: given, input } = asRecord(part) ?? {};
  if (typeof text === 'string') return text.trim();
  if (typeof thinking === 'string') return quoted(thinking.trim());
  if (typeof name === 'string') {
    const words = given ?? input;
    const shown = words === undefined ? '' : `\n\n${fenced(JSON.stringify(words, undefined, 2), 'json')}`;
    return `Calls ${codeSpan(name)}${shown}`;
  }
  return typeof type === 'string' ? `*(${type})*` : '';
}

function heading(title: string, time: unknown): string {
  const when = timeText(time);
  return `### ${title}${when === '' ? '' : `, ${when}`}`;
}

/** ISO 8601, or milliseconds since 1970; empty for what is no time. */
function timeText(time: unknown): string {
  if (typeof time !== 'string' && typeof time !== 'number') return '';
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return '';
  return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

function quoted(text: string): string {
  return text
    .split('\n')
    .map((line) => `> ${line}`.trimEnd())
    .join('\n');
}

/** With a fence that the text does not hold. */
function fenced(text: string, language: string): string {
  const fence = '`'.repeat(Math.max(3, longestTicks(text) + 1));
  return `${fence}${language}\n${text}\n${fence}`;
}

function codeSpan(text: string): string {
  const ticks = '`'.repeat(longestTicks(text) + 1);
  const space = text.startsWith('`') || text.endsWith('`') ? ' ' : '';
  return `${ticks}${space}${text.replaceAll(/\s+/g, ' ')}${space}${ticks}`;
}

function longestTicks(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map((ticks) => ticks.length));
}
