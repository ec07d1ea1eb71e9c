// What witnesses have of the journal, for who begins to sign more of it: a database that somebody copied back from an old copy has heads
// that fit it, and only who kept the later ones knows. One that is away is asked again the next time, and nobody waits for it.
import { lastWitnessed, type LastWitnessed, type WitnessedJournal } from '../../domain/audit/last-witnessed.ts';
import { within } from '../../live/within.ts';
import type { HeadWitness } from '../../ports/audit/audit-heads.ts';
import type { Clock } from '../../ports/platform/clock.ts';

interface Waits {
  readonly signal: AbortSignal;
}

/** Less than a head may take. */
const ANSWERS_WITHIN_MS = 3_000;

export interface WitnessWord extends LastWitnessed {
  /** Of the witness. */
  readonly name: string;
}

export class AskedWitnesses {
  readonly #witnesses: readonly HeadWitness[];
  readonly #clock: Pick<Clock, 'sleep'>;
  readonly #unasked: Set<HeadWitness>;
  readonly #differing = new Set<HeadWitness>();
  readonly #away = new Map<HeadWitness, string>();
  /** What has not been answered yet: a file on a volume that is away is opened once. */
  readonly #asking = new Map<HeadWitness, Promise<readonly string[]>>();

  constructor({
    witnesses,
    clock,
  }: {
    readonly witnesses: readonly HeadWitness[];
    readonly clock: Pick<Clock, 'sleep'>;
  }) {
    this.#witnesses = witnesses;
    this.#clock = clock;
    this.#unasked = new Set(witnesses);
  }

  /** Whether one has to be asked yet. */
  get areLeft(): boolean {
    return this.#unasked.size > 0;
  }

  /**
   * Nothing is to be added to what a witness has before it is known: behind heads of another history it would not be found.
   * @returns why it is not, in words for an operator; nothing where it is.
   */
  problemOf(witness: HeadWitness): string | undefined {
    if (!this.#unasked.has(witness)) return undefined;
    return this.#away.get(witness) ?? 'what it has is not what the journal has, or is not known yet';
  }

  /** The newest head says that it goes on from what they do not have. */
  accept(): void {
    for (const witness of this.#differing) this.#unasked.delete(witness);
    this.#differing.clear();
  }

  /** All are asked anew. */
  forget(): void {
    this.#differing.clear();
    for (const witness of this.#witnesses) this.#unasked.add(witness);
  }

  /**
   * Of those that have not been asked, or whose word is not what the journal says.
   * @param differs from the journal, and how. @returns all differences.
   */
  async differences<D>(
    journal: WitnessedJournal,
    differs: (word: WitnessWord) => Promise<D | undefined>,
    options: Waits,
  ): Promise<readonly D[]> {
    const found: D[] = [];
    // All at once: those that are away take no longer together than one does, or what the store itself shows would not be said in time.
    const answers = [...this.#unasked].map(
      async (witness) => [witness, await this.#linesOf(witness, options)] as const,
    );
    for (const [witness, lines] of await Promise.all(answers)) {
      if (lines === undefined) continue;
      this.#away.delete(witness);
      const last = lastWitnessed(lines, journal);
      const difference = last && (await differs({ ...last, name: witness.name }));
      this.#differing.delete(witness);
      if (difference === undefined) {
        this.#unasked.delete(witness);
        continue;
      }
      this.#differing.add(witness);
      found.push(difference);
    }
    return found;
  }

  /** @returns nothing of one that does not answer now. */
  async #linesOf(witness: HeadWitness, { signal }: Waits): Promise<readonly string[] | undefined> {
    if (witness.lastLines === undefined) return [];
    let problem = `it did not say within ${ANSWERS_WITHIN_MS / 1000} seconds what it has`;
    try {
      const ask = async (options: Waits) => this.#ask(witness, options);
      const lines = await within(ANSWERS_WITHIN_MS, this.#clock, ask, { signal });
      if (lines !== undefined) return lines;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Error) problem = error.message;
    }
    this.#away.set(witness, problem);
    return undefined;
  }

  async #ask(witness: HeadWitness, options: Waits): Promise<readonly string[]> {
    const asked = this.#asking.get(witness) ?? Promise.resolve(witness.lastLines?.(options) ?? []);
    this.#asking.set(witness, asked);
    try {
      return await asked;
    } finally {
      this.#asking.delete(witness);
    }
  }
}
