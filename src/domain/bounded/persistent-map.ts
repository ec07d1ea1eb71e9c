// A map that never changes: a change gives another map, which shares with the old one what it does not touch. Entries lie in
// buckets by a hash of their key, and a change copies the list of buckets and those that it touches.

const BUCKETS = 256;

type Bucket<Value> = ReadonlyMap<string, Value>;

export class PersistentMap<Value> {
  readonly size: number;
  readonly #buckets: readonly (Bucket<Value> | undefined)[];

  private constructor(buckets: readonly (Bucket<Value> | undefined)[], size: number) {
    this.#buckets = buckets;
    this.size = size;
  }

  static empty<Value>(): PersistentMap<Value> {
    return new PersistentMap<Value>(new Array<undefined>(BUCKETS).fill(undefined), 0);
  }

  get(key: string): Value | undefined {
    return this.#buckets[bucketOf(key)]?.get(key);
  }

  /** @param changes the new value of each key; `undefined` takes it out. */
  with(changes: Iterable<readonly [key: string, value: Value | undefined]>): PersistentMap<Value> {
    const buckets = [...this.#buckets];
    const copied = new Map<number, Map<string, Value>>();
    let size = this.size;
    for (const [key, value] of changes) {
      const index = bucketOf(key);
      const bucket = copied.get(index) ?? new Map(buckets[index]);
      if (!copied.has(index)) {
        copied.set(index, bucket);
        buckets[index] = bucket;
      }
      size -= bucket.size;
      if (value === undefined) bucket.delete(key);
      else bucket.set(key, value);
      size += bucket.size;
    }
    return new PersistentMap(buckets, size);
  }

  /** In no particular order. */
  *entries(): Generator<[string, Value], void, void> {
    for (const bucket of this.#buckets) if (bucket !== undefined) yield* bucket.entries();
  }
}

/** FNV-1a of the UTF-16 code units: names that differ in one letter lie apart. */
function bucketOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index += 1) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  return (hash ^ (hash >>> 8) ^ (hash >>> 16) ^ (hash >>> 24)) & (BUCKETS - 1);
}
