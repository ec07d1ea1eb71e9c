// Which way a change goes: whether somebody may have more than before, or less.

/**
 * `widened` gives somebody more, `narrowed` nobody more and somebody less. `changed` cannot be compared
 * and may be either. `neutral` is a change that decides nothing: words, numbers of versions, audits.
 */
export type Direction = 'widened' | 'narrowed' | 'changed' | 'neutral' | 'unchanged';

export interface FieldDifference {
  /** `PolicyBundle corp-mesh`, `IssuancePolicy shop/public-api`. */
  readonly document: string;
  /** Dotted from the top of the document, rules and conditions by their id; empty for the document itself. */
  readonly field: string;
  /** In words; `absent` for what is not there. */
  readonly before: string;
  readonly after: string;
  readonly direction: Direction;
}

/** A difference within a document. */
export type Change = Omit<FieldDifference, 'document'>;

export const ABSENT_FIELD = 'absent';
export const PRESENT_FIELD = 'present';

/** Whether somebody may have more after it: what a pipeline stops at. */
export function mayWiden({ direction }: Pick<FieldDifference, 'direction'>): boolean {
  return direction === 'widened' || direction === 'changed';
}

/** @param covers whether the first allows all that the second allows. */
export function directionOf<Value>(
  before: Value,
  after: Value,
  covers: (outer: Value, inner: Value) => boolean,
): Direction {
  const shrinks = !covers(after, before);
  if (!covers(before, after)) return shrinks ? 'changed' : 'widened';
  return shrinks ? 'narrowed' : 'unchanged';
}

/** Of numbers of which the larger gives more. */
export function directionOfLimit(before: number, after: number): Direction {
  return directionOf(before, after, (outer, inner) => outer >= inner);
}

/** Of what takes away: the more of it, the less is given. */
export function inverse(direction: Direction): Direction {
  if (direction === 'widened') return 'narrowed';
  return direction === 'narrowed' ? 'widened' : direction;
}

/** Of what was not enforced before: whatever changes in it, nobody can have more. */
export function unenforced(direction: Direction): Direction {
  return direction === 'unchanged' ? direction : 'neutral';
}

/** Of what only people read. */
export function wording(before: string, after: string): Direction {
  return before === after ? 'unchanged' : 'neutral';
}
