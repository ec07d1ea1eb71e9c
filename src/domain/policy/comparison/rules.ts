// Central rules compared by their id. A rule with bounds gives and takes at once: it gives an identity to
// whom no other rule does, and holds back whom another gives one too. So what a rule that comes, goes or
// moves does depends on the rules beside it.
import { compareBounds, coversBounds } from './bound-fields.ts';
import { compareConditions } from './conditions.ts';
import {
  ABSENT_FIELD,
  directionOf,
  inverse,
  PRESENT_FIELD,
  unenforced,
  wording,
  type Change,
  type Direction,
} from './direction.ts';
import { coversPatterns } from './limits.ts';
import { coversReach, REACH_PARTS, reachOfRule, shareReach, type ReachPart } from './reach.ts';
import { formatPatterns, yesOrNo } from './formats.ts';
import type { CentralRule, Deny, PolicyBundle } from '../documents.ts';
import type { NamePattern } from '../name-patterns.ts';

/** The bundles around the two states of a rule. */
interface Bundles {
  readonly before: PolicyBundle;
  readonly after: PolicyBundle;
}

export function compareRules(bundles: Bundles): readonly Change[] {
  const { before, after } = bundles;
  const ids = [...new Set([...before.rules, ...after.rules].map(({ id }) => id))].sort();
  return ids.flatMap((id) => {
    const one = before.rules.find((rule) => rule.id === id);
    const other = after.rules.find((rule) => rule.id === id);
    if (one !== undefined && other !== undefined) return compareRule(one, other, bundles);
    const words = {
      before: one === undefined ? ABSENT_FIELD : PRESENT_FIELD,
      after: other === undefined ? ABSENT_FIELD : PRESENT_FIELD,
    };
    return [{ field: `rules.${id}`, ...words, direction: directionOfChange(one, other, bundles) }];
  });
}

/** Only what is enforced gives or takes anything; the rest is as if it were absent. */
function directionOfChange(
  before: CentralRule | undefined,
  after: CentralRule | undefined,
  bundles: Bundles,
): Direction {
  const [was, is] = [before?.mode === 'enforce', after?.mode === 'enforce'];
  if (was === is) return before?.mode === after?.mode ? 'unchanged' : 'neutral';
  if (before !== undefined && was) return directionOfGoing(before, bundles.after);
  return after === undefined ? 'neutral' : directionOfComing(after, bundles.before);
}

/** Of a rule that begins to apply to somebody. */
function directionOfComing(rule: CentralRule, before: PolicyBundle): Direction {
  const given = before.rules.some((other) => gives(other) && coversReach(reachOfRule(other), reachOfRule(rule)));
  return rule.bounds === undefined || given ? 'narrowed' : 'widened';
}

/** Of a rule that no longer applies to somebody: what it gave is gone, and what it held back comes free. */
function directionOfGoing(rule: CentralRule, after: PolicyBundle): Direction {
  const others = after.rules.filter(
    (other) => other.id !== rule.id && gives(other) && shareReach(reachOfRule(other), reachOfRule(rule)),
  );
  const least: Direction = rule.bounds === undefined ? 'neutral' : 'narrowed';
  if (others.length === 0) return least;
  if (takesAway(rule)) return 'widened';
  const { bounds } = rule;
  const held = others.every((other) => bounds === undefined || holdsTo(other, bounds, after));
  return held ? least : 'widened';
}

function gives({ bounds, mode }: CentralRule): boolean {
  return bounds !== undefined && mode === 'enforce';
}

function takesAway({ deny, conditions }: CentralRule): boolean {
  const denies = deny.namespaces.length > 0 || deny.serviceAccounts.length > 0;
  return denies || conditions.some(({ mode }) => mode === 'enforce');
}

/** Whether the rule, wherever it speaks, enforces no less than `bounds`. */
function holdsTo(rule: CentralRule, bounds: NonNullable<CentralRule['bounds']>, bundle: PolicyBundle): boolean {
  const enforced = rule.locked || bundle.namespaces.audit.length === 0;
  return enforced && rule.bounds !== undefined && coversBounds(bounds, rule.bounds);
}

/** What begins or ceases to be enforced is judged as a whole: its mode has the direction, its fields have none. */
function compareRule(before: CentralRule, after: CentralRule, bundles: Bundles): readonly Change[] {
  const at = `rules.${before.id}`;
  const mode = { field: `${at}.mode`, before: before.mode, after: after.mode };
  const enforced = before.mode === 'enforce' && after.mode === 'enforce';
  const contacts = [before.contact ?? ABSENT_FIELD, after.contact ?? ABSENT_FIELD] as const;
  const fields = [
    ...REACH_PARTS.map((part) => compareReach(at, part, before, after, bundles)),
    compareLocked(at, before, after),
    ...boundsOf(at, before, after, bundles),
    ...compareDeny(`${at}.deny`, before.deny, after.deny),
    ...compareConditions(`${at}.conditions`, before.conditions, after.conditions),
  ];
  return [
    { ...mode, direction: directionOfChange(before, after, bundles) },
    ...fields.map((change) => (enforced ? change : { ...change, direction: unenforced(change.direction) })),
    { field: `${at}.contact`, before: contacts[0], after: contacts[1], direction: wording(...contacts) },
  ];
}

function compareReach(at: string, part: ReachPart, before: CentralRule, after: CentralRule, bundles: Bundles): Change {
  const [one, other] = [reachOfRule(before), reachOfRule(after)];
  const words = { field: `${at}.${part.rule}`, before: part.format(one), after: part.format(other) };
  const ways: Direction[] = [];
  if (!part.covers(one, other)) ways.push(directionOfComing(after, bundles.before));
  if (!part.covers(other, one)) ways.push(directionOfGoing(before, bundles.after));
  return { ...words, direction: together(ways) };
}

/** A move that gives more in one place and less in another may be either. */
function together(ways: readonly Direction[]): Direction {
  const [first = 'unchanged', ...more] = new Set(ways);
  if (more.length === 0) return first;
  return ways.includes('widened') ? 'changed' : 'narrowed';
}

/** A rule keeps its identities in audited namespaces to what it says only when it is locked. */
function compareLocked(at: string, before: CentralRule, after: CentralRule): Change {
  const words = { field: `${at}.locked`, before: yesOrNo(before.locked), after: yesOrNo(after.locked) };
  return { ...words, direction: directionOf(before.locked, after.locked, (outer, inner) => !outer || inner) };
}

function boundsOf(at: string, before: CentralRule, after: CentralRule, bundles: Bundles): readonly Change[] {
  if (before.bounds !== undefined && after.bounds !== undefined) {
    return compareBounds(`${at}.bounds`, before.bounds, after.bounds);
  }
  const [one, other] = [before, after].map(({ bounds }) => (bounds === undefined ? ABSENT_FIELD : PRESENT_FIELD));
  if (one === undefined || other === undefined || one === other) return [];
  const alone = { deny: { namespaces: [], serviceAccounts: [] }, conditions: [] };
  const direction =
    one === ABSENT_FIELD
      ? directionOfComing(after, bundles.before)
      : directionOfGoing({ ...before, ...alone }, bundles.after);
  return [{ field: `${at}.bounds`, before: one, after: other, direction }];
}

/** @param at where it stands in its document. */
export function compareDeny(at: string, before: Deny, after: Deny): readonly Change[] {
  return (['namespaces', 'serviceAccounts'] as const).map((field) => ({
    field: `${at}.${field}`,
    before: formatPatterns(before[field]),
    after: formatPatterns(after[field]),
    direction: inverse(directionOf<readonly NamePattern[]>(before[field], after[field], coversPatterns)),
  }));
}
