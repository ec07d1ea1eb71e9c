// Another writer of the same object: istiod writes the root ConfigMap too. Two that correct each other without end would
// keep the API server busy and every pod's roots changing, so we stop, and say who it is.

/** Corrections of others within a minute that are taken for a contest. */
const MANY = 3;
const WITHIN_MS = 60_000;
/** How long after that it is tried once more: the other writer may have been stopped. */
const AGAIN_MS = 600_000;

export class Contest {
  #changesMs: readonly number[] = [];
  #untilMs: number | undefined;
  /** The other writer, once it is a contest. */
  by: string | undefined;

  /**
   * Another changed what we had written.
   * @param isRival whether this writer contests another object: then nobody waits for it to do it again.
   */
  changed(by: string, { isRival, nowMs }: { readonly isRival: boolean; readonly nowMs: number }): void {
    this.#changesMs = [...this.#changesMs.filter((ms) => ms > nowMs - WITHIN_MS), nowMs];
    if (!isRival && this.#changesMs.length < MANY) return;
    this.by = by;
    this.#untilMs = nowMs + AGAIN_MS;
  }

  /** Until when nothing is written, by the monotonic clock in ms; nothing when it may be. */
  stopsUntil(nowMs: number): number | undefined {
    return this.#untilMs !== undefined && nowMs < this.#untilMs ? this.#untilMs : undefined;
  }

  /** What is there is as it should be. */
  over(): void {
    this.by = undefined;
    this.#untilMs = undefined;
  }
}

/** Places in which a writer contested before it is known for it: one namespace's owner alone does not decide for others. */
const KNOWN_FOR = 2;
/** A little longer than until it is tried again. */
const REMEMBERED_MS = AGAIN_MS + WITHIN_MS;
/** Field managers that are remembered at once; anybody can invent more. */
const MAX_RIVALS = 64;

/** Writers that contested in several places: elsewhere nobody waits for them to do it again. */
export class Rivals {
  readonly #known = new Map<string, { readonly places: Set<string>; untilMs: number }>();

  /** @param writer its field manager; who deletes is nobody that could be known again. */
  has(writer: string | undefined, nowMs: number): boolean {
    const known = writer === undefined ? undefined : this.#known.get(writer);
    return known !== undefined && known.untilMs > nowMs && known.places.size >= KNOWN_FOR;
  }

  contested(writer: string | undefined, place: string, nowMs: number): void {
    if (writer === undefined) return;
    const known = this.#known.get(writer);
    const places = known !== undefined && known.untilMs > nowMs ? known.places : new Set<string>();
    if (places.size < KNOWN_FOR) places.add(place);
    if (this.#known.size >= MAX_RIVALS) this.#known.clear();
    this.#known.set(writer, { places, untilMs: nowMs + REMEMBERED_MS });
  }
}
