// A limited number of places and who holds them: how many each owner has, and which of them is its oldest.
// Every step takes the same time however many owners there are, so that a crowd cannot make it slow.

export class Places<Holder> {
  /** Each owner's holders in order of arrival. Bounded by whoever admits holders. */
  readonly #byOwner = new Map<string, Set<Holder>>();
  /** Owners by the number of places they hold; of the same number, who has come to it longest ago is first. */
  readonly #byCount: (Set<string> | undefined)[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  heldBy(owner: string): number {
    return this.#byOwner.get(owner)?.size ?? 0;
  }

  /** A holder has one place. */
  add(owner: string, holder: Holder): void {
    const held = this.#byOwner.get(owner) ?? new Set();
    this.#byOwner.set(owner, held);
    this.#move(owner, held.size, held.size + 1);
    held.add(holder);
    this.#size += 1;
  }

  /** @returns whether the holder had a place. */
  remove(owner: string, holder: Holder): boolean {
    const held = this.#byOwner.get(owner);
    if (held?.delete(holder) !== true) return false;
    this.#move(owner, held.size + 1, held.size);
    if (held.size === 0) this.#byOwner.delete(owner);
    this.#size -= 1;
    return true;
  }

  /** @returns the owner's oldest holder. */
  oldestOf(owner: string): Holder | undefined {
    return first(this.#byOwner.get(owner));
  }

  /** @returns an owner that nobody holds more than; nothing when all places are free. */
  largestOwner(): string | undefined {
    return first(this.#byCount.at(-1));
  }

  #move(owner: string, from: number, to: number): void {
    this.#byCount[from]?.delete(owner);
    if (to > 0) (this.#byCount[to] ??= new Set()).add(owner);
    while (this.#byCount.length > 0 && (this.#byCount.at(-1)?.size ?? 0) === 0) this.#byCount.pop();
  }
}

function first<T>(set: ReadonlySet<T> | undefined): T | undefined {
  return set?.values().next().value;
}
