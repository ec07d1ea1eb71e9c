// What a ban does, and when, as the operator who asks for it is told: the certificates that it cannot take back, and how long
// other servers issue to whom it concerns.
import { AuthorityError } from '../../domain/errors.ts';
import type { Ban } from '../../domain/revocation/ban.ts';
import { within } from '../../live/within.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { LiveLeaves } from '../../ports/storage/issuer-statistics.ts';
import type { RevokedLeaves } from '../../ports/storage/revoked-leaves.ts';

export interface BanEffect {
  /** Certificates from before the ban that live; absent where they could not be counted in time. */
  readonly leaves?: LiveLeaves;
  /** Within this time of the answer other servers of the same store know of it, in ms; 0 where there are none. */
  readonly othersWithinMs: number;
}

/** They look every two seconds, and one look may take as long as the store does. */
const OTHERS_WITHIN_MS = 5_000;
/** The ban is in force meanwhile: its answer is not to be lost for the sake of a number. */
const COUNT_WITHIN_MS = 700;

export interface BanEffectsParts {
  readonly leaves: Pick<RevokedLeaves, 'revokedBy'>;
  readonly clock: Pick<Clock, 'nowMs' | 'sleep'>;
}

export interface BanEffectsSettings {
  /** No leaf lives longer. */
  readonly longestLeafMs: number;
  /** Whether other servers may have the same store. */
  readonly shared: boolean;
}

export class BanEffects {
  readonly #parts: BanEffectsParts;
  readonly #settings: BanEffectsSettings;

  constructor(parts: BanEffectsParts, settings: BanEffectsSettings) {
    this.#parts = parts;
    this.#settings = settings;
  }

  async of(ban: Ban, options: { readonly signal: AbortSignal }): Promise<BanEffect> {
    const leaves = await this.#count(ban, options);
    return { ...(leaves && { leaves }), othersWithinMs: this.#settings.shared ? OTHERS_WITHIN_MS : 0 };
  }

  async #count(ban: Ban, options: { readonly signal: AbortSignal }): Promise<LiveLeaves | undefined> {
    const { leaves, clock } = this.#parts;
    const nowMs = clock.nowMs();
    const window = { nowMs, sinceMs: nowMs - this.#settings.longestLeafMs };
    try {
      const found = await within(
        COUNT_WITHIN_MS,
        clock,
        async (given) => leaves.revokedBy([ban], window, given),
        options,
      );
      const latestEndMs = found?.certificates[0]?.notAfterMs;
      return found && { count: found.count, ...(latestEndMs !== undefined && { latestEndMs }) };
    } catch (error) {
      // A store that cannot be read now does not undo what is in force.
      if (error instanceof AuthorityError) return undefined;
      throw error;
    }
  }
}
