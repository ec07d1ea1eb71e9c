// The inventory as somebody sees it who sees some namespaces alone: a page of each, made into one page. It is found by the index of
// namespaces, so that a small team waits for nobody else's workloads to be gone through.
import { AuthorityError } from '../../domain/errors.ts';
import type { InventoryEntry } from '../../domain/inventory/entry.ts';
import { orderOf, placeOf, type InventoryOrder, type InventoryPlace } from '../../domain/inventory/question.ts';
import type { Inventory, InventoryPage, InventoryQuestion } from '../../ports/inventory/inventory.ts';

/**
 * @param namespaces nothing else is looked at; they are as few as one team has.
 * @throws AuthorityError `policy_denied` (CAP-O01) when another namespace is asked for; as `Inventory`.
 */
export async function pageOfNamespaces(
  inventory: Inventory,
  question: InventoryQuestion,
  namespaces: readonly string[],
  options: { readonly signal: AbortSignal },
): Promise<InventoryPage> {
  const { conditions, limit } = question;
  const { namespace } = conditions;
  if (namespace !== undefined && !namespaces.includes(namespace)) {
    throw new AuthorityError('CAP-O01', { detail: `the caller sees ${namespaces.join(', ')} alone` });
  }
  const wanted = namespace === undefined ? namespaces : [namespace];
  const ofEach = { ...question, share: 1 / wanted.length };
  const pages = await Promise.all(
    wanted.map(async (one) => inventory.page({ ...ofEach, conditions: { ...conditions, namespace: one } }, options)),
  );
  return onePage(pages, orderOf(conditions), limit);
}

/** What one page did not look through yet hides what comes behind in the others: that is left for the next page. */
function onePage(pages: readonly InventoryPage[], order: InventoryOrder, limit: number): InventoryPage {
  const place = (entry: InventoryEntry): InventoryPlace => placeOf(entry, order);
  const [seenUntil] = pages.flatMap(({ next }) => (next === undefined ? [] : [next])).toSorted(comparePlaces);
  const found = pages
    .flatMap(({ entries }) => entries)
    .filter((entry) => seenUntil === undefined || comparePlaces(place(entry), seenUntil) <= 0)
    .toSorted((a, b) => comparePlaces(place(a), place(b)));
  const entries = found.slice(0, limit);
  const last = entries.at(-1);
  const next = found.length > limit && last !== undefined ? place(last) : seenUntil;
  const moments = pages.map(({ asOfMs }) => asOfMs);
  const known = moments.filter((moment) => moment !== undefined);
  return {
    entries,
    ...(next !== undefined && { next }),
    ...(known.length === moments.length && known.length > 0 && { asOfMs: Math.min(...known) }),
  };
}

/** As databases order them: by bytes, those that ended last first. */
function comparePlaces(a: InventoryPlace, b: InventoryPlace): number {
  const texts = ['identity', 'cluster', 'podUid'] as const;
  const byText = texts.map((name) => Buffer.compare(Buffer.from(a[name]), Buffer.from(b[name])));
  const first = [(a.atMs ?? 0) - (b.atMs ?? 0), ...byText].find((difference) => difference !== 0) ?? 0;
  return a.order === 'ended' ? -first : first;
}
