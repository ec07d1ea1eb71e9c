// How long the following of a kind pauses after it failed: more and more, so that a server in trouble is left in peace. One
// that was away is asked often for a minute once it answers: while it starts it refuses whatever it has not loaded yet (403
// before roles, 401 before keys of tokens, 404 before definitions of kinds, 429 and 500 before its storage).
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Random } from '../../../ports/platform/random.ts';
import { KubernetesApiError } from './kubernetes-api.ts';

export interface RetryPaceParts {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly random: Pick<Random, 'fraction'>;
}

/** Between two tries: doubled from the first to the last, each at random down to half of it. */
const RETRY_MS = { first: 500, last: 10_000, lastOfStarting: 2_000 } as const;
/** How long a server that could not be reached may take to load all it needs, once it answers. */
const STARTING_MS = 60_000;
/** No longer pause comes of more. */
const MAX_DOUBLINGS = 16;

export class RetryPace {
  readonly #parts: RetryPaceParts;
  #failures = 0;
  #unreachableMs = -Infinity;

  constructor(parts: RetryPaceParts) {
    this.#parts = parts;
  }

  /** It is followed: the next failure is the first. */
  followed(): void {
    this.#failures = 0;
  }

  /** @returns ms until the next try. */
  afterFailure(error: unknown): number {
    const { status, reason, retryAfterMs = 0 } = error instanceof KubernetesApiError ? error : UNEXPECTED;
    const nowMs = this.#parts.clock.monotonicMs();
    if (AWAY.includes(reason)) this.#unreachableMs = nowMs;
    const isStarting = status > 0 && nowMs - this.#unreachableMs < STARTING_MS;
    const longest = isStarting ? RETRY_MS.lastOfStarting : RETRY_MS.last;
    const backOffMs = Math.min(longest, RETRY_MS.first * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, MAX_DOUBLINGS);
    return Math.max(backOffMs * (1 - this.#parts.random.fraction() / 2), retryAfterMs);
  }
}

/** A fault of ours is no server that starts. */
const UNEXPECTED = { status: 500, reason: 'Unexpected', retryAfterMs: undefined } as const;
const AWAY = ['Unreachable', 'Timeout'];
