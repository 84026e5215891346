// AssemblyScript: the inner loop of the chunker. Must cut exactly where reference.ts does.
// Memory: 0 – gear table (1,024 bytes)   1,024 – free   65,536 – the window.

export function findCut(

  minEnd: u32, // where the smallest chunk ends
  middle: u32, // where the easier test begins
  limit: u32,
  before: u32,
  after: u32,
): u32 {
  let hash: u32 = 0;
  let at: u32 = minEnd - 32;
  for (; at < minEnd; at++) hash = (hash << 1) + load<u32>(<usize>load<u8>(at) << 2);
  while (at + 4 <= middle) {
    if (hash >>> before == 0) return at;
    hash = (hash << 1) + load<u32>(<usize>load<u8>(at) << 2);
    if (hash >>> before == 0) return at + 1;
    hash = (hash << 1) + load<u32>(<usize>load<u8>(at, 1) << 2);
    if (hash >>> before == 0) return at + 2;
    hash = (hash << 1) + load<u32>(<usize>load<u8>(at, 2) << 2);
    if (hash >>> before == 0) return at + 3;
    hash = (hash << 1) + load<u32>(<usize>load<u8>(at, 3) << 2);
    at += 4;
  }
  for (; at < middle; at++) {
    if (hash >>> before == 0) return at;
    hash = (hash << 1) + load<u32>(<usize>load<u8>(at) << 2);
  }
  while (at + 4 <= limit) {
    if (hash >>> after == 0) return at;
    hash = (hash << 1) + load<u32>(<usize>load<u8>(at) << 2);
    if (hash >>> after == 0) return at + 1;
    hash = (hash << 1) + load<u32>(<usize>load<u8>(at, 1) << 2);
    if (hash >>> after == 0) return at + 2;
    hash = (hash << 1) + load<u32>(<usize>load<u8>(at, 2) << 2);
    if (hash >>> after == 0) return at + 3;
    hash = (hash << 1) + load<u32>(<usize>load<u8>(at, 3) << 2);
    at += 4;
  }
  for (; at < limit; at++) {
    if (hash >>> after == 0) return at;
    hash = (hash << 1) + load<u32>(<usize>load<u8>(at) << 2);
  }
  return limit;
}
