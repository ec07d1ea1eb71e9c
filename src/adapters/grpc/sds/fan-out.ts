// Updates for many streams, delivered in chunks: between two of them the event loop serves everything
// else. A stream that waits is only marked; it gets what is newest when its turn comes.
export interface Follower {
  /** Something that it follows may have changed. Never throws. */
  refresh(): void;
}

/** Some 10 ms of writing; five thousand streams take 25 turns. */
export const CHUNK = 200;

export class FanOut {
  /** No bound of its own: each follower is in it at most once. */
  readonly #due = new Set<Follower>();
  #running = false;

  add(followers: Iterable<Follower>): void {
    for (const follower of followers) this.#due.add(follower);
    if (this.#running || this.#due.size === 0) return;
    this.#running = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    let left = CHUNK;
    for (const follower of this.#due) {
      if (left === 0) break;
      left -= 1;
      this.#due.delete(follower);
      follower.refresh();
    }
    this.#running = this.#due.size > 0;
    if (this.#running) setImmediate(() => this.#turn());
  }
}
