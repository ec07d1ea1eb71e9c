// Keeps older policy bundles and earlier times out, over restarts and among replicas: what the rollback state said when it
// was last read or written, and the latest time that was seen since.
import type { Clock } from '../../../ports/platform/clock.ts';
import type { PolicyBundleState, RollbackState } from '../../../ports/policy/policy-bundle-state.ts';

/** That an operator sets the time by which bundles are judged back. */
export interface TimeSetBack {
  /** By the clock, to which it is set back. */
  readonly atMs: number;
  readonly fromMs: number;
}

/** Puts it on record, durably; the time is another one only after that. */
export type RecordSetBack = (done: TimeSetBack, options: { readonly signal: AbortSignal }) => Promise<void>;

interface Options {
  readonly signal: AbortSignal;
}

export class RollbackGuard {
  readonly #clock: Clock;
  /** Absent in development, where a restart forgets. */
  readonly #store: PolicyBundleState | undefined;
  #state: RollbackState | undefined;
  #latestMs = 0;
  /** One operator at a time: the next one is to be shown what came of it. */
  #settingBack = false;

  constructor({ clock, store }: { readonly clock: Clock; readonly store: PolicyBundleState | undefined }) {
    this.#clock = clock;
    this.#store = store;
  }

  /** Of the newest bundle that was accepted, as far as is known here; nothing when there was none, or none is kept. */
  get state(): RollbackState | undefined {
    return this.#state;
  }

  /** Where the state is kept, for messages. */
  get place(): string {
    return this.#store?.place ?? 'nothing';
  }

  /** Reads the state. @throws as PolicyBundleState.read. */
  async open(options: Options): Promise<void> {
    this.#state = await this.#store?.read(options);
  }

  /**
   * The moment by which bundles are judged. Never earlier than at any judgement before, also of an earlier run: a clock that
   * is set back brings no bundle back.
   */
  timeMs(): number {
    this.#latestMs = Math.max(this.#latestMs, this.#state?.latestSeenMs ?? 0, this.#clock.nowMs());
    return this.#latestMs;
  }

  /**
   * Writes that a bundle is accepted; it may come in force after that. The same one again changes nothing.
   * @param check throws when it may not follow the state as it is, which another replica may have changed.
   * @throws as PolicyBundleState.update, and what `check` throws.
   */
  async advance(
    accepted: Omit<RollbackState, 'latestSeenMs'>,
    check: (known: RollbackState | undefined) => void,
    options: Options,
  ): Promise<void> {
    await this.#update((known) => {
      if (known?.digest === accepted.digest) return undefined;
      check(known);
      return { ...accepted, latestSeenMs: this.#seenMs(known) };
    }, options);
  }

  /**
   * Writes how late it is, unless another process did.
   * @returns whether the time was set back by another process, and so is here.
   * @throws as PolicyBundleState.update.
   */
  async noteTime(options: Options): Promise<boolean> {
    const beforeMs = this.timeMs();
    await this.#update((known) => {
      if (known === undefined || this.#seenMs(known) <= known.latestSeenMs) return undefined;
      return { ...known, latestSeenMs: this.#seenMs(known) };
    }, options);
    return this.timeMs() < beforeMs;
  }

  /**
   * Sets the time back to the clock's, after a clock that was wrong for a while. Who does it answers for an expired bundle
   * that comes back by it.
   * @param expectedMs what the operator was shown.
   * @returns what was done; nothing when that is not the time any more, or another operator is setting it back.
   * @throws as PolicyBundleState.update, or what `record` threw; nothing has changed then.
   */
  async setTimeBack(expectedMs: number, record: RecordSetBack, options: Options): Promise<TimeSetBack | undefined> {
    const fromMs = this.timeMs();
    if (fromMs !== expectedMs || this.#settingBack) return undefined;
    const done = { atMs: this.#clock.nowMs(), fromMs };
    this.#settingBack = true;
    try {
      await record(done, options);
      await this.#update((known) => known && { ...known, latestSeenMs: done.atMs }, options);
      this.#latestMs = done.atMs;
    } finally {
      this.#settingBack = false;
    }
    return done;
  }

  /** While the time is set back, that of before must not be written again. */
  #seenMs(known: RollbackState | undefined): number {
    return Math.max(known?.latestSeenMs ?? 0, this.#settingBack ? this.#clock.nowMs() : this.timeMs());
  }

  async #update(
    change: (known: RollbackState | undefined) => RollbackState | undefined,
    options: Options,
  ): Promise<void> {
    this.#state = await this.#store?.update((known) => {
      this.#follow(known);
      return change(known);
    }, options);
  }

  /** The time on record goes back only where an operator of another process set it back: ours must not bring it forward. */
  #follow(known: RollbackState | undefined): void {
    if (known === undefined || this.#state === undefined || known.latestSeenMs >= this.#state.latestSeenMs) return;
    this.#state = known;
    this.#latestMs = this.#clock.nowMs();
  }
}
