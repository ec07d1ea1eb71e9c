// What several journals give, as one journal would: by time, and of one moment in the order of the slots.

interface Timed {
  readonly timeMs: number;
}

/** @param lists each newest first. @returns the newest of all, at most `limit`. */
export function newestOf<T extends Timed>(lists: readonly (readonly T[])[], limit: number): readonly T[] {
  return lists
    .flat()
    .sort((a, b) => b.timeMs - a.timeMs)
    .slice(0, limit);
}

/**
 * Oldest first; of each source one record is held. Sources are ended with it.
 * @param sources each oldest first, as far as the clock was steady while it was written.
 */
export function oldestFirst<T extends Timed>(sources: readonly AsyncIterable<T>[]): AsyncGenerator<T, void, undefined> {
  return smallestFirst(sources, ({ timeMs }) => timeMs);
}

/** @param sources each in the order of `by`. As `oldestFirst`. */
export async function* smallestFirst<T>(
  sources: readonly AsyncIterable<T>[],
  by: (item: T) => number,
): AsyncGenerator<T, void, undefined> {
  const iterators = sources.map((source) => source[Symbol.asyncIterator]());
  try {
    const heads = await Promise.all(iterators.map(async (iterator) => iterator.next()));
    for (;;) {
      const first = smallestAmong(heads, by);
      const [head, iterator] = [heads[first], iterators[first]];
      if (head === undefined || iterator === undefined || head.done === true) return;
      yield head.value;
      heads[first] = await iterator.next();
    }
  } finally {
    await Promise.all(iterators.map(async (iterator) => iterator.return?.()));
  }
}

/** @returns its index; -1 when all are at their end. */
function smallestAmong<T>(heads: readonly IteratorResult<T, void>[], by: (item: T) => number): number {
  let first = -1;
  let smallest = Infinity;
  for (const [index, head] of heads.entries()) {
    if (head.done === true || by(head.value) >= smallest) continue;
    [first, smallest] = [index, by(head.value)];
  }
  return first;
}
