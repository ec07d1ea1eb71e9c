// Time, as the CA needs it. Tests hand in a clock that they move themselves.

export interface Clock {
  /** Milliseconds since the epoch. */
  nowMs(): number;
  /** Milliseconds since an arbitrary moment, with fractions and never backwards: for durations. */
  monotonicMs(): number;
  /**
   * Resolves after `ms` milliseconds. Rejects with the signal's reason when it aborts first.
   * @param ms zero or more; any length (the adapter splits what a timer cannot hold).
   */
  sleep(ms: number, options: { readonly signal: AbortSignal }): Promise<void>;
}
