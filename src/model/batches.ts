/** The items in batches of so many (`sizeOf` each, by default 1); of each, `expect` is told while the one before it is still being used, so that it can be read ahead. */
export function* batchesAhead<T>(
  items: Iterable<T>,
  count: number,
  expect: (next: readonly T[]) => void,
  sizeOf?: (item: T) => number,
): Generator<T[]> {
  let previous: T[] | undefined;
  for (const next of batches(items, count, sizeOf)) {
    expect(next);
    if (previous !== undefined) yield previous;
    previous = next;
  }
  if (previous !== undefined) yield previous;
}

export function* batches<T>(
  items: Iterable<T>,
  count: number,
  sizeOf: (item: T) => number = () => 1,
): Generator<T[]> {
  let batch: T[] = [];
  let size = 0;
  for (const item of items) {
    batch.push(item);
    size += sizeOf(item);
    if (size < count) continue;
    yield batch;
    batch = [];
    size = 0;
  }
  if (batch.length > 0) yield batch;
}
