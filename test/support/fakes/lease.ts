import type { HeldLease, Lease } from '../../../src/ports/storage/lease.ts';

/** A lease that a test gives and takes. */
export class FakeLease implements Lease {
  readonly #asking: ((held: HeldLease) => void)[] = [];
  #epoch = 0;
  #lost = new AbortController();
  released = 0;

  async acquire({ signal }: { readonly signal: AbortSignal }): Promise<HeldLease> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      this.#asking.push(resolve);
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
  }

  /** To who asks for it now. */
  give(): void {
    this.#epoch += 1;
    this.#lost = new AbortController();
    const release = async (): Promise<void> => void (this.released += 1);
    for (const resolve of this.#asking.splice(0)) resolve({ epoch: this.#epoch, lost: this.#lost.signal, release });
  }

  lose(): void {
    this.#lost.abort();
  }
}
