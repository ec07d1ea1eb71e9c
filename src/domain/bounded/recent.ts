// A bounded memory: two generations, the older of which is dropped as a whole. Taking out the
// oldest entry of a Map one by one would walk over all that were taken out before it.

export class Recent<Value> {
  readonly #halfSize: number;
  #young = new Map<string, Value>();
  #old: ReadonlyMap<string, Value> = new Map();

  /** @param most entries; at least the younger half of them is remembered. */
  constructor(most: number) {
    this.#halfSize = Math.ceil(most / 2);
  }

  get empty(): boolean {
    return this.#young.size === 0;
  }

  get(key: string): Value | undefined {
    return this.#young.get(key) ?? this.#old.get(key);
  }

  set(key: string, value: Value): void {
    if (this.#young.size >= this.#halfSize && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }
}
