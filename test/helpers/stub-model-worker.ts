/** The server behind `startStubModel`: the chat protocol of OpenAI, with answers that number themselves. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import type { StubModelTask } from './stub-model.ts';

const { sentences, pieceDelayMs, answers } = workerData as StubModelTask;

const server = createServer(async (request, response) => {
  const body = await readBody(request);
  if (request.url?.endsWith('/models')) return sendJson(response, { object: 'list', data: [modelEntry] });
  const pieces = answerPieces(Atomics.add(answers, 0, 1) + 1);
  if (wantsStream(body)) await sendStream(response, pieces);
  else sendJson(response, completion('chat.completion', [wholeChoice(pieces.join(''))], usage));
});
server.listen(0, '127.0.0.1', () => parentPort?.postMessage((server.address() as AddressInfo).port));

const modelEntry = { id: 'stub', object: 'model', owned_by: 'tests' };
const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };

async function readBody(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString('utf8');
}

function wantsStream(body: string): boolean {
  return body !== '' && (JSON.parse(body) as { stream?: boolean }).stream === true;
}

function answerPieces(number: number): string[] {
  const rest = Array.from({ length: sentences }, (_, index) => ` Sentence ${index + 1} of answer ${number}.`);
  return [`Answer ${number}.`, ...rest];
}

function wholeChoice(content: string): object {
  return { index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' };
}

function completion(object: string, choices: readonly object[], used?: object): object {
  return { id: 'stub-completion', object, created: 0, model: 'stub', choices, ...(used && { usage: used }) };
}

function sendJson(response: ServerResponse, value: object): void {
  response.setHeader('content-type', 'application/json').end(JSON.stringify(value));
}

async function sendStream(response: ServerResponse, pieces: readonly string[]): Promise<void> {
  response.setHeader('content-type', 'text/event-stream');
  const send = (delta: object, finish: string | null, used?: object): void => {
    const choice = { index: 0, delta, finish_reason: finish };
    response.write(`data: ${JSON.stringify(completion('chat.completion.chunk', [choice], used))}\n\n`);
  };
  send({ role: 'assistant', content: '' }, null);
  for (const content of pieces) {
    send({ content }, null);
    if (pieceDelayMs > 0) await new Promise((resolve) => setTimeout(resolve, pieceDelayMs));
  }
  send({}, 'stop', usage);
  response.end('data: [DONE]\n\n');
}
