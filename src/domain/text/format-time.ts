// Times and spans as people say them.

const UNITS: readonly (readonly [name: string, ms: number])[] = [
  ['year', 365 * 86_400_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
];

/** @returns two or more of the largest unit that fits twice, such as `90 minutes` or `3 days`. */
export function formatSpan(ms: number): string {
  const [name, size] = UNITS.find(([, unitMs]) => ms >= 2 * unitMs) ?? ['second', 1_000];
  const count = Math.round(ms / size);
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}

/** @returns `2026-01-31 12:00:00 UTC`. */
export function formatTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** @returns how much of a validity is left, or since when it is over, or until when it has not begun. */
export function formatValidity(
  { notBeforeMs, notAfterMs }: { readonly notBeforeMs: number; readonly notAfterMs: number },
  nowMs: number,
): string {
  if (nowMs < notBeforeMs) return `not valid for another ${formatSpan(notBeforeMs - nowMs)}`;
  if (nowMs > notAfterMs) return `expired ${formatSpan(nowMs - notAfterMs)} ago`;
  return `${formatSpan(notAfterMs - nowMs)} left`;
}
