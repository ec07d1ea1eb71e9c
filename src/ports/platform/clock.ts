// Time, as the CA needs it. Tests hand in a clock that they move themselves.

/** Why a wait for a moment ended: it came, or the wall clock was set meanwhile and the caller looks again. */
export type Woken = 'reached' | 'stepped';

/**
 * Two clocks, and each wait names its own.
 *
 * The wall clock decides what is written into a certificate, a token or a bundle, because peers read it there: renewal of
 * the serving certificate and of SVIDs, expiry of the policy bundle, of tokens and of client certificates, the end of the
 * proof behind a stream. It may be set at any moment, forwards or back.
 *
 * The monotonic clock decides what is only a length of time, so that setting the wall clock neither shortens nor stretches
 * it: ages and deadlines of streams, requests and handshakes, retries, quotas, how old fetched token keys are, how often
 * files are looked at, and how often old records are deleted.
 */
export interface Clock {
  /** Wall clock: milliseconds since the epoch. */
  nowMs(): number;
  /** Milliseconds since an arbitrary moment, with fractions and never backwards: for durations. */
  monotonicMs(): number;
  /**
   * Resolves after `ms` milliseconds of the monotonic clock. Rejects with the signal's reason when it aborts first.
   * @param ms zero or more; any length (the adapter splits what a timer cannot hold).
   */
  sleep(ms: number, options: { readonly signal: AbortSignal }): Promise<void>;
  /**
   * Calls `act` once after `ms` milliseconds of the monotonic clock; for the deadline of every call, where a promise and a
   * signal each cost more than reading the request.
   * @param ms at most a day.
   * @returns how to take that back; may be called twice, and after `act`.
   */
  after(ms: number, act: () => void): () => void;
  /**
   * Resolves when the wall clock shows `wallMs` or later, or, with `stepped`, within two seconds of the wall clock's being
   * set, forwards or back. Rejects with the signal's reason when it aborts first.
   */
  sleepUntil(wallMs: number, options: { readonly signal: AbortSignal }): Promise<Woken>;
}
