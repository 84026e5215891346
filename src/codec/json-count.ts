/**
 * How many values a JSON text makes, before it is parsed: `[[],[],[],…` takes three bytes a value and thirty times as much
 * in memory, so the size of a text from outside does not say what parsing it costs. Pure.
 */

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const openBracket = 0x5b;
const openBrace = 0x7b;

/** Commas and opening brackets outside of texts: not less than the values but one. Counting ends above `max`. */
export function countJsonValues(bytes: Uint8Array, max: number): number {
  let count = 0;
  for (let at = 0; at < bytes.length && count <= max; at++) {
    const byte = bytes[at];
    if (byte === quote) at = endOfText(bytes, at);
    else if (byte === comma || byte === openBracket || byte === openBrace) count++;
  }
  return count;
}

function endOfText(bytes: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < bytes.length && bytes[at] !== quote) at += bytes[at] === backslash ? 2 : 1;
  return at;
}
