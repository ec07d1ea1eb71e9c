// The revocation lists that are handed out, as every process knows them: those of our issuers from the store, whoever signed them,
// and those that were imported. A set goes out only while it is complete; when one list of it lapses, or another issuer comes
// that has none, it is withdrawn, for a verifier that looks for a list in vain refuses everybody. It imports
// much because issuers, anchors, store and imported lists meet here.
import { AuthorityError } from '../../domain/errors.ts';
import { casAbove, coverageOf, withOthers, type CrlCoverage } from '../../domain/revocation/crl-coverage.ts';
import { readCaCertificate, type CaCertificate } from '../../domain/x509/ca-certificate.ts';
import { crlProblem } from '../../domain/x509/crl/judge-crl.ts';
import { readCrl, type Crl } from '../../domain/x509/crl/read-crl.ts';
import { pathCertificatesOf } from '../../domain/x509/path/certificate.ts';
import { Alarm } from '../../live/alarm.ts';
import { Listeners } from '../../live/listeners.ts';
import { ReportOnce } from '../../live/report-once.ts';
import { readyIssuersOf, type Issuers } from '../../ports/issuing/issuers.ts';
import type { TrustAnchors } from '../../ports/issuing/trust-anchors.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { Events } from '../../ports/platform/events.ts';
import type { Crls, KeptCrl } from '../../ports/revocation/crls.ts';
import type { ImportedCrls } from '../../ports/revocation/imported-crls.ts';
import type { FormerIssuers } from '../../ports/storage/issuer-records.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface CrlsInForceParts {
  readonly crls: Crls;
  readonly imported: ImportedCrls;
  /** As their files are, whatever operators say of them. */
  readonly issuers: Issuers;
  readonly former: FormerIssuers;
  /** Issuers of other servers of the same mesh, whose leaves are in no journal here. */
  readonly furtherIssuers: () => readonly CaCertificate[];
  readonly anchors: TrustAnchors;
  readonly clock: Clock;
  readonly events: Pick<Events, 'reloadFailed'>;
}

/** `leaf`: of every issuer with leaves, for who looks at leaves alone. `chain`: of all CAs above them too. */
export type CrlSet = 'leaf' | 'chain';

/** What another process signed is handed out within this time; a list is withdrawn this long after its time at most. */
export const LOOK_MS = 2_000;
/** How often the issuers of the past are asked for. */
const FORMER_MS = 30_000;

const UNKNOWN: CrlCoverage = { missing: ['the revocation lists are not read yet'] };

interface Judged {
  readonly atMs: number;
  readonly monotonicMs: number;
  readonly further: readonly CaCertificate[];
}

/** What the store has for an issuer; nothing of a list that is none of it. */
interface Parsed {
  readonly kept: KeptCrl;
  readonly good?: { readonly crl: Crl; readonly by: CaCertificate };
  /** Is about to sign leaves without a list. */
  readonly announced?: CaCertificate;
}

export class CrlsInForce {
  readonly #parts: CrlsInForceParts;
  readonly #sets: readonly CrlSet[];
  readonly #listeners = new Listeners();
  readonly #alarm: Alarm;
  readonly #failure: ReportOnce;
  readonly #lapses: ReportOnce;
  #kept: readonly KeptCrl[] = [];
  #parsed: readonly Parsed[] = [];
  #former: readonly CaCertificate[] = [];
  #formerAtMs = -Infinity;
  /** There is something to judge anew. */
  #changed = true;
  #judged: Judged = { atMs: 0, monotonicMs: 0, further: [] };
  readonly #expected = new Set<CaCertificate>();
  #coverage: Readonly<Record<CrlSet, CrlCoverage>> = { leaf: UNKNOWN, chain: UNKNOWN };

  /** @param settings.sets those that are handed out; of others nothing is alarmed. */
  constructor(parts: CrlsInForceParts, settings: { readonly sets: readonly CrlSet[] }) {
    this.#parts = parts;
    this.#sets = settings.sets;
    this.#alarm = new Alarm(parts.clock);
    this.#failure = new ReportOnce((problem) => parts.events.reloadFailed({ source: 'crls', problem, kept: true }));
    this.#lapses = new ReportOnce((problem) => parts.events.reloadFailed({ source: 'crls', problem }));
  }

  /** Looks once, then follows what changes until the signal aborts. Never throws: `problem` tells. */
  async start({ signal }: Waits): Promise<void> {
    const { issuers, anchors, imported } = this.#parts;
    const again = (): void => {
      this.#formerAtMs = -Infinity;
      this.lookSoon();
    };
    issuers.onChange(again, { signal });
    anchors.onChange(again, { signal });
    imported.onChange(() => this.lookSoon(), { signal });
    await this.#look(signal);
    void this.#follow(signal);
  }

  /** Something was signed here. */
  lookSoon(): void {
    this.#changed = true;
    this.#alarm.ring();
  }

  /** PEM of a complete set; nothing where one is missing or out of its time at this moment. */
  pemOf(set: CrlSet): { readonly pem: string; readonly untilMs: number } | undefined {
    const coverage = this.#coverage[set];
    const nowMs = this.#parts.clock.nowMs();
    if ('missing' in coverage || nowMs < coverage.fromMs || nowMs >= coverage.untilMs) return undefined;
    return coverage;
  }

  /** The list of one of our issuers by its id, while it is valid. */
  listOf(issuer: string): (Crl & { readonly sequence: number }) | undefined {
    const found = this.#parsed.find(({ kept }) => kept.issuer === issuer);
    if (found?.good === undefined) return undefined;
    const nowMs = this.#parts.clock.nowMs();
    const {
      good: { crl },
      kept,
    } = found;
    return crl.thisUpdateMs <= nowMs && nowMs < crl.nextUpdateMs ? { ...crl, sequence: kept.number } : undefined;
  }

  /** All that are at hand, of whatever time: those of our issuers, then those that were imported, with the CA that signed each. */
  lists(): readonly { readonly crl: Crl; readonly by: CaCertificate | undefined; readonly imported: boolean }[] {
    const own = this.#parsed.flatMap(({ good }) => (good === undefined ? [] : [{ ...good, imported: false }]));
    const cas = [...this.#casBetween(), ...this.#parts.anchors.current().anchors];
    const signerOf = (crl: Crl): CaCertificate | undefined => cas.find((ca) => crlProblem(crl, ca) === undefined);
    return [...own, ...this.#parts.imported.current().map((crl) => ({ crl, by: signerOf(crl), imported: true }))];
  }

  /** Those that are handed out, each with the end of its use or with what is missing. */
  sets(): readonly ({ readonly set: CrlSet } & (
    { readonly untilMs: number } | { readonly missing: readonly string[] }
  ))[] {
    return this.#sets.map((set) => {
      const coverage = this.#coverage[set];
      if ('missing' in coverage) return { set, missing: coverage.missing };
      const inUse = this.pemOf(set);
      return inUse === undefined
        ? { set, missing: ['a list of it is not in its time'] }
        : { set, untilMs: inUse.untilMs };
    });
  }

  /** Whether all servers know of the issuer: it has a list, or is known to have none. */
  knows(issuer: string): boolean {
    return (
      this.#parsed.some(({ kept, announced }) => kept.issuer === issuer && announced !== undefined) ||
      this.listOf(issuer) !== undefined
    );
  }

  /** After a set has become another one, or none. */
  onChange(listener: () => void, options: Waits): void {
    this.#listeners.add(listener, options);
  }

  /** What is missing in the sets that are handed out, in words; nothing when they are complete. */
  get problem(): string | undefined {
    return this.#lapses.problem ?? this.#failure.problem;
  }

  async #follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if ((await this.#alarm.sleep(LOOK_MS, { signal })) !== 'aborted') await this.#look(signal);
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    try {
      await this.#read(signal);
      this.#failure.over();
    } catch (error) {
      if (signal.aborted) return;
      // What was read before is good for as long as it says itself.
      this.#failure.found(error instanceof AuthorityError ? error.message : 'revocation lists cannot be read');
    }
    if (this.#isDue()) this.#judge();
  }

  /** Signatures are verified when there is something new to judge, or half a minute has passed. */
  #isDue(): boolean {
    const { clock, furtherIssuers } = this.#parts;
    const { atMs, monotonicMs, further } = this.#judged;
    const nowMs = clock.nowMs();
    const ends = Object.values(this.#coverage).map((one) => ('missing' in one ? Infinity : one.untilMs));
    if (this.#changed || nowMs < atMs || nowMs >= Math.min(...ends) || furtherIssuers() !== further) return true;
    return clock.monotonicMs() >= monotonicMs + FORMER_MS;
  }

  async #read(signal: AbortSignal): Promise<void> {
    const { crls, former, clock } = this.#parts;
    const kept = await crls.all({ signal });
    const nowMs = clock.monotonicMs();
    if (nowMs >= this.#formerAtMs + FORMER_MS || kept !== this.#kept) {
      const found = await former.issuersAt(clock.nowMs(), { signal });
      this.#former = found.flatMap(({ certificateDer }) => readOne(certificateDer));
      this.#formerAtMs = nowMs;
      this.#changed = true;
    }
    if (kept === this.#kept) return;
    const known = new Map(this.#parsed.map((one) => [one.kept, one]));
    this.#parsed = kept.map((one) => known.get(one) ?? parsedOne(one));
    this.#kept = kept;
  }

  #judge(): void {
    const { clock, furtherIssuers } = this.#parts;
    this.#changed = false;
    this.#judged = { atMs: clock.nowMs(), monotonicMs: clock.monotonicMs(), further: furtherIssuers() };
    const before = this.#coverage;
    this.#coverage = { leaf: this.#judgeLeaves(), chain: this.#judgeChains() };
    const missing = this.#sets.flatMap((set) => missingIn(this.#coverage[set]));
    if (missing.length === 0) this.#lapses.over();
    else this.#lapses.found(`no revocation lists are handed out: ${[...new Set(missing)].join('; ')}`);
    if (this.#sets.some((set) => textOf(before[set]) !== textOf(this.#coverage[set]))) this.#listeners.notify();
  }

  #judgeLeaves(): CrlCoverage {
    const nowMs = this.#parts.clock.nowMs();
    const coverage = coverageOf(this.#leafIssuers(), this.#lists(), nowMs);
    if ('missing' in coverage) return coverage;
    // One that another server has just signed the first list of is about to sign leaves, and verifiers should have that list
    // before them. It may be absent: nothing is missing for that.
    const others = this.#parsed.flatMap(({ good }) => (good === undefined ? [] : [good.by]));
    return withOthers(coverage, others, this.#lists(), nowMs);
  }

  #judgeChains(): CrlCoverage {
    if (!this.#sets.includes('chain')) return UNKNOWN;
    const { anchors, clock } = this.#parts;
    const bundle = anchors.current().anchors;
    const cas = casAbove(this.#leafIssuers(), this.#casBetween(), bundle);
    return 'problem' in cas ? { missing: [cas.problem] } : coverageOf(cas, this.#lists(), clock.nowMs());
  }

  #casBetween(): readonly CaCertificate[] {
    return readyIssuersOf(this.#parts.issuers).flatMap(({ chainPems }) => pathCertificatesOf(chainPems.join('')));
  }

  /** An issuer that is about to sign leaves: from now on it counts as one that does. @returns how to take that back. */
  expect(issuer: CaCertificate): () => void {
    this.#expected.add(issuer);
    this.lookSoon();
    return () => {
      this.#expected.delete(issuer);
      this.#changed = true;
    };
  }

  /** In force now, in force before while leaves of them may live, and those of other servers. */
  #leafIssuers(): readonly CaCertificate[] {
    const ready = readyIssuersOf(this.#parts.issuers).flatMap(({ certificateDer }) => readOne(certificateDer));
    const nowMs = this.#parts.clock.nowMs();
    const announced = this.#parsed.flatMap(({ kept, announced: by }) => (by && nowMs < kept.nextUpdateMs ? [by] : []));
    const all = [...ready, ...this.#expected, ...announced, ...this.#former, ...this.#parts.furtherIssuers()];
    return [...new Map(all.map((ca) => [ca.sha256, ca])).values()];
  }

  #lists(): readonly Crl[] {
    return [...this.#parsed.flatMap(({ good }) => good?.crl ?? []), ...this.#parts.imported.current()];
  }
}

function readOne(der: Uint8Array): readonly CaCertificate[] {
  const certificate = readCaCertificate(der);
  return 'problem' in certificate ? [] : [certificate];
}

/** What somebody else put into the store is looked at as anything that comes from outside. */
function parsedOne(kept: KeptCrl): Parsed {
  const [crl, [by]] = [readCrl(kept.der), readOne(kept.certificateDer)];
  if (by === undefined || !by.sha256.startsWith(kept.issuer)) return { kept };
  if (kept.der.length === 0) return { kept, announced: by };
  if ('problem' in crl) return { kept };
  const isNumbered = Number.parseInt(crl.number ?? '', 16) === kept.number;
  return isNumbered && crlProblem(crl, by) === undefined ? { kept, good: { crl, by } } : { kept };
}

function missingIn(coverage: CrlCoverage): readonly string[] {
  return 'missing' in coverage ? coverage.missing : [];
}

function textOf(coverage: CrlCoverage): string | undefined {
  return 'missing' in coverage ? undefined : coverage.pem;
}
