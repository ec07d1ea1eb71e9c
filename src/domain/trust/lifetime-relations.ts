// How long an intermediate must live beside what stands above and below it: root, then intermediate, then leaf, each
// within the one before. A leaf never outlives its issuer, so one that is close to its end makes leaves shorter and shorter,
// and renewals more and more frequent, until there are none; six leaves are room for a rollover that somebody can miss twice.
import { formatDuration } from '../text/duration.ts';
import type { Issuer } from '../x509/issuer.ts';

/** An intermediate lives at least this many times as long as the longest leaf below it. */
export const LEAVES_IN_ISSUER = 6;

type Lives = Pick<Issuer, 'ownNotBeforeMs' | 'ownNotAfterMs' | 'anchorNotAfterMs'>;

/**
 * @param longestLeafMs no leaf that it signs lives longer.
 * @returns what is wrong with its lifetime, with the arithmetic; nothing when it fits.
 */
export function lifetimeProblem(
  { ownNotBeforeMs, ownNotAfterMs, anchorNotAfterMs }: Lives,
  longestLeafMs: number,
): string | undefined {
  const [lifeMs, leastMs] = [ownNotAfterMs - ownNotBeforeMs, LEAVES_IN_ISSUER * longestLeafMs];
  if (lifeMs < leastMs) {
    const [leaf, least] = [longestLeafMs, leastMs].map(formatDuration);
    const [life, most] = [lifeMs, lifeMs / LEAVES_IN_ISSUER].map(roughly);
    return `it lives for ${life}, and the longest leaf for ${leaf}: an intermediate lives at least ${LEAVES_IN_ISSUER} times as long, ${LEAVES_IN_ISSUER} x ${leaf} = ${least}. Ask the CA for that, or let no leaf live longer than ${most}`;
  }
  if (ownNotAfterMs <= anchorNotAfterMs) return undefined;
  const [own, anchor] = [ownNotAfterMs, anchorNotAfterMs].map((ms) => new Date(ms).toISOString());
  return `it ends at ${own}, after its trust anchor, which ends at ${anchor}. Ask the CA for one that ends before its root`;
}

const [MINUTE_MS, HOUR_MS, DAY_MS] = [60_000, 3_600_000, 86_400_000];

/** Rounded down, so that what is advised holds. */
function roughly(ms: number): string {
  const unitMs = ms >= 14 * DAY_MS ? DAY_MS : ms >= 6 * HOUR_MS ? HOUR_MS : MINUTE_MS;
  return formatDuration(Math.floor(ms / unitMs) * unitMs);
}
