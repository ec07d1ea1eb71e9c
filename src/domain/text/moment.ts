// Moments as policies, tests and command lines write them.

/** RFC 3339 in UTC, so that nobody has to work out an offset. */
export const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/;

/** @returns milliseconds since the epoch. @param text such as 2026-01-31T12:00:00Z. */
export function parseMoment(text: string): number | { readonly problem: string } {
  const ms = MOMENT.test(text) ? Date.parse(text) : Number.NaN;
  // A day that the month does not have would roll over into the next.
  const sound = Number.isFinite(ms) && new Date(ms).toISOString().startsWith(text.slice(0, 19));
  return sound ? ms : { problem: 'must be a moment in UTC, such as 2026-01-31T12:00:00Z' };
}
