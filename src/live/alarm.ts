// A wait that ends when its time has come or when somebody rings. A ring between two waits is kept for the next one, so
// that what happens while the owner is busy with the last ring is not missed.
import type { Clock, Woken } from '../ports/platform/clock.ts';

/** `rung`: somebody rang. `aborted`: the signal ended the wait, which is how a loop around it ends. */
export type AlarmEnd = Woken | 'rung' | 'aborted';

/** Made once: Node makes an exception with its stack for each abort that is given no reason. */
const RUNG = new Error('rung');

/** One owner waits, one wait at a time; anybody may ring. */
export class Alarm {
  readonly #clock: Pick<Clock, 'sleep' | 'sleepUntil'>;
  #bell = new AbortController();

  constructor(clock: Pick<Clock, 'sleep' | 'sleepUntil'>) {
    this.#clock = clock;
  }

  /** Whether the next wait will end at once. */
  get rung(): boolean {
    return this.#bell.signal.aborted;
  }

  /** Ends the wait under way, or else the next one. Rings that come before a wait ends it are one ring. */
  ring(): void {
    if (!this.rung) this.#bell.abort(RUNG);
  }

  /** @param ms by the monotonic clock. @returns why the wait ended; never rejects for the signal. */
  async sleep(ms: number, { signal }: { readonly signal: AbortSignal }): Promise<AlarmEnd> {
    return this.#until(signal, async (either) => {
      await this.#clock.sleep(ms, either);
      return 'reached';
    });
  }

  /** As `sleep`, until a moment of the wall clock in ms since the epoch; `stepped` when that clock is set meanwhile. */
  async sleepUntil(wallMs: number, { signal }: { readonly signal: AbortSignal }): Promise<AlarmEnd> {
    return this.#until(signal, async (either) => this.#clock.sleepUntil(wallMs, either));
  }

  async #until(
    signal: AbortSignal,
    wait: (options: { readonly signal: AbortSignal }) => Promise<Woken>,
  ): Promise<AlarmEnd> {
    try {
      return await wait({ signal: AbortSignal.any([signal, this.#bell.signal]) });
    } catch (error) {
      if (signal.aborted) return 'aborted';
      if (!this.#bell.signal.aborted) throw error;
      return 'rung';
    } finally {
      if (this.#bell.signal.aborted) this.#bell = new AbortController();
    }
  }
}
