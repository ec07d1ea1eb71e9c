// Answers the API server's questions about local policies within a part of this process's time that leaves enough for
// issuing: whoever can reach the port may ask as often as he likes.
import type { Clock } from '../../../ports/platform/clock.ts';
import { admissionRequest, admissionReview, admit, allowed, type Standing } from './admission-review.ts';

interface Parts {
  readonly judge: Parameters<typeof admit>[1];
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

const WINDOW_MS = 1_000;
/** Of each window. */
const MAX_BUSY_MS = 100;
const BUSY = 'Capstan is busy: this policy was not compared with the policy bundle';

export class PolicyAdmission {
  readonly #parts: Parts;
  #windowMs = -Infinity;
  #busyMs = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** @returns the body of the answer; nothing for what is no question. */
  answer(body: unknown): object | undefined {
    const request = admissionRequest(body);
    if (request === undefined) return undefined;
    const { clock, judge } = this.#parts;
    const beganMs = clock.monotonicMs();
    if (beganMs - this.#windowMs >= WINDOW_MS) [this.#windowMs, this.#busyMs] = [beganMs, 0];
    if (this.#busyMs >= MAX_BUSY_MS) return admissionReview(allowed(request.uid, [BUSY]));
    try {
      return admissionReview(admit(request, judge));
    } finally {
      this.#busyMs += clock.monotonicMs() - beganMs;
    }
  }
}

export type { Standing };
