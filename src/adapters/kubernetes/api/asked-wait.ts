// The time that the API server asks somebody to leave it alone (429 with Retry-After), for one who else would ask sooner:
// because a certificate has changed, say.
import type { Clock } from '../../../ports/platform/clock.ts';
import { KubernetesApiError, type CallOptions } from './kubernetes-api.ts';

export class AskedWait {
  readonly #clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  #untilMs = -Infinity;

  constructor(clock: Pick<Clock, 'monotonicMs' | 'sleep'>) {
    this.#clock = clock;
  }

  /** Resolves when the server may be asked again, a minute later at most. @throws the signal's reason when it aborts first. */
  async over({ signal }: CallOptions): Promise<void> {
    const leftMs = this.#untilMs - this.#clock.monotonicMs();
    if (leftMs > 0) await this.#clock.sleep(leftMs, { signal });
  }

  /** Takes note of what a failed call says. */
  heed(error: unknown): void {
    if (!(error instanceof KubernetesApiError) || error.retryAfterMs === undefined) return;
    this.#untilMs = this.#clock.monotonicMs() + error.retryAfterMs;
  }
}
