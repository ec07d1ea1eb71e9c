// What a benchmark yields: rows that stand beside their yardstick.

/** One line of the result, in the form that `--output json` prints. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** `value` is null when the yardstick could not be measured here. */
  readonly yardstick: { readonly name: string; readonly value: number | null };
  /** Above 1 we are better than the yardstick, whichever direction the unit has; null without a yardstick. */
  readonly ratio: number | null;
}

/** Which way a unit is better. */
const BETTER: Readonly<Record<string, 'higher' | 'lower'>> = {
  'issued/s': 'higher',
  'calls/s': 'higher',
  'judged/s': 'higher',
  '% of the event loop': 'lower',
  'us CPU/call': 'lower',
  'us CPU/copy': 'lower',
  ms: 'lower',
  'KiB/stream': 'lower',
  MiB: 'lower',
};

/** @throws Error for a unit without a direction: a row that nobody can judge. */
export function betterWhen(unit: string): 'higher' | 'lower' {
  const direction = BETTER[unit];
  if (direction === undefined) throw new Error(`unit ${unit} has no direction`);
  return direction;
}

/** Medians of both sides as one row. An empty yardstick list means that it was not measured. */
export function row(
  name: string,
  unit: string,
  ours: readonly number[],
  yardstick: { readonly name: string; readonly values: readonly number[] },
): Row {
  const value = rounded(median(ours));
  const other = yardstick.values.length === 0 ? null : rounded(median(yardstick.values));
  return { name, value, unit, yardstick: { name: yardstick.name, value: other }, ratio: ratioOf(unit, value, other) };
}

function ratioOf(unit: string, value: number, other: number | null): number | null {
  if (other === null) return null;
  return rounded(betterWhen(unit) === 'higher' ? value / other : other / value);
}

/** The middle value; of an even number, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  if (low === undefined || high === undefined) throw new Error('nothing was measured');
  return (low + high) / 2;
}

/** Four significant digits: more than the noise allows, enough for a ratio. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
