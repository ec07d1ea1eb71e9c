// Those who want to know when something changes. Each is asked for with a signal and forgotten when it aborts, so that
// what lives long collects no listeners of what has ended.

/** @typeParam Facts what each listener is called with. */
export class Listeners<Facts extends readonly unknown[] = []> {
  /** One entry for each `add`, also when two pass the same function. */
  readonly #entries = new Set<{ readonly listener: (...facts: Facts) => void }>();

  get size(): number {
    return this.#entries.size;
  }

  /** From the next change on, until the signal aborts. A signal that has aborted already adds nothing. */
  add(listener: (...facts: Facts) => void, { signal }: { readonly signal: AbortSignal }): void {
    if (signal.aborted) return;
    const entry = { listener };
    this.#entries.add(entry);
    signal.addEventListener('abort', () => this.#entries.delete(entry), { once: true });
  }

  /**
   * Calls each in the order in which they were added. Listeners do not throw: one that did would keep the news from those
   * behind it, and hand its error to whoever made the change.
   */
  notify(...facts: Facts): void {
    for (const { listener } of this.#entries) listener(...facts);
  }
}
