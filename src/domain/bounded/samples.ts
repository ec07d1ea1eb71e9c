// Many things that are alike, within one interval: the first few of a kind stand for themselves, the others are
// counted. What is kept has a bound however many kinds there are: each group has so many, what is left over is
// counted by what it has in common, and groups beyond their number share one.

export interface SampleBounds {
  /** So many of one kind stand for themselves ... */
  readonly each: number;
  /** ... and so many of the whole group. */
  readonly alone: number;
  /** Kinds that are counted each for itself. */
  readonly kinds: number;
}

export interface Sample {
  /** Whose bounds it uses up, such as a namespace. */
  readonly group: string;
  readonly kind: string;
  /** What it counts as when there are too many kinds: a member of a set that the code bounds. */
  readonly rest: string;
}

export interface Tally<T> {
  readonly of: T;
  count: number;
}

interface Kind<T> {
  alone: number;
  tally: Tally<T> | undefined;
}

interface Group<T> {
  alone: number;
  readonly kinds: Map<string, Kind<T>>;
  readonly rest: Map<string, Tally<T>>;
}

/** Most groups of one interval; more count as one. */
export const MAX_GROUPS = 250;
const OTHERS = '';

export class Samples<T> {
  readonly #bounds: SampleBounds;
  #groups = new Map<string, Group<T>>();

  constructor(bounds: SampleBounds) {
    this.#bounds = bounds;
  }

  /**
   * @param describe what a new tally is of; `mixed` when it is of several kinds.
   * @returns nothing when the sample stands for itself, otherwise the tally that it was counted in.
   */
  take({ group: name, kind, rest }: Sample, describe: (mixed: boolean) => T): Tally<T> | undefined {
    const group = this.#group(name);
    const known = this.#kind(group, kind);
    if (known === undefined)
      return counted(
        group.rest.get(rest),
        () => describe(true),
        (tally) => group.rest.set(rest, tally),
      );
    if (known.alone < this.#bounds.each && group.alone < this.#bounds.alone) {
      known.alone += 1;
      group.alone += 1;
      return undefined;
    }
    return counted(
      known.tally,
      () => describe(false),
      (tally) => (known.tally = tally),
    );
  }

  /** Ends the interval. @returns what was counted in it. */
  end(): readonly Tally<T>[] {
    const groups = [...this.#groups.values()];
    this.#groups = new Map();
    return groups.flatMap(({ kinds, rest }) => [
      ...[...kinds.values()].flatMap(({ tally }) => (tally === undefined ? [] : [tally])),
      ...rest.values(),
    ]);
  }

  #group(name: string): Group<T> {
    const key = this.#groups.has(name) || this.#groups.size < MAX_GROUPS ? name : OTHERS;
    const group = this.#groups.get(key) ?? {
      alone: 0,
      kinds: new Map<string, Kind<T>>(),
      rest: new Map<string, Tally<T>>(),
    };
    this.#groups.set(key, group);
    return group;
  }

  #kind({ kinds }: Group<T>, name: string): Kind<T> | undefined {
    const known = kinds.get(name);
    if (known !== undefined || kinds.size >= this.#bounds.kinds) return known;
    const fresh: Kind<T> = { alone: 0, tally: undefined };
    kinds.set(name, fresh);
    return fresh;
  }
}

function counted<T>(known: Tally<T> | undefined, describe: () => T, keep: (tally: Tally<T>) => void): Tally<T> {
  const tally = known ?? { of: describe(), count: 0 };
  tally.count += 1;
  keep(tally);
  return tally;
}
