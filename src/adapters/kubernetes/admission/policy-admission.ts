// Answers the API server's questions about local policies within a part of this process's time that leaves enough for
// issuing: whoever can reach the port may ask as often as he likes, and what he asks may be made to be slow to read.
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
/** An API server writes the request's own uid first (admission.k8s.io/v1, AdmissionRequest). */
const UID = /"uid":"([A-Za-z0-9-]{1,64})"/;
/** Where it is looked for. */
const HEAD = 1_024;

export class PolicyAdmission {
  readonly #parts: Parts;
  #windowMs = -Infinity;
  #busyMs = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** @param text the body of the question. @returns the body of the answer; nothing for what is no question. */
  answer(text: string): object | undefined {
    const { clock, judge } = this.#parts;
    const beganMs = clock.monotonicMs();
    if (beganMs - this.#windowMs >= WINDOW_MS) [this.#windowMs, this.#busyMs] = [beganMs, 0];
    if (this.#busyMs >= MAX_BUSY_MS) return unread(text);
    try {
      const request = admissionRequest(parsed(text));
      return request === undefined ? undefined : admissionReview(admit(request, judge));
    } finally {
      this.#busyMs += clock.monotonicMs() - beganMs;
    }
  }
}

function unread(text: string): object | undefined {
  const [, uid] = UID.exec(text.slice(0, HEAD)) ?? [];
  return uid === undefined ? undefined : admissionReview(allowed(uid, [BUSY]));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

export type { Standing };
