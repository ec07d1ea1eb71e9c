// Which requests are looked at, and when: a place for each, turns by owner, a pause after a try that may succeed later. So a
// crowd of one owner waits for itself, and what cannot be answered now takes nothing but its place.
import type { Clock } from '../../../ports/platform/clock.ts';

export interface QueueBounds {
  /** Places in all. */
  readonly places: number;
  /** Of them, those of one owner. */
  readonly placesEach: number;
  /** Requests that are worked on at once. */
  readonly underWay: number;
}

/** A request that has no place waits in the API server, and is found there again when there is room. */
const QUEUE_BOUNDS: QueueBounds = { places: 10_000, placesEach: 2_000, underWay: 16 };

/** `done` for good, also where nothing was to be done. */
export type Outcome = 'done' | { readonly retry: true; readonly afterMs?: number };

export interface QueueParts {
  readonly clock: Pick<Clock, 'after'>;
  /** Handles its own errors. @param tries of the same request that were made before. */
  readonly work: (key: string, tries: number) => Promise<Outcome>;
  /** There is room again after a request had to be left out: the owner of the queue adds whatever still waits. */
  readonly onRoom: () => void;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
const LONGEST_ASKED_MS = 60_000;

interface Entry {
  readonly key: string;
  readonly owner: string;
  tries: number;
  /** Takes back the end of its pause. */
  endPause?: () => void;
}

export class RequestQueue {
  readonly #parts: QueueParts;
  readonly #bounds: QueueBounds;
  readonly #entries = new Map<string, Entry>();
  readonly #heldBy = new Map<string, number>();
  /** Ready to be worked on, by owner, in the order of their turns. */
  readonly #ready = new Map<string, Set<Entry>>();
  readonly #underWay = new Set<Promise<void>>();
  #leftOut = false;
  #ended = false;

  constructor(parts: QueueParts, bounds: QueueBounds = QUEUE_BOUNDS) {
    this.#parts = parts;
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Once for each key, until it is done or forgotten. */
  add(key: string, owner: string): void {
    if (this.#ended || this.#entries.has(key)) return;
    const { places, placesEach } = this.#bounds;
    const held = this.#heldBy.get(owner) ?? 0;
    if (this.#entries.size >= places || held >= placesEach) {
      this.#leftOut = true;
      return;
    }
    const entry: Entry = { key, owner, tries: 0 };
    this.#entries.set(key, entry);
    this.#heldBy.set(owner, held + 1);
    this.#line(entry);
    this.#admit();
  }

  /** What is being worked on goes on to its end. */
  forget(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    entry.endPause?.();
    const ready = this.#ready.get(entry.owner);
    if (ready?.delete(entry) === true && ready.size === 0) this.#ready.delete(entry.owner);
    const left = (this.#heldBy.get(entry.owner) ?? 1) - 1;
    if (left > 0) this.#heldBy.set(entry.owner, left);
    else this.#heldBy.delete(entry.owner);
    this.#sayRoom(left);
  }

  /** Resolves when what was being worked on has ended. */
  async end(): Promise<void> {
    this.#ended = true;
    for (const { endPause } of this.#entries.values()) endPause?.();
    this.#entries.clear();
    this.#ready.clear();
    await Promise.all(this.#underWay);
  }

  #line(entry: Entry): void {
    const ready = this.#ready.get(entry.owner) ?? new Set();
    this.#ready.set(entry.owner, ready.add(entry));
  }

  #admit(): void {
    while (this.#underWay.size < this.#bounds.underWay) {
      const entry = this.#next();
      if (entry === undefined) return;
      const working: Promise<void> = this.#work(entry).finally(() => {
        this.#underWay.delete(working);
        this.#admit();
      });
      this.#underWay.add(working);
    }
  }

  /** The oldest of the owner whose turn it is, who goes to the end of the line. */
  #next(): Entry | undefined {
    for (const [owner, ready] of this.#ready) {
      this.#ready.delete(owner);
      for (const entry of ready) {
        ready.delete(entry);
        if (ready.size > 0) this.#ready.set(owner, ready);
        return entry;
      }
    }
    return undefined;
  }

  async #work(entry: Entry): Promise<void> {
    const outcome = await this.#parts.work(entry.key, entry.tries);
    if (this.#ended || this.#entries.get(entry.key) !== entry) return;
    if (outcome === 'done') this.forget(entry.key);
    else this.#pause(entry, outcome.afterMs ?? 0);
  }

  #pause(entry: Entry, askedMs: number): void {
    const doubledMs = Math.min(FIRST_PAUSE_MS * 2 ** entry.tries, LONGEST_PAUSE_MS);
    entry.tries += 1;
    entry.endPause = this.#parts.clock.after(Math.max(doubledMs, Math.min(askedMs, LONGEST_ASKED_MS)), () => {
      this.#line(entry);
      this.#admit();
    });
  }

  /** Half of an owner's places: whoever looks through all that waits shall not do so for each one of them. */
  #sayRoom(left: number): void {
    const { places, placesEach } = this.#bounds;
    if (!this.#leftOut || this.#ended || left > placesEach / 2 || this.#entries.size > places / 2) return;
    this.#leftOut = false;
    this.#parts.onRoom();
  }
}
