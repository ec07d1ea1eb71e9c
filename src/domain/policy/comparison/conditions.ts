// Conditions compared by their id. A condition can only take away, so that one more is always narrower.
import {
  ABSENT_FIELD,
  directionOf,
  directionOfLimit,
  PRESENT_FIELD,
  unenforced,
  wording,
  type Change,
  type Direction,
} from './direction.ts';
import { compareChecks } from './checks.ts';
import { formatDuration } from '../../text/duration.ts';
import { formatOnRenew } from './formats.ts';
import type { Condition } from '../condition.ts';
import type { Mode, OnRenew } from '../documents.ts';

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
  const mode = { field: `${at}.mode`, before: before?.mode ?? ABSENT_FIELD, after: after?.mode ?? ABSENT_FIELD };
  const direction = directionOfMode(before?.mode, after?.mode);
  if (before === undefined) return [{ field: at, before: ABSENT_FIELD, after: PRESENT_FIELD, direction }];
  if (after === undefined) return [{ field: at, before: PRESENT_FIELD, after: ABSENT_FIELD, direction }];
  const judged = before.mode === 'enforce' ? (way: Direction) => way : unenforced;
  const onRenew = { before: formatOnRenew(before.onRenew), after: formatOnRenew(after.onRenew) };
  const wait = { before: formatDuration(before.waitMs), after: formatDuration(after.waitMs) };
  return [
    { ...mode, direction },
    ...compareChecks(at, before.check, after.check).map((each) => ({ ...each, direction: judged(each.direction) })),
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
