/** Seeded inputs of the kinds that matter to a compressor. The same everywhere: vectors depend on them. */

/** xorshift32: enough randomness for test data, and the same on every machine. */
export function seededRandom(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

export type InputKind = keyof typeof generators;

const generators = {
  zeros: (bytes: number) => Buffer.alloc(bytes),
  random: randomBytes,
  text: textBytes,
  jsonl: jsonLines,
  /** Everything is one long match with what came 32,768 bytes before: the longest distance there is. */
  farRepeats: (bytes: number, seed: number) => repeated(randomBytes(32_768, seed), bytes),
  /** One byte too far to be a match. */
  tooFarRepeats: (bytes: number, seed: number) => repeated(randomBytes(32_769, seed), bytes),
  shortRepeats: (bytes: number, seed: number) => repeated(randomBytes(5, seed), bytes),
  /** No matches, and few different bytes: only the codes can save anything. */
  nibbles: (bytes: number, seed: number) => randomBytes(bytes, seed).map((byte) => byte & 15),
  /** Frequencies of the Fibonacci numbers make the deepest trees, deeper than a code may be. */
  fibonacci: fibonacciBytes,
  mixed: (bytes: number, seed: number) => {
    const third = Math.ceil(bytes / 3);
    const parts = [textBytes(third, seed), randomBytes(third, seed), jsonLines(third, seed)];
    return Buffer.concat(parts).subarray(0, bytes);
  },
} as const;

export function inputOf(kind: InputKind, bytes: number, seed = 1): Buffer {
  return Buffer.from(generators[kind](bytes, seed));
}

export const inputKinds = Object.keys(generators) as InputKind[];

function randomBytes(bytes: number, seed: number): Buffer {
  const random = seededRandom(seed);
  const result = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at++) result[at] = random() >>> 11;
  return result;
}

function repeated(unit: Uint8Array, bytes: number): Buffer {
  return Buffer.alloc(bytes, unit);
}

function words(seed: number): string[] {
  const random = seededRandom(seed + 77);
  const letters = 'etaoinshrdlucmfwypvbgk';
  return Array.from({ length: 2000 }, () =>
    Array.from({ length: 2 + (random() % 8) }, () => letters[random() % (1 + (random() % 22))]).join(''),
  );
}

function textBytes(bytes: number, seed: number): Buffer {
  const random = seededRandom(seed);
  const dictionary = words(seed);
  const parts: string[] = [];
  for (let length = 0; length < bytes; ) {
    const word = `${dictionary[random() % (1 + (random() % 2000))]}${random() % 12 === 0 ? '.\n' : ' '}`;
    parts.push(word);
    length += word.length;
  }
  return Buffer.from(parts.join(''), 'latin1').subarray(0, bytes);
}

function jsonLines(bytes: number, seed: number): Buffer {
  const random = seededRandom(seed);
  const text = textBytes(bytes, seed + 1)
    .toString('latin1')
    .split('\n');
  const parts: string[] = [];
  for (let length = 0, line = 0; length < bytes; line++) {
    const record = `${JSON.stringify({
      type: 'message',
      id: random().toString(16).padStart(8, '0') + random().toString(16).padStart(8, '0'),
      timestamp: new Date(1_760_000_000_000 + line * 1000 + (random() % 1000)).toISOString(),
      message: { role: line % 2 === 0 ? 'user' : 'assistant', content: text[line % text.length] },
    })}\n`;
    parts.push(record);
    length += record.length;
  }
  return Buffer.from(parts.join(''), 'latin1').subarray(0, bytes);
}

function fibonacciBytes(bytes: number, seed: number): Buffer {
  const counts: number[] = [];
  for (let a = 1, b = 1; a < 40_000; [a, b] = [b, a + b]) counts.push(a);
  const run = counts.flatMap((count, value) => new Array<number>(count).fill(value * 9));
  const random = seededRandom(seed);
  for (let at = run.length - 1; at > 0; at--) {
    const other = random() % (at + 1);
    [run[at], run[other]] = [run[other] ?? 0, run[at] ?? 0];
  }
  return repeated(Buffer.from(run), bytes);
}
