/** The items in batches; of each, `expect` is told while the one before it is still being used, so that it can be read ahead. */
export function* batchesAhead<T>(
  items: Iterable<T>,
  count: number,
  expect: (next: readonly T[]) => void,
): Generator<T[]> {
  let previous: T[] | undefined;
  for (const next of batches(items, count)) {
    expect(next);
    if (previous !== undefined) yield previous;
    previous = next;
  }
  if (previous !== undefined) yield previous;
}

export function* batches<T>(items: Iterable<T>, count: number): Generator<T[]> {
  let batch: T[] = [];
  for (const item of items) {
    if (batch.push(item) < count) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
