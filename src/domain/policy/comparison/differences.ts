// Two sets of policy documents, field by field: who may have more, and who less.
import { compareBundles } from './bundles.ts';
import { ABSENT_FIELD, PRESENT_FIELD, type Change, type FieldDifference } from './direction.ts';
import { compareLocal, directionOfComing, directionOfGoing } from './local-policies.ts';
import type { IssuancePolicy, LocalPolicy, PolicyBundle, PolicyDocument } from '../documents.ts';
import { localName } from '../evaluation/statement.ts';

export { mayWiden, type Direction, type FieldDifference } from './direction.ts';

/**
 * Every field of every document that is on both sides, unchanged ones too, and one difference for each
 * document that is on one side only; by document.
 *
 * When nothing may widen (see `mayWiden`), no request that was refused under `before` is approved under
 * `after`, and none is granted a longer lifetime or another usage, whatever the cluster looks like.
 * That the other side's documents apply in the same clusters is taken for granted.
 */
export function differences(
  before: readonly PolicyDocument[],
  after: readonly PolicyDocument[],
): readonly FieldDifference[] {
  const [one, other] = [before, after].map((documents) => new Map(documents.map((each) => [titleOf(each), each])));
  const titles = [...new Set([...(one?.keys() ?? []), ...(other?.keys() ?? [])])].sort();
  return titles.flatMap((title) =>
    compareOne(one?.get(title), other?.get(title), before).map((change) => ({ document: title, ...change })),
  );
}

/** What a document is called in differences: `PolicyBundle corp-mesh`, `IssuancePolicy shop/public-api`. */
export function titleOf(document: PolicyDocument): string {
  return `${document.kind} ${document.kind === 'PolicyBundle' ? document.name : localName(document)}`;
}

function compareOne(
  one: PolicyDocument | undefined,
  other: PolicyDocument | undefined,
  before: readonly PolicyDocument[],
): readonly Change[] {
  if (one === undefined) return other === undefined ? [] : [added(other, before)];
  if (other === undefined) return [removed(one)];
  if (one.kind === 'PolicyBundle') return compareBundles(one, other as PolicyBundle);
  return compareLocal(one, other as LocalPolicy, requiredIn(one, before));
}

function added(document: PolicyDocument, before: readonly PolicyDocument[]): Change {
  const direction =
    document.kind === 'PolicyBundle' ? 'widened' : directionOfComing(document, requiredIn(document, before));
  return { field: '', before: ABSENT_FIELD, after: PRESENT_FIELD, direction };
}

function removed(document: PolicyDocument): Change {
  const direction = document.kind === 'PolicyBundle' ? 'narrowed' : directionOfGoing(document);
  return { field: '', before: PRESENT_FIELD, after: ABSENT_FIELD, direction };
}

/** The policies that the namespace has, where the bundle wants it to have one. */
function requiredIn(policy: LocalPolicy, before: readonly PolicyDocument[]): readonly IssuancePolicy[] | undefined {
  const required = before.some((each) => each.kind === 'PolicyBundle' && each.namespaces.requireLocal);
  if (!required || policy.kind !== 'IssuancePolicy') return undefined;
  return before.filter(
    (each): each is IssuancePolicy => each.kind === 'IssuancePolicy' && each.namespace === policy.namespace,
  );
}
