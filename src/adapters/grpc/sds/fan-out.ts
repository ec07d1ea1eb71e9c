// News for many streams, told to a few at a time: between two chunks the event loop serves everybody
// else. Who waits here is only marked; what it is told is what is newest when its turn comes.
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
