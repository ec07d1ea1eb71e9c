// Has the issuers sign their revocation lists: whatever operators say of an issuer, and after it was replaced for as long as its
// key is at hand, because peers that look for a list refuse whom they find none for. Of a key in wrong hands too: a thief can
// sign lists with it in any case, and without ours nobody could tell revoked leaves from the others. A list of an issuer that signs
// no leaves any more holds until the last of them ends, so that nothing lapses when its key is gone. It imports much because
// issuers, bans, store and key meet here.
import { AuthorityError, bug } from '../../domain/errors.ts';
import { crlProblem, crlSigningProblem, crlTimeProblem } from '../../domain/x509/crl/judge-crl.ts';
import { readCrl, type Crl } from '../../domain/x509/crl/read-crl.ts';
import { unsignedCrl, type RevokedEntry } from '../../domain/x509/crl/write-crl.ts';
import { orAborted } from '../../live/abortable.ts';
import { Alarm } from '../../live/alarm.ts';
import { Listeners } from '../../live/listeners.ts';
import { ReportOnce } from '../../live/report-once.ts';
import type { Issuers } from '../../ports/issuing/issuers.ts';
import type { RevokedNow } from '../../ports/revocation/revoked-now.ts';
import type { Signer } from '../../ports/issuing/signer.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { Events } from '../../ports/platform/events.ts';
import type { Crls, KeptCrl } from '../../ports/revocation/crls.ts';
import type { FormerIssuers } from '../../ports/storage/issuer-records.ts';
import { certificateOf, KnownSigners, type KnownSigner, type SigningIssuer } from './known-signers.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface CrlSignerParts {
  /** As their files are, whatever operators say of them. */
  readonly issuers: Issuers;
  readonly former: FormerIssuers;
  readonly revoked: RevokedNow;
  readonly crls: Crls;
  readonly clock: Clock;
  readonly events: Pick<Events, 'reloaded' | 'reloadFailed'>;
}

export interface CrlSettings {
  /** From thisUpdate to nextUpdate, in ms. */
  readonly lifetimeMs: number;
  /** How far before the moment of signing thisUpdate lies, for clocks that run late. */
  readonly backdateMs: number;
  /** No leaf lives longer. */
  readonly longestLeafMs: number;
}

/** A list is replaced after this share of its life. */
const REFRESH_SHARE = 1 / 4;
/** Between looks at what changes by itself: clocks, certificates that were on their way when their ban came. */
const LOOK_MS = 30_000;
/** After one that failed. */
const RETRY_MS = 5_000;
/** By then an issuer that comes in force is on record for all servers, or it never came. */
const ANNOUNCED_MS = 60_000;
/** One signature, by whatever key. */
const SIGN_WITHIN_MS = 10_000;

/** What a list is to be like now. */
interface Wanted {
  readonly revoked: readonly RevokedEntry[];
  /** It must hold until then at least; 0 for the usual life. */
  readonly coverMs: number;
}

export class CrlSigner {
  readonly #parts: CrlSignerParts;
  readonly #settings: CrlSettings;
  readonly #alarm: Alarm;
  readonly #listeners = new Listeners();
  readonly #failure: ReportOnce;
  readonly #known: KnownSigners;
  /** By what the list was read from; a parse of each for as long as the store has it. */
  readonly #read = new WeakMap<KeptCrl, Crl | { readonly problem: string }>();
  /** Bans have changed since the last look: what is revoked no more leaves the lists at once too. */
  #bansChanged = true;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: CrlSignerParts, settings: CrlSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#alarm = new Alarm(parts.clock);
    this.#known = new KnownSigners(parts, settings);
    this.#failure = new ReportOnce((problem) => parts.events.reloadFailed({ source: 'crls', problem }));
  }

  /** Which lists could not be signed and why, in words; nothing when all are as they should be. */
  get problem(): string | undefined {
    return this.#failure.problem;
  }

  /** Calls `listener` after each list that was kept. */
  onSigned(listener: () => void, options: Waits): void {
    this.#listeners.add(listener, options);
  }

  /** Looks once, then runs until the signal aborts. A look that fails is told by `problem` and made again. */
  async start({ signal }: Waits): Promise<void> {
    const { issuers, revoked } = this.#parts;
    issuers.onChange(() => this.#alarm.ring(), { signal });
    revoked.onChange(
      () => {
        this.#bansChanged = true;
        this.#alarm.ring();
      },
      { signal },
    );
    await this.#look(signal);
    void this.#run(signal);
  }

  /** Signs the first list of an issuer that is not in force yet. @throws AuthorityError as its signer, or the store. */
  async signFirst(next: SigningIssuer, { signal }: Waits): Promise<void> {
    const certificate = certificateOf(next.issuer);
    const usage = crlSigningProblem(certificate);
    if (usage !== undefined) throw new AuthorityError('CAP-X03', { detail: `it ${usage}` });
    await this.#next(async () => {
      const kept = await this.#parts.crls.all({ signal });
      const { certificates } = await this.#parts.revoked.revoked({ signal });
      const known = { ...next, name: '', certificate, replaced: false };
      const ids = this.#known.namesakesOf(known);
      const revoked = certificates.filter(({ issuer }) => ids.has(issuer));
      await this.#sign(known, { revoked, coverMs: 0 }, kept, signal);
    });
  }

  /** Has all servers withdraw their lists: the issuer is about to sign leaves, and has none. @throws AuthorityError CAP-S04 */
  async announce({ issuer: { id, certificateDer } }: SigningIssuer, { signal }: Waits): Promise<void> {
    const { crls, clock } = this.#parts;
    const nowMs = clock.nowMs();
    const number = nextNumber(id, await crls.all({ signal }), nowMs);
    const none = { issuer: id, certificateDer, number, der: new Uint8Array(), nextUpdateMs: nowMs + ANNOUNCED_MS };
    await crls.keep(none, { nowMs, signal });
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const waitMs = this.#failure.problem === undefined ? LOOK_MS : RETRY_MS;
      if ((await this.#alarm.sleep(waitMs, { signal })) !== 'aborted') await this.#look(signal);
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    try {
      const problems = await this.#next(async () => this.#lookAtAll(signal));
      if (problems.length === 0) this.#failure.over();
      else this.#failure.found(problems.join('; '));
    } catch (error) {
      if (!signal.aborted) this.#failure.found(`revocation lists cannot be made: ${wordsOf(error)}`);
    }
  }

  /** One at a time, so that numbers rise. */
  async #next<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #lookAtAll(signal: AbortSignal): Promise<readonly string[]> {
    const { revoked, crls, former, clock } = this.#parts;
    const exact = this.#bansChanged;
    this.#bansChanged = false;
    try {
      const { certificates, count } = await revoked.revoked({ signal });
      this.#known.follow(await former.issuersAt(clock.nowMs(), { signal }));
      const problems =
        count > certificates.length
          ? [`${count} certificates are revoked, and lists have ${certificates.length} of them`]
          : [];
      for (const known of this.#known.all()) {
        const ids = this.#known.namesakesOf(known);
        const own = certificates.filter(({ issuer }) => ids.has(issuer));
        const wanted = { revoked: own, coverMs: this.#known.coverMs(known) };
        const problem = await this.#lookAt(known, wanted, await crls.all({ signal }), { exact, signal });
        if (problem !== undefined) problems.push(problem);
      }
      if (problems.length > 0) this.#bansChanged ||= exact;
      return problems;
    } catch (error) {
      this.#bansChanged ||= exact;
      throw error;
    }
  }

  /** @returns why its list is not as it should be. */
  async #lookAt(
    known: KnownSigner,
    wanted: Wanted,
    kept: readonly KeptCrl[],
    { exact, signal }: Waits & { readonly exact: boolean },
  ): Promise<string | undefined> {
    const usage = crlSigningProblem(known.certificate);
    if (usage !== undefined) return `issuer ${known.issuer.id} ${usage}`;
    const last = kept.find(({ issuer }) => issuer === known.issuer.id);
    if (last !== undefined && !this.#isDue(last, known, wanted, exact)) return undefined;
    try {
      await this.#sign(known, wanted, kept, signal);
      return undefined;
    } catch (error) {
      signal.throwIfAborted();
      // The key of one that was replaced may be gone; its last list was made for that.
      if (known.replaced && last !== undefined && last.nextUpdateMs + 1_000 > wanted.coverMs) return undefined;
      return `the list of issuer ${known.issuer.id} cannot be signed: ${wordsOf(error)}`;
    }
  }

  #isDue(last: KeptCrl, { certificate }: KnownSigner, wanted: Wanted, exact: boolean): boolean {
    const crl = this.#parsed(last);
    if ('problem' in crl || crlProblem(crl, certificate) !== undefined) return true;
    const nowMs = this.#parts.clock.nowMs();
    if (crlTimeProblem(crl, nowMs) !== undefined) return true;
    if (wanted.revoked.some(({ serial }) => !crl.serials.has(serial))) return true;
    if (exact && crl.serials.size !== wanted.revoked.length) return true;
    const covers = crl.nextUpdateMs + 1_000 > wanted.coverMs;
    return !covers || nowMs >= crl.thisUpdateMs + this.#settings.lifetimeMs * REFRESH_SHARE;
  }

  async #sign(
    { issuer, signer, certificate }: KnownSigner,
    { revoked, coverMs }: Wanted,
    kept: readonly KeptCrl[],
    signal: AbortSignal,
  ): Promise<void> {
    const { crls, clock, events } = this.#parts;
    const nowMs = clock.nowMs();
    const number = nextNumber(issuer.id, kept, nowMs);
    const { lifetimeMs, backdateMs } = this.#settings;
    const [thisUpdateMs, nextUpdateMs] = [nowMs - backdateMs, Math.max(nowMs + lifetimeMs, coverMs)];
    const unsigned = unsignedCrl({ issuer, number, thisUpdateMs, nextUpdateMs, revoked });
    const der = unsigned.assemble(await this.#signature(signer, unsigned.tbs, signal));
    const crl = readCrl(der);
    const problem = 'problem' in crl ? crl.problem : crlProblem(crl, certificate);
    if (problem !== undefined) throw bug(`a revocation list that was signed ${problem}`);
    const { id, certificateDer } = issuer;
    const list = { issuer: id, certificateDer, number, der, nextUpdateMs: Math.floor(nextUpdateMs / 1_000) * 1_000 };
    // Another server was faster: what it has signed is looked at the next time.
    if (!(await crls.keep(list, { nowMs, signal }))) return;
    events.reloaded({ source: 'crls', revision: `${id} ${number}` });
    this.#listeners.notify();
  }

  async #signature(signer: Signer, tbs: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const late = new AbortController();
    const over = new AuthorityError('CAP-S15', { detail: 'it did not answer in time' });
    const takeBack = this.#parts.clock.after(SIGN_WITHIN_MS, () => late.abort(over));
    try {
      const either = AbortSignal.any([signal, late.signal]);
      return await orAborted(Promise.resolve(signer.sign(tbs, { signal: either })), either);
    } finally {
      takeBack();
    }
  }

  #parsed(kept: KeptCrl): Crl | { readonly problem: string } {
    const crl = this.#read.get(kept) ?? readCrl(kept.der);
    this.#read.set(kept, crl);
    return crl;
  }
}

/** By the clock, so that numbers rise also where the last one was lost. */
function nextNumber(issuer: string, kept: readonly KeptCrl[], nowMs: number): number {
  const before = kept.find((one) => one.issuer === issuer)?.number ?? 0;
  return Math.max(before + 1, Math.floor(nowMs / 1_000));
}

function wordsOf(error: unknown): string {
  return error instanceof AuthorityError ? error.message : 'unexpected failure';
}
