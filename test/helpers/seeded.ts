/** Repeatable random numbers: the same seed gives the same numbers on every machine (mulberry32). */
export class Seeded {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 to 2^32 - 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let value = this.#state;
    value = Math.imul(value ^ (value >>> 15), value | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return (value ^ (value >>> 14)) >>> 0;
  }

  /** 0 to below - 1. */
  below(limit: number): number {
    return this.next() % limit;
  }

  bytes(count: number): Buffer {
    const bytes = Buffer.alloc(count);
    for (let index = 0; index < count; index++) bytes[index] = this.next() >>> 24;
    return bytes;
  }

  /** Words with the repetition of real text. */
  text(count: number): Buffer {
    const words =
      'the shell of a lobster grows under the old one until it is shed and left behind on the sand'.split(
        ' ',
      );
    let text = '';
    while (text.length < count) text += `${words[this.below(words.length)]} ${this.below(1000)} `;
    return Buffer.from(text.slice(0, count));
  }
}
