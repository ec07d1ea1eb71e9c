// Two versions of a local policy, field by field. A local policy only takes away, with one exception:
// where the bundle wants every namespace to have one, its being there gives something too.
import { compareBounds, coversBounds } from './bound-fields.ts';
import { compareQuotas } from './bundles.ts';
import { compareConditions, directionOfMode } from './conditions.ts';
import { ABSENT_FIELD, directionOf, inverse, unenforced, wording, type Change, type Direction } from './direction.ts';
import { coversReach, REACH_PARTS, reachOfLocal } from './reach.ts';
import { compareDeny } from './rules.ts';
import { UNBOUNDED } from '../bounds.ts';
import type { IssuancePolicy, LocalPolicy } from '../documents.ts';

/** @param required the namespace's policies before the change, where the bundle wants one; absent where it does not. */
export function directionOfComing(policy: LocalPolicy, required: readonly IssuancePolicy[] | undefined): Direction {
  if (policy.mode === 'off') return 'neutral';
  const alreadyRequired = required?.some(
    (other) => other.mode !== 'off' && coversReach(reachOfLocal(other), reachOfLocal(policy)),
  );
  if (policy.kind === 'IssuancePolicy' && alreadyRequired === false) return 'widened';
  return takesAway(policy) ? 'narrowed' : 'neutral';
}

export function directionOfGoing(policy: LocalPolicy): Direction {
  return takesAway(policy) ? 'widened' : 'neutral';
}

function takesAway({ mode, narrow, deny, conditions, quotas }: LocalPolicy): boolean {
  if (mode !== 'enforce') return false;
  const free = coversBounds(narrow, UNBOUNDED) && Object.values(quotas).every((most) => most === Infinity);
  const denies = deny.namespaces.length > 0 || deny.serviceAccounts.length > 0;
  return !free || denies || conditions.some((condition) => condition.mode === 'enforce');
}

/** @param required as above. */
export function compareLocal<Policy extends LocalPolicy>(
  before: Policy,
  after: Policy,
  required: readonly IssuancePolicy[] | undefined,
): readonly Change[] {
  const judged = before.mode === 'enforce' ? (way: Direction) => way : unenforced;
  const limits = [
    ...compareBounds('spec.narrow', before.narrow, after.narrow),
    ...compareDeny('spec.deny', before.deny, after.deny),
    ...compareConditions('spec.conditions', before.conditions, after.conditions),
    ...compareQuotas('spec.quotas', before.quotas, after.quotas),
  ];
  const contacts = [before.contact ?? ABSENT_FIELD, after.contact ?? ABSENT_FIELD] as const;
  return [
    compareMode(before, after, required),
    ...compareReach(before, after, required),
    ...limits.map((change) => ({ ...change, direction: judged(change.direction) })),
    { field: 'spec.contact', before: contacts[0], after: contacts[1], direction: wording(...contacts) },
  ];
}

function compareMode(
  { mode: before }: LocalPolicy,
  after: LocalPolicy,
  required: readonly IssuancePolicy[] | undefined,
): Change {
  const way = directionOfMode(before, after.mode);
  const comes = before === 'off' && after.mode !== 'off' && directionOfComing(after, required) === 'widened';
  return { field: 'spec.mode', before, after: after.mode, direction: comes ? 'widened' : way };
}

function compareReach(
  before: LocalPolicy,
  after: LocalPolicy,
  required: readonly IssuancePolicy[] | undefined,
): readonly Change[] {
  const [one, other] = [reachOfLocal(before), reachOfLocal(after)];
  const gives = directionOfComing(after, required) === 'widened';
  const judge = before.mode === 'enforce' ? inverse : unenforced;
  return REACH_PARTS.filter(({ local }) => local !== '').map((part) => {
    const way = directionOf(one, other, part.covers);
    const grows = way === 'widened' || way === 'changed';
    return {
      field: part.local,
      before: part.format(one),
      after: part.format(other),
      direction: grows && gives ? 'changed' : judge(way),
    };
  });
}
