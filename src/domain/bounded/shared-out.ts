// Room for a few of many, shared out: whoever has thousands hides nobody who has one.

/**
 * @returns at most so many, in the order in which they were given: of each share its first, then of each its second, and so on.
 * @param shareOf who gives way first is who has most of one share.
 */
export function sharedOut<Item>(
  items: readonly Item[],
  shareOf: (item: Item) => string,
  most: number,
): readonly Item[] {
  if (items.length <= most) return items;
  const counts = new Map<string, number>();
  const turns = items.map((item, at) => {
    const share = shareOf(item);
    const turn = counts.get(share) ?? 0;
    counts.set(share, turn + 1);
    return { item, at, turn };
  });
  const chosen = turns.toSorted((one, other) => one.turn - other.turn || one.at - other.at).slice(0, most);
  return chosen.toSorted((one, other) => one.at - other.at).map(({ item }) => item);
}
