// Conditions compared by their id. A condition can only take away, so that one more is always narrower.
import {
  ABSENT,
  directionOf,
  directionOfLimit,
  PRESENT,
  unenforced,
  wording,
  type Change,
  type Direction,
} from './compare-direction.ts';
import { coversLabels, coversPatterns } from './compare-limits.ts';
import { durationInWords, onRenewInWords } from './compare-words.ts';
import type { Condition, ConditionCheck, Expression } from './condition.ts';
import type { Mode, OnRenew } from './documents.ts';

/** @param at where the list stands in its document. */
export function compareConditions(
  at: string,
  before: readonly Condition[],
  after: readonly Condition[],
): readonly Change[] {
  const ids = [...new Set([...before, ...after].map(({ id }) => id))].sort();
  return ids.flatMap((id) => {
    const [one, other] = [before, after].map((list) => list.find((condition) => condition.id === id));
    return compareOne(`${at}.${id}`, one, other);
  });
}

function compareOne(at: string, before: Condition | undefined, after: Condition | undefined): readonly Change[] {
  const mode = { field: `${at}.mode`, before: before?.mode ?? ABSENT, after: after?.mode ?? ABSENT };
  const direction = directionOfMode(before?.mode, after?.mode);
  if (before === undefined) return [{ field: at, before: ABSENT, after: PRESENT, direction }];
  if (after === undefined) return [{ field: at, before: PRESENT, after: ABSENT, direction }];
  const judged = before.mode === 'enforce' ? (way: Direction) => way : unenforced;
  const check = { before: checkInWords(before.check), after: checkInWords(after.check) };
  const onRenew = { before: onRenewInWords(before.onRenew), after: onRenewInWords(after.onRenew) };
  const wait = { before: durationInWords(before.waitMs), after: durationInWords(after.waitMs) };
  return [
    { ...mode, direction },
    { field: `${at}.${before.check.kind}`, ...check, direction: judged(directionOfCheck(before.check, after.check)) },
    { field: `${at}.onRenew`, ...onRenew, direction: judged(directionOfOnRenew(before.onRenew, after.onRenew)) },
    { field: `${at}.waitFor`, ...wait, direction: judged(directionOfLimit(before.waitMs, after.waitMs)) },
    {
      field: `${at}.message`,
      before: before.message,
      after: after.message,
      direction: wording(before.message, after.message),
    },
  ];
}

/** Only what is enforced takes anything away; absent is as `off`. */
export function directionOfMode(before: Mode = 'off', after: Mode = 'off'): Direction {
  if (before === after) return 'unchanged';
  if (before === 'enforce') return 'widened';
  return after === 'enforce' ? 'narrowed' : 'neutral';
}

export function directionOfOnRenew(before: OnRenew, after: OnRenew): Direction {
  return directionOf(before, after, asGentle);
}

/** One lifetime is as long as the certificate: it compares with itself, with all and with nothing. */
function asGentle(a: OnRenew, b: OnRenew): boolean {
  if (a.kind === 'warn' || b.kind === 'enforce') return true;
  if (a.kind === 'enforce' || b.kind === 'warn') return false;
  if (a.graceMs === undefined || b.graceMs === undefined) return a.graceMs === b.graceMs;
  return a.graceMs >= b.graceMs;
}

function directionOfCheck(before: ConditionCheck, after: ConditionCheck): Direction {
  return directionOf(before, after, coversCheck);
}

/** Whether `outer` holds wherever `inner` holds. Expressions are only compared as they are written. */
function coversCheck(outer: ConditionCheck, inner: ConditionCheck): boolean {
  if (outer.kind === 'claim' && inner.kind === 'claim') {
    return outer.claim === inner.claim && coversPatterns(outer.in, inner.in);
  }
  if (outer.kind === 'matches' && inner.kind === 'matches') {
    return outer.target === inner.target && coversLabels(outer.annotations, inner.annotations) && fits(outer, inner);
  }
  if (outer.kind === 'exists' && inner.kind === 'exists') {
    const same = outer.objectKind === inner.objectKind && place(outer) === place(inner);
    const version = outer.apiVersion === undefined || outer.apiVersion === inner.apiVersion;
    const selects = !outer.selectsPod || inner.selectsPod;
    return same && version && selects && coversPatterns(outer.names, inner.names) && fits(outer, inner);
  }
  return outer.kind === 'expression' && inner.kind === 'expression'
    ? outer.expression.source === inner.expression.source
    : false;
}

function checkInWords(check: ConditionCheck): string {
  const { kind, ...fields } = check;
  const source = (name: string, value: unknown): unknown =>
    name === 'where' || name === 'expression' ? (value as Expression).source : value;
  return `${kind} ${JSON.stringify(fields, source)}`;
}

type OnObject = Extract<ConditionCheck, { kind: 'exists' | 'matches' }>;

function fits(outer: OnObject, inner: OnObject): boolean {
  const where = outer.where === undefined || outer.where.source === inner.where?.source;
  return where && coversLabels(outer.labels, inner.labels);
}

function place({ inNamespace }: Extract<ConditionCheck, { kind: 'exists' }>): string {
  return JSON.stringify(inNamespace);
}
