// A length of time as operators write it.

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A hundred years: enough for a root, and far below what a date can hold. */
export const MAX_DURATION_MS = 100 * 365 * 86_400_000;

const FORM = 'is not a whole number followed by s, m, h or d, such as 30s, 10m, 1h or 7d';

/**
 * @param text one whole number and one unit: `30s`, `10m`, `1h`, `7d`. Zero is a length of time too.
 * @returns milliseconds, or the reason in words why the text is not a duration.
 */
export function parseDuration(text: string): number | { readonly problem: string } {
  const match = /^(\d{1,15})([smhd])$/.exec(text);
  const unitMs = UNIT_MS[match?.[2] ?? ''];
  if (match === null || unitMs === undefined) return { problem: FORM };
  const ms = Number(match[1]) * unitMs;
  return ms <= MAX_DURATION_MS ? ms : { problem: 'is longer than 36500d' };
}

/** The last number is the least length that is said in the unit: a day is 24h, a week 7d. */
const SPOKEN: readonly (readonly [unit: string, ms: number, leastMs: number])[] = [
  ['d', 86_400_000, 7 * 86_400_000],
  ['h', 3_600_000, 3_600_000],
  ['m', 60_000, 60_000],
];

/** @returns `90m`, as `parseDuration` reads it: in the largest unit of which it is a whole number; `any` for Infinity. */
export function formatDuration(ms: number): string {
  if (ms === Infinity) return 'any';
  const [unit, size] = SPOKEN.find(([, unitMs, leastMs]) => ms >= leastMs && ms % unitMs === 0) ?? ['s', 1_000];
  return `${Math.floor(ms / size)}${unit}`;
}
