// Which pair of each issuer in a folder signs, as the rotation of trust anchors has it: from adopt on the prepared one below the new
// anchor, after an abort the one before it again. What is done is in the folder, so that a look after a crash goes on. One process
// does it for all that share the folders, and every server for its own.
import type { Authorship, IssuerLedger } from '../../domain/trust/issuer-ledger.ts';
import type { AnchorLedger } from '../../domain/trust/rotation/anchor-ledger.ts';
import { shasOf, type AnchorRotation } from '../../domain/trust/rotation/rotation.ts';
import { ReportOnce } from '../../live/report-once.ts';
import type { IssuerGenerations, IssuerPair, IssuerPairs } from '../../ports/issuing/issuer-generations.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { Events } from '../../ports/platform/events.ts';
import type { FollowedLedger } from '../trust/followed-ledger.ts';
import { GenerationMoves } from './rollover/generation-moves.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface AdoptionParts {
  readonly anchorLedger: Pick<FollowedLedger<AnchorLedger>, 'current'>;
  readonly ledger: Pick<FollowedLedger<IssuerLedger>, 'current' | 'change'>;
  readonly generations: IssuerGenerations;
  /** Which trust anchors a chain leads to now, as hex SHA-256. */
  readonly anchorsOf: (chainPem: string) => readonly string[];
  readonly clock: Pick<Clock, 'nowMs' | 'sleep'>;
  readonly events: Pick<Events, 'issuerMoved' | 'trustWarning'>;
}

const LOOK_MS = 1_000;

export class AnchorAdoption {
  readonly #parts: AdoptionParts;
  readonly #failure: ReportOnce;

  constructor(parts: AdoptionParts) {
    this.#parts = parts;
    this.#failure = new ReportOnce((problem) => parts.events.trustWarning({ problem }));
  }

  /** Why an issuer does not sign as the rotation has it, in words; nothing when all do. */
  get problem(): string | undefined {
    return this.#failure.problem;
  }

  /** Runs until the signal aborts. */
  async keep({ signal }: Waits): Promise<void> {
    while (!signal.aborted) {
      await this.look({ signal });
      await this.#parts.clock.sleep(LOOK_MS, { signal }).catch(() => undefined);
    }
  }

  /** Handles its own errors: what could not be done is tried again. */
  async look(options: Waits): Promise<void> {
    const { rotation } = this.#parts.anchorLedger.current();
    const problems: string[] = [];
    if (rotation !== undefined && rotation.phase !== 'publish') {
      for (const name of this.#parts.generations.names) {
        const problem = await this.#settle(name, rotation, options).catch((error: unknown) =>
          error instanceof Error ? error.message : 'unexpected failure',
        );
        if (options.signal.aborted) return;
        if (problem !== undefined) problems.push(`issuer ${name}: ${problem}`);
      }
    }
    if (problems.length === 0) this.#failure.over();
    else this.#failure.found(problems.join('; '));
  }

  async #settle(name: string, rotation: AnchorRotation, options: Waits): Promise<undefined> {
    const { generations, ledger, events, clock } = this.#parts;
    const pairs = await generations.look(name, options);
    const changed = await this.#change(name, pairs, rotation, options);
    const now = changed ? await generations.look(name, options) : pairs;
    // Also where nothing was changed now: a crash may have come between a change and its record.
    if (!this.#isSettled(now, rotation)) return;
    const reason = `rotation ${rotation.id} is in phase ${rotation.phase}`;
    const by: Authorship = { timeMs: clock.nowMs(), actor: 'capstan', role: 'server', reason };
    await new GenerationMoves({ ledger, events }, name).follow(now, by, options);
  }

  async #change(name: string, pairs: IssuerPairs, rotation: AnchorRotation, options: Waits): Promise<boolean> {
    const { current, prepared, former } = pairs;
    if (rotation.phase !== 'aborted') {
      if (prepared === undefined || !this.#isNew(prepared, rotation)) return false;
      // A server that was away in adopt has it before it still; what signs below an anchor in force is rolled over in its time.
      if (rotation.phase !== 'adopt' && current !== undefined && this.#isInForce(current)) return false;
      await this.#parts.generations.activate(name, prepared.id, options);
      return true;
    }
    if (current === undefined || former === undefined) return false;
    // What signed below the new anchor before the rotation goes on. Which those are at other servers nobody knows who began it.
    const isOurs = this.#isNew(current, rotation) && !rotation.signing.includes(current.id);
    if (!isOurs || this.#isNew(former, rotation)) return false;
    await this.#parts.generations.revert(name, former.id, options);
    return true;
  }

  /** Whether the pairs changed places for the rotation. */
  #isSettled({ current, former }: IssuerPairs, rotation: AnchorRotation): boolean {
    if (current === undefined || former === undefined) return false;
    const [comes, goes] = rotation.phase === 'aborted' ? [former, current] : [current, former];
    return this.#isNew(comes, rotation) && !this.#isNew(goes, rotation);
  }

  #isInForce({ chainPem }: IssuerPair): boolean {
    return this.#parts.anchorsOf(chainPem).length > 0;
  }

  /** Whether it leads to an anchor that comes. */
  #isNew({ chainPem }: IssuerPair, { added }: AnchorRotation): boolean {
    const above = this.#parts.anchorsOf(chainPem);
    return shasOf(added).some((sha256) => above.includes(sha256));
  }
}
