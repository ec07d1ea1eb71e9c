// The arithmetic of a leaky bucket, wherever its level is kept: in memory, or as a row that several servers share.

const MINUTE_MS = 60_000;
/** Rounding of the leak must not cost a certificate: a level that is over by no more has room. */
export const ROUNDING = 1e-9;

/**
 * @param level how full the bucket is now.
 * @param perMinute its size, and how much of it leaks in a minute.
 * @returns after how many ms a bucket without room has room for one, in whole ms; a minute where it never has.
 */
export function roomAfterMs(level: number, perMinute: number): number {
  if (perMinute === 0) return MINUTE_MS;
  return Math.max(0, Math.ceil(((level + 1 - perMinute - ROUNDING) * MINUTE_MS) / perMinute));
}
