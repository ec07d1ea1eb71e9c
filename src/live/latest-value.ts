// A value that changes and has many watchers. Each watcher sees the newest value it has not seen;
// what a slow watcher misses is superseded, never queued.

export class LatestValue<T> {
  #version = 0;
  #value: T | undefined;
  /** One entry per watcher, removed when it ends: a value that never changes must not collect the dead. */
  readonly #wakers = new Set<() => void>();

  get value(): T | undefined {
    return this.#value;
  }

  get watchers(): number {
    return this.#wakers.size;
  }

  set(value: T): void {
    this.#version += 1;
    this.#value = value;
    for (const wake of this.#wakers) wake();
  }

  /** Yields the current value if there is one, then each newer one; ends when the signal aborts. */
  async *watch({ signal }: { readonly signal: AbortSignal }): AsyncGenerator<T, void, void> {
    let resume = (): void => undefined;
    const wake = (): void => resume();
    this.#wakers.add(wake);
    signal.addEventListener('abort', wake, { once: true });
    let seen = 0;
    try {
      while (!signal.aborted) {
        if (this.#version === seen) {
          await new Promise<void>((resolve) => {
            resume = resolve;
          });
        } else {
          seen = this.#version;
          yield this.#value as T;
        }
      }
    } finally {
      this.#wakers.delete(wake);
      signal.removeEventListener('abort', wake);
    }
  }
}
