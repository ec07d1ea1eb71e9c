// Tokens that were verified a moment ago. An agent sends the same token for hours, and its signature
// costs more than everything else in a refusal; for a minute at most its bytes speak for it.
import { hash } from 'node:crypto';
import { Recent } from '../../../domain/bounded/recent.ts';
import type { Caller } from '../../../domain/identity/caller.ts';

/** About 10 MB; the oldest go first, and the younger half stays. */
export const MAX_REMEMBERED_TOKENS = 10_000;
/** How long a token is taken on its bytes alone; never past its own end. */
export const REMEMBER_MS = 60_000;

interface Remembered {
  readonly caller: Caller;
  readonly untilMs: number;
  /** Whether what the token was verified by is still in force. */
  readonly isInForce: () => boolean;
}

/** A token as it was shown: with another cluster id it is verified by another cluster's keys. */
export interface ShownToken {
  readonly token: string;
  readonly clusterId?: string;
}

export class VerifiedTokens {
  /** By the SHA-256 of the token, and the cluster id: the token itself is not kept. */
  readonly #byDigest = new Recent<Remembered>(MAX_REMEMBERED_TOKENS);

  /** @returns whom the token authenticated, while what it was verified by is in force and its time is not up. */
  recall(shown: ShownToken, nowMs: number): Caller | undefined {
    const known = this.#byDigest.get(keyOf(shown));
    return known !== undefined && nowMs < known.untilMs && known.isInForce() ? known.caller : undefined;
  }

  /** @param expiresAtMs the token's own end. */
  remember(shown: ShownToken, verified: Omit<Remembered, 'untilMs'>, expiresAtMs: number, nowMs: number): void {
    this.#byDigest.set(keyOf(shown), { ...verified, untilMs: Math.min(nowMs + REMEMBER_MS, expiresAtMs) });
  }
}

function keyOf({ token, clusterId = '' }: ShownToken): string {
  return `${hash('sha256', token, 'base64')} ${clusterId}`;
}
