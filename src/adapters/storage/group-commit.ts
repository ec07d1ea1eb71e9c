// Many appends, few commits: what arrives within one turn of the event loop, or while a commit is
// under way, goes into the next one. At most one commit is under way.
import { AuthorityError } from '../../domain/errors.ts';

/** Records under way and waiting; more are refused at once, so that a slow disk cannot fill the memory. */
export const MAX_WAITING = 10_000;

interface Waiting<T> {
  readonly item: T;
  readonly signal: AbortSignal;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

export class GroupCommit<T> {
  /** Makes a batch durable as a whole, or throws. */
  readonly #commit: (batch: readonly T[]) => Promise<void>;
  #queue: Waiting<T>[] = [];
  #underWay = 0;
  #flushing: Promise<void> | undefined;

  constructor(commit: (batch: readonly T[]) => Promise<void>) {
    this.#commit = commit;
  }

  /**
   * Resolves once the item is durable. The signal is looked at before the item goes into a batch;
   * what is under way may become durable, so it is waited for.
   * @throws AuthorityError CAP-S04 when too many wait; whatever the commit threw; the signal's reason.
   */
  async add(item: T, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#queue.length + this.#underWay >= MAX_WAITING) {
      throw new AuthorityError('CAP-S04', { detail: `${MAX_WAITING} records wait already` });
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ item, signal, resolve, reject });
      this.#flushing ??= this.#flush();
    });
  }

  /** Resolves when nothing waits any more. */
  async drained(): Promise<void> {
    await this.#flushing;
  }

  async #flush(): Promise<void> {
    await new Promise(setImmediate);
    while (this.#queue.length > 0) await this.#commitBatch(this.#queue.splice(0));
    this.#flushing = undefined;
  }

  async #commitBatch(taken: readonly Waiting<T>[]): Promise<void> {
    const batch = taken.filter(({ signal }) => !signal.aborted);
    for (const { signal, reject } of taken) if (signal.aborted) reject(signal.reason);
    if (batch.length === 0) return;
    this.#underWay = batch.length;
    try {
      await this.#commit(batch.map(({ item }) => item));
      for (const { resolve } of batch) resolve();
    } catch (cause) {
      for (const { reject } of batch) reject(cause);
    } finally {
      this.#underWay = 0;
    }
  }
}
