// The rollover of one issuer without a command: the next certificate is asked for early and kept, comes in force later, and the one
// before it goes when its last leaf is over. One process does it for all that share the issuer's pairs; what it did is in them,
// so that another one goes on wherever it was killed. It is long and imports much because a step asks the folder, the CA above, the ledger
// and the journal.
import { AuthorityError } from '../../../domain/errors.ts';
import { formatTime } from '../../../domain/text/format-time.ts';
import type { Authorship, IssuerLedger } from '../../../domain/trust/issuer-ledger.ts';
import {
  rolloverStep,
  shareOver,
  type RolloverShares,
  type RolloverStep,
  type RolloverView,
} from '../../../domain/trust/rollover.ts';
import { readCaCertificate } from '../../../domain/x509/ca-certificate.ts';
import { Alarm } from '../../../live/alarm.ts';
import type { SettledTime } from '../../../live/settled-time.ts';
import type { IntermediateUpstream } from '../../../ports/issuing/intermediate-upstream.ts';
import type { IssuerGenerations, IssuerPair, IssuerPairs } from '../../../ports/issuing/issuer-generations.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Events } from '../../../ports/platform/events.ts';
import type { FormerIssuers } from '../../../ports/storage/issuer-records.ts';
import type { FollowedLedger } from '../../trust/followed-ledger.ts';
import { askUpstream, longerThanAsked } from './ask-upstream.ts';
import { FormerServer, type RolloverInMemory } from './former-server.ts';
import { bySelf, GenerationMoves, type MovesParts } from './generation-moves.ts';
import { RolloverFailures } from './rollover-failures.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface RolloverParts extends MovesParts {
  readonly ledger: Pick<FollowedLedger<IssuerLedger>, 'current' | 'change' | 'onChange'>;
  readonly generations: IssuerGenerations;
  readonly upstream: IntermediateUpstream;
  readonly former: FormerIssuers;
  readonly clock: Clock;
  /** By it the last leaf of a former one is over: its key does not come back. */
  readonly settled: Pick<SettledTime, 'nowMs'>;
  readonly events: Pick<Events, 'issuerMoved' | 'trustWarning' | 'reloadFailed'>;
  /** Why a prepared certificate does not come in force yet, whatever its time; nothing when it may. */
  readonly heldBack?: (pair: IssuerPair) => string | undefined;
  /** Calls `listener` when that may say something else, until the signal aborts. */
  readonly onRelease?: (listener: () => void, options: Waits) => void;
}

export interface RolloverSettings extends RolloverShares {
  /** Of the issuer, as policies call it. */
  readonly name: string;
  /** Asked for; the upstream may give less. */
  readonly lifetimeMs: number;
  /** Of the leaves that it may be asked for. */
  readonly longestLeafMs: number;
  /** Keys end with the server. Absent, they outlive it. */
  readonly inMemory?: RolloverInMemory | undefined;
}

/** So a folder that somebody else fills is seen within this time. */
const LOOK_EVERY_MS = 60_000;

export class IssuerRollover {
  readonly #parts: RolloverParts;
  readonly #settings: RolloverSettings;
  readonly #moves: GenerationMoves;
  readonly #alarm: Alarm;
  readonly #failures: RolloverFailures;
  readonly #former: FormerServer | undefined;
  /** Steps follow one another, whoever asks for them. */
  #last: Promise<unknown> = Promise.resolve();
  #pairs: IssuerPairs = {};
  /** The last that this process saw in force. */
  #signed: IssuerPair | undefined;
  #step: RolloverStep | undefined;
  /** By which that was found. */
  #decided = '';

  constructor(parts: RolloverParts, settings: RolloverSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#moves = new GenerationMoves(parts, settings.name);
    this.#alarm = new Alarm(parts.clock);
    this.#failures = new RolloverFailures(parts, { name: settings.name, canSign: () => this.#canSign() });
    this.#former = settings.inMemory && new FormerServer(this.#moves, settings.inMemory);
  }

  /** Rolls over until the signal aborts. */
  async run({ signal }: Waits): Promise<void> {
    // What it records itself is no news: while its CA is away it would ask again for that.
    const look = (): void => {
      if (this.#decisions() !== this.#decided) this.#alarm.ring();
    };
    this.#parts.ledger.onChange(look, { signal });
    this.#parts.onRelease?.(look, { signal });
    while (!signal.aborted) {
      await this.#next(async () => this.#look(signal));
      const untilMs = this.#untilMs();
      const retryMs = this.#failures.retryMs();
      if (retryMs !== undefined) await this.#alarm.sleep(retryMs, { signal });
      else await this.#alarm.sleepUntil(Math.min(untilMs, this.#parts.clock.nowMs() + LOOK_EVERY_MS), { signal });
    }
  }

  /**
   * Does now what would be done later: has a next certificate prepared, and with `activate` puts it in force.
   * @throws AuthorityError CAP-S16 with what the upstream said, or why what it sent is not taken; CAP-X03 when that is held back.
   */
  async rotate({ activate }: { readonly activate: boolean }, by: Authorship, options: Waits): Promise<IssuerPairs> {
    return this.#next(async () => {
      await this.#see(options);
      const { prepared = await this.#ask(by, options) } = this.#pairs;
      if (activate) await this.#activate(prepared, by, options);
      this.#alarm.ring();
      return this.#pairs;
    });
  }

  /** Why the next certificate is not there, since when, and until when that does no harm; nothing when all is well. */
  problem(): string | undefined {
    const { problem } = this.#failures;
    return problem === undefined ? this.#hold() : `${problem}${this.#untilWhen()}`;
  }

  /** For how long the next certificate could not be had; 0 while all is well. */
  get failingMs(): number {
    return this.#failures.failingMs;
  }

  /** Whether nothing is there to sign with. */
  get lacks(): boolean {
    return !this.#canSign();
  }

  /** What is due next and when, in ms since the epoch; absent where it depends on somebody. */
  due(): { readonly step: 'ask' | 'activate'; readonly atMs: number } | undefined {
    const step = this.#step;
    if (step === undefined || this.#untilMs() === Infinity) return undefined;
    if (step.kind === 'wait') return { step: step.next, atMs: step.untilMs };
    return { step: step.kind === 'activate' ? 'activate' : 'ask', atMs: this.#parts.clock.nowMs() };
  }

  async #next<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #look(signal: AbortSignal): Promise<void> {
    try {
      await this.#see({ signal });
      // A step shows what the next one is; a few lead from an empty folder to a certificate in force.
      for (let steps = 0; steps < MAX_STEPS && this.#step?.kind !== 'wait'; steps += 1) await this.#do(signal);
      this.#failures.over();
    } catch (error) {
      if (signal.aborted) return;
      this.#failures.found(error);
      if (this.#isLate()) this.#failures.warn(this.problem() ?? '');
    }
  }

  /** What is in the folder, on record, and what follows from it. */
  async #see(options: Waits, by?: Authorship): Promise<void> {
    this.#pairs = await this.#parts.generations.look(this.#settings.name, options);
    const { current, former } = this.#pairs;
    // A folder that was emptied by hand has no former pair; leaves of what was in force live all the same.
    const lost = current !== undefined && former === undefined && this.#signed?.id !== current.id;
    const pairs = lost && this.#signed ? { ...this.#pairs, former: this.#signed } : this.#pairs;
    await this.#moves.follow(pairs, by ?? this.#own('as its files are'), options);
    this.#signed = current ?? this.#signed;
    await this.#former?.follow(this.#pairs, this.#parts.clock.nowMs(), options);
    await this.#retire(options);
    this.#decided = this.#decisions();
    this.#step = rolloverStep(this.#view(), this.#settings, this.#parts.clock.nowMs());
  }

  async #do(signal: AbortSignal): Promise<void> {
    const step = this.#step;
    const { prepared } = this.#pairs;
    if (step === undefined || step.kind === 'wait') return;
    const by = this.#own(step.why);
    if (step.kind === 'ask') await this.#ask(by, { signal });
    else if (prepared !== undefined && step.kind === 'activate') await this.#activate(prepared, by, { signal });
    else await this.#discard(step.kind === 'discard' ? step.id : '', by, { signal });
  }

  async #ask(by: Authorship, options: Waits): Promise<IssuerPair> {
    const { generations, upstream, clock, events } = this.#parts;
    const { name, lifetimeMs, prepareAt } = this.#settings;
    const { csrPem, keyId } = await generations.request(name, options);
    // Each start asks for a first one, and the ledger has what came of it.
    const isFirst = this.#former !== undefined && this.#pairs.current === undefined;
    if (!isFirst) await this.#moves.preparing(keyId, clock.nowMs() + lifetimeMs, by, options);
    const chainPem = await askUpstream(upstream, { csrPem, lifetimeMs }, clock, options);
    const prepared = await generations.prepare(name, chainPem, options).catch((error: unknown) => {
      if (!(error instanceof AuthorityError) || error.reason !== 'CAP-S16') throw error;
      const detail = `${upstream.place} sent what is not taken: ${error.detail ?? ''}`;
      throw new AuthorityError('CAP-S16', { detail, cause: error });
    });
    const longer = longerThanAsked(prepared, { name, lifetimeMs, prepareAt, place: upstream.place }, clock.nowMs());
    if (longer !== undefined) events.trustWarning({ problem: longer });
    await this.#see(options, by);
    return prepared;
  }

  async #activate(pair: IssuerPair, by: Authorship, options: Waits): Promise<void> {
    const held = this.#parts.heldBack?.(pair);
    if (held !== undefined)
      throw new AuthorityError('CAP-X03', { detail: `certificate ${pair.id} is held back: ${held}` });
    await this.#parts.generations.activate(this.#settings.name, pair.id, options);
    await this.#see(options, by);
  }

  async #discard(id: string, by: Authorship, options: Waits): Promise<void> {
    await this.#parts.generations.discard(this.#settings.name, id, options);
    await this.#see(options, by);
  }

  /** The way back is kept while leaves of the former one may live. */
  async #retire(options: Waits): Promise<void> {
    const { generations, former: records, settled } = this.#parts;
    const { former } = this.#pairs;
    const known = await records.issuersAt(settled.nowMs(), options);
    const live = new Set(known.map(({ certificateDer }) => idOf(certificateDer)));
    const by = this.#own('its last leaf is over');
    await this.#moves.retiredBut(live, by, options);
    if (former === undefined || live.has(former.id)) return;
    await this.#moves.retired(former, by, options);
    await generations.discard(this.#settings.name, former.id, options);
    const { former: gone, ...rest } = this.#pairs;
    this.#pairs = gone === undefined ? this.#pairs : rest;
  }

  #view(): RolloverView {
    const { current, prepared } = this.#pairs;
    return {
      ...(current && { current: { ...this.#usable(current), state: this.#moves.stateOf(current, 'active') } }),
      ...(prepared && {
        prepared: {
          ...prepared,
          state: this.#moves.stateOf(prepared, 'prepared'),
          heldBack: this.#parts.heldBack?.(prepared),
        },
      }),
    };
  }

  /** What operators decided of its certificates. */
  #decisions(): string {
    const { current, prepared } = this.#pairs;
    const withdrawn = [current, prepared].map((pair) => pair && this.#moves.withdrawal(pair));
    return JSON.stringify([...withdrawn, prepared && this.#parts.heldBack?.(prepared)]);
  }

  /**
   * With the life that counts. A CA may date back by so much that the next certificate is due when this one comes, and so with each that
   * follows: such a life begins when it came. A clock that was ahead then says nothing.
   */
  #usable(pair: IssuerPair): IssuerPair {
    const cameMs = this.#moves.cameMs(pair);
    const counts = cameMs !== undefined && cameMs <= this.#parts.clock.nowMs();
    return counts && shareOver(pair, this.#settings.prepareAt) <= cameMs ? { ...pair, notBeforeMs: cameMs } : pair;
  }

  #own(reason: string): Authorship {
    return bySelf(reason, this.#parts.clock.nowMs());
  }

  #canSign(): boolean {
    const { current } = this.#pairs;
    return current !== undefined && this.#parts.clock.nowMs() < current.notAfterMs;
  }

  /** When the one after it comes in force. */
  #activateMs(current: IssuerPair): number {
    return shareOver(this.#usable(current), this.#settings.activateAt);
  }

  #untilMs(): number {
    return this.#step?.kind === 'wait' ? this.#step.untilMs : 0;
  }

  /** Where somebody has to decide, and it is late. */
  #hold(): string | undefined {
    const { current, prepared } = this.#pairs;
    const step = this.#step;
    if (current === undefined || prepared === undefined || step?.kind !== 'wait' || step.untilMs !== Infinity)
      return undefined;
    if (!this.#isLate()) return undefined;
    const why = this.#parts.heldBack?.(prepared) ?? 'it or the one in force is suspended';
    return `issuer ${this.#settings.name}: certificate ${prepared.id} does not come in force: ${why}${this.#untilWhen()}`;
  }

  #untilWhen(): string {
    const { current } = this.#pairs;
    if (current === undefined) return '; nothing is signed before the first certificate is there';
    const { notAfterMs } = current;
    const [end, shorter] = [notAfterMs, notAfterMs - this.#settings.longestLeafMs].map((ms) => formatTime(ms));
    return `; certificate ${current.id} signs until ${end}, from ${shorter} on leaves get shorter`;
  }

  #isLate(): boolean {
    const { current } = this.#pairs;
    return current !== undefined && this.#parts.clock.nowMs() >= this.#activateMs(current);
  }
}

/** Discard, ask and activate, and some to spare: one that finds no end waits for the next look. */
const MAX_STEPS = 5;

function idOf(der: Uint8Array): string {
  const certificate = readCaCertificate(der);
  return 'problem' in certificate ? '' : certificate.sha256.slice(0, 16);
}
