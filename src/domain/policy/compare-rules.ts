// Central rules compared by their id. A rule with bounds gives and takes at once: it gives an identity to
// whom no other rule does, and holds back whom another gives one too. So what a rule that comes, goes or
// moves does depends on the rules beside it.
import { compareBounds, coversBounds } from './compare-bounds.ts';
import { compareConditions, directionOfMode } from './compare-conditions.ts';
import {
  ABSENT,
  directionOf,
  inverse,
  PRESENT,
  unenforced,
  wording,
  type Change,
  type Direction,
} from './compare-direction.ts';
import { coversPatterns } from './compare-limits.ts';
import { coversReach, REACH_PARTS, reachOfRule, shareReach, type ReachPart } from './compare-reach.ts';
import { patternsInWords, yesOrNo } from './compare-words.ts';
import type { CentralRule, Deny, PolicyBundle } from './documents.ts';
import type { NamePattern } from './names.ts';

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
    if (one === undefined || one.mode === 'off') return other === undefined ? [] : [added(one, other, bundles)];
    if (other === undefined || other.mode === 'off') return [removed(one, other, bundles)];
    return compareRule(one, other, bundles);
  });
}

function added(before: CentralRule | undefined, after: CentralRule, { before: bundle }: Bundles): Change {
  const words = { before: before === undefined ? ABSENT : 'off', after: after.mode === 'off' ? 'off' : PRESENT };
  const off = after.mode === 'off';
  return { field: `rules.${after.id}`, ...words, direction: off ? 'neutral' : directionOfComing(after, bundle) };
}

function removed(before: CentralRule, after: CentralRule | undefined, { after: bundle }: Bundles): Change {
  const words = { before: PRESENT, after: after === undefined ? ABSENT : 'off' };
  return { field: `rules.${before.id}`, ...words, direction: directionOfGoing(before, bundle) };
}

/** Of a rule that begins to speak of somebody. */
function directionOfComing(rule: CentralRule, before: PolicyBundle): Direction {
  if (!gives(rule)) return rule.mode === 'enforce' ? 'narrowed' : 'neutral';
  const given = before.rules.some((other) => gives(other) && coversReach(reachOfRule(other), reachOfRule(rule)));
  return given ? 'narrowed' : 'widened';
}

/** Of a rule that no longer speaks of somebody: what it gave is gone, and what it held back comes free. */
function directionOfGoing(rule: CentralRule, after: PolicyBundle): Direction {
  const others = after.rules.filter(
    (other) => other.id !== rule.id && gives(other) && shareReach(reachOfRule(other), reachOfRule(rule)),
  );
  const least: Direction = gives(rule) ? 'narrowed' : 'neutral';
  if (rule.mode !== 'enforce' || others.length === 0) return least;
  if (takesAway(rule)) return 'widened';
  const { bounds } = rule;
  const held = others.every((other) => bounds === undefined || holdsTo(other, bounds, after));
  return held ? least : 'widened';
}

/** A rule that is only audited gives nobody an identity. */
function gives({ bounds, mode }: CentralRule): boolean {
  return bounds !== undefined && mode === 'enforce';
}

/** A rule with bounds begins to give when it is enforced, and ends when it is not. */
function modeDirection(before: CentralRule, after: CentralRule, bundles: Bundles): Direction {
  if (gives(before) === gives(after)) return directionOfMode(before.mode, after.mode);
  return gives(after) ? directionOfComing(after, bundles.before) : directionOfGoing(before, bundles.after);
}

function takesAway({ deny, conditions }: CentralRule): boolean {
  const denies = deny.namespaces.length > 0 || deny.serviceAccounts.length > 0;
  return denies || conditions.some(({ mode }) => mode === 'enforce');
}

/** Whether the rule, wherever it speaks, enforces no less than `bounds`. */
function holdsTo(rule: CentralRule, bounds: NonNullable<CentralRule['bounds']>, bundle: PolicyBundle): boolean {
  const enforced = rule.mode === 'enforce' && (rule.locked || bundle.namespaces.audit.length === 0);
  return enforced && rule.bounds !== undefined && coversBounds(bounds, rule.bounds);
}

function compareRule(before: CentralRule, after: CentralRule, bundles: Bundles): readonly Change[] {
  const at = `rules.${before.id}`;
  const judged = before.mode === 'enforce' ? (way: Direction) => way : unenforced;
  const limits = [
    ...boundsOf(at, before, after, bundles),
    ...compareDeny(`${at}.deny`, before.deny, after.deny),
    ...compareConditions(`${at}.conditions`, before.conditions, after.conditions),
  ];
  return [
    ...REACH_PARTS.map((part) => compareReach(at, part, before, after, bundles)),
    {
      field: `${at}.mode`,
      before: before.mode,
      after: after.mode,
      direction: modeDirection(before, after, bundles),
    },
    compareLocked(at, before, after),
    ...limits.map((change) =>
      change.field === `${at}.bounds` ? change : { ...change, direction: judged(change.direction) },
    ),
    {
      field: `${at}.contact`,
      before: before.contact ?? ABSENT,
      after: after.contact ?? ABSENT,
      direction: wording(before.contact ?? ABSENT, after.contact ?? ABSENT),
    },
  ];
}

function compareReach(at: string, part: ReachPart, before: CentralRule, after: CentralRule, bundles: Bundles): Change {
  const [one, other] = [reachOfRule(before), reachOfRule(after)];
  const words = { field: `${at}.${part.rule}`, before: part.inWords(one), after: part.inWords(other) };
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
  const [one, other] = [before, after].map(({ bounds }) => (bounds === undefined ? ABSENT : PRESENT));
  if (one === undefined || other === undefined || one === other) return [];
  const alone = { deny: { namespaces: [], serviceAccounts: [] }, conditions: [] };
  const direction =
    one === ABSENT
      ? directionOfComing(after, bundles.before)
      : directionOfGoing({ ...before, ...alone }, bundles.after);
  return [{ field: `${at}.bounds`, before: one, after: other, direction }];
}

/** @param at where it stands in its document. */
export function compareDeny(at: string, before: Deny, after: Deny): readonly Change[] {
  return (['namespaces', 'serviceAccounts'] as const).map((field) => ({
    field: `${at}.${field}`,
    before: patternsInWords(before[field]),
    after: patternsInWords(after[field]),
    direction: inverse(directionOf<readonly NamePattern[]>(before[field], after[field], coversPatterns)),
  }));
}
