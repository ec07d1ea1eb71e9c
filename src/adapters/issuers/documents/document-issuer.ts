// One issuer from documents, and with the default one the trust anchors: taken together or not at all. A broken or
// half-finished edit, and one that peers would refuse, leaves the last good state in force and says so once. What was taken
// is looked at again when one of its certificates begins or ends, when the clock is set, and when other anchors come in
// force. It is long and imports much because what was read, tried and timed is one state that changes as a whole.
import { createHash } from 'node:crypto';
import type { IssuerTrial, TrialMaterial } from '../../../authority/trust/issuer-trial.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import type { IssuerBounds } from '../../../domain/issuance/chosen-issuer.ts';
import type { TrustBundle } from '../../../domain/trust/bundle.ts';
import type { CaCertificate } from '../../../domain/x509/ca-certificate.ts';
import { pathCertificatesOf, type PathCertificate } from '../../../domain/x509/path/certificate.ts';
import type { Issuer } from '../../../domain/x509/issuer.ts';
import { Alarm } from '../../../live/alarm.ts';
import { Listeners } from '../../../live/listeners.ts';
import { ReportOnce } from '../../../live/report-once.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { DocumentSource } from '../../../ports/platform/document-source.ts';
import { degraded, notReady, READY, type HealthState } from '../../../ports/platform/health.ts';
import type { IssuerState, NamedIssuer } from '../../../ports/issuing/issuers.ts';
import type { KeyInventory } from '../../../ports/issuing/key-inventory.ts';
import type { TrustAnchors } from '../../../ports/issuing/trust-anchors.ts';
import { boundsWith, formatShort, shortLife } from './issuer-lifetime.ts';
import { isKeyAway, KEY_RETRY_MS, KeyInForce } from './key-in-force.ts';
import { IssuerMaterial, type MaterialSettings, type MaterialSource } from './issuer-material.ts';
import { IssuerReports, type IssuerEvents } from './issuer-reports.ts';

export interface DocumentIssuerParts extends MaterialSource {
  /** `chain` and `key`, and `anchors` where `trustAnchors` is absent; all PEM. */
  readonly documents: DocumentSource;
  readonly events: IssuerEvents;
  readonly clock: Clock;
  readonly trial: IssuerTrial;
  /** Waited for before another bundle, or an issuer below it, takes the place of what is in force; see RootsBeforeLeaves and listBeforeLeaves. */
  readonly beforeInForce?: (next: TrialMaterial, options: { readonly signal: AbortSignal }) => Promise<void>;
  /** What policies demand of an issuer beyond what peers do. Absent, nothing. */
  readonly demands?: IssuerDemands;
  /** Whether this CA has signed with the issuer before this start. Absent, it has not. */
  readonly wasInForce?: (issuer: Issuer, options: { readonly signal: AbortSignal }) => Promise<boolean>;
}

export interface DocumentIssuerSettings extends MaterialSettings {
  /** As policies call it. */
  readonly name: string;
  readonly bounds: IssuerBounds;
  /** Of the leaves that it may be asked for, in ms. */
  readonly longestLeafMs: number;
}

export interface IssuerDemands {
  /** @returns why policies would not take the issuer of that name, to follow what is called it; nothing when they would, or are not loaded. */
  readonly against: (name: string, issuer: Issuer) => string | undefined;
  /** Calls `listener` when they may demand something else, until the signal aborts. */
  readonly onChange: (listener: () => void, options: { readonly signal: AbortSignal }) => void;
}

interface InForce {
  readonly read: IssuerMaterial;
  readonly material: TrialMaterial;
  /** Of the documents. */
  readonly digest: string;
  /** Why it should live longer; it signs, and its leaves get shorter in time. */
  readonly short: string | undefined;
}

export interface IssuerStart {
  readonly signal: AbortSignal;
  /** Whether the default issuer waits for a key whose place does not answer; what else is wrong with it ends the start. */
  readonly waitsForKey?: boolean;
}

export class DocumentIssuer {
  /** Those that it must lead to. */
  readonly trustAnchors: TrustAnchors;
  readonly #parts: DocumentIssuerParts;
  readonly #settings: DocumentIssuerSettings;
  readonly #reports: IssuerReports;
  readonly #listeners = new Listeners();
  readonly #anchorListeners = new Listeners<[TrustBundle]>();
  #state: IssuerState = { kind: 'unavailable', why: 'is not loaded' };
  #named: NamedIssuer | undefined;
  #inForce: InForce | undefined;
  /** What the last look at the documents found. */
  readonly #failure: ReportOnce;
  /** What the last look at what is in force found. */
  readonly #untimely: ReportOnce;
  readonly #key: KeyInForce;
  /** For which moment the last look was. */
  #lookedMs = 0;
  /** Looks follow one another: a trial takes a moment, and a clock may be set meanwhile. */
  #last: Promise<unknown> = Promise.resolve();
  /** Ends the wait for the next change when another one becomes the next. */
  readonly #rearm: Alarm;

  constructor(parts: DocumentIssuerParts, settings: DocumentIssuerSettings) {
    this.#parts = parts;
    this.#settings = settings;
    const bringsAnchors = parts.trustAnchors === undefined;
    this.#reports = new IssuerReports(parts.events, { name: settings.name, bringsAnchors });
    this.#failure = new ReportOnce((problem) => this.#reports.failed(problem));
    this.#untimely = new ReportOnce((problem) => this.#reports.failed(problem));
    this.#rearm = new Alarm(parts.clock);
    this.#key = new KeyInForce(parts.clock, {
      lost: (problem) => {
        this.#reports.keyLost(problem);
        const certified = this.#inForce?.material.issuer;
        const why = 'has a signing key that does not answer';
        this.#become({ kind: 'unavailable', why, ...(certified !== undefined && { certified }) });
      },
      // It is tried before it signs for others.
      back: (signal) => void this.#next(async () => this.#look(signal)),
    });
    this.trustAnchors = parts.trustAnchors ?? {
      partialAnchors: settings.partialAnchors,
      current: () => this.current().bundle,
      onChange: (listener, options) => this.#anchorListeners.add(listener, options),
    };
  }

  /**
   * Loads once, then follows changes until the signal aborts. An additional issuer that cannot be loaded is tried again
   * after each change.
   * @throws AuthorityError CAP-X03 when the first load of the default issuer fails, CAP-S15 when its key does not answer.
   */
  async start({ signal, waitsForKey = false }: IssuerStart): Promise<void> {
    const { documents, trustAnchors, demands, governed } = this.#parts;
    if (trustAnchors !== undefined) await this.#reload(signal);
    else if (waitsForKey) await this.#loadWithKey(signal);
    else await this.#load(signal);
    documents.onChange(async () => this.#next(async () => this.#reload(signal)), { signal });
    demands?.onChange(() => void this.#next(async () => this.#again(signal)), { signal });
    const underOthers = (): void => void this.#next(async () => this.#underOtherAnchors(signal));
    trustAnchors?.onChange(underOthers, { signal });
    governed?.onChange(underOthers, { signal });
    void this.#followTime(signal);
  }

  get name(): string {
    return this.#settings.name;
  }

  /** The keys that lie beside the one that it signs with; nothing where that has none beside it, or none is in force. */
  get inventory(): KeyInventory | undefined {
    return this.#key.inventory;
  }

  /** @returns the certificate that its files have now, whether or not it is in force. @throws AuthorityError when they cannot be read. */
  async given(): Promise<PathCertificate | undefined> {
    const [first] = pathCertificatesOf((await this.#parts.documents.read()).get('chain') ?? '');
    return first;
  }

  /** As it is now. The same object until that changes. */
  get named(): NamedIssuer {
    const { name } = this.#settings;
    const bounds = boundsWith(this.#settings.bounds, this.#inForce?.short);
    return (this.#named ??= { name, bounds, custody: this.#parts.opener.custody, state: this.#state });
  }

  /** Not ready while nothing can be signed; degraded while what is given is not what is in force. */
  health(nowMs: number): HealthState {
    if (this.#inForce === undefined) return notReady(this.#failure.problem ?? 'no issuer is loaded');
    const { notBeforeMs, notAfterMs } = this.current().issuer;
    if (notBeforeMs > nowMs) {
      return notReady(`the issuer certificate is not valid before ${new Date(notBeforeMs).toISOString()}`);
    }
    if (notAfterMs <= nowMs) return notReady('the issuer certificate has expired');
    if (this.#key.problem !== undefined) return notReady(`the signing key does not answer: ${this.#key.problem}`);
    const problem = this.#failure.problem ?? this.#untimely.problem;
    if (this.#state.kind === 'unavailable') return notReady(problem ?? `the issuer ${this.#state.why}`);
    if (problem !== undefined) return degraded(`the last good issuer stays: ${problem}`);
    return this.#inForce.short === undefined ? READY : degraded(formatShort(this.#inForce.short));
  }

  /** Every trust anchor that was given, and whether it goes out. */
  anchors(): readonly (CaCertificate & { readonly distributed: boolean })[] {
    if (this.#inForce === undefined) return [];
    const { anchors, undistributed } = this.#inForce.material.bundle;
    return [
      ...anchors.map((anchor) => ({ ...anchor, distributed: true })),
      ...undistributed.map(({ anchor }) => ({ ...anchor, distributed: false })),
    ];
  }

  /** The anchors in its documents, whatever is decided about them. */
  get anchorsGiven(): TrustBundle | undefined {
    return this.#inForce?.read.anchorsGiven;
  }

  /** After each change of its state. */
  onChange(listener: () => void, options: { readonly signal: AbortSignal }): void {
    this.#listeners.add(listener, options);
  }

  /** What it signs with, and the anchors with which that was tried. @throws AuthorityError CAP-S01 before the first. */
  current(): TrialMaterial {
    if (this.#inForce === undefined) throw new AuthorityError('CAP-S01');
    return this.#inForce.material;
  }

  async #next(look: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(look);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #loadWithKey(signal: AbortSignal): Promise<void> {
    while (this.#inForce === undefined) {
      try {
        await this.#load(signal);
      } catch (error) {
        if (!isKeyAway(error)) throw error;
        this.#failure.found(error.message);
        await this.#parts.clock.sleep(KEY_RETRY_MS, { signal });
      }
    }
  }

  async #reload(signal: AbortSignal): Promise<void> {
    try {
      await this.#load(signal);
      this.#failure.over();
    } catch (error) {
      if (signal.aborted) return;
      this.#failure.found(wordsOf(error));
      if (isKeyAway(error))
        this.#parts.clock.after(KEY_RETRY_MS, () => void this.#next(async () => this.#again(signal)));
    }
  }

  /** Unless documents that came meanwhile are in force. */
  async #again(signal: AbortSignal): Promise<void> {
    if (this.#failure.problem !== undefined && !signal.aborted) await this.#reload(signal);
  }

  async #load(signal: AbortSignal): Promise<void> {
    const texts = await this.#parts.documents.read();
    const digest = digestOf(texts);
    if (digest === this.#inForce?.digest) {
      // A broken edit that is taken back is worth reporting; to those who listen nothing has changed.
      if (this.#failure.problem !== undefined) this.#reports.reloaded(this.#inForce.material);
      return;
    }
    const read = await IssuerMaterial.read(texts, this.#parts, this.#settings, { signal });
    try {
      const material = await this.#tried(read, signal);
      const short = await this.#shortLife(material, signal);
      await this.#publish(material, signal);
      this.#reports.reloaded(material);
      this.#failure.over();
      this.#untimely.over();
      this.#key.follow(read, { signal });
      this.#install({ read, material, digest, short });
    } catch (error) {
      read.release();
      throw error;
    }
  }

  async #shortLife({ issuer }: TrialMaterial, signal: AbortSignal): Promise<string | undefined> {
    const { documents, wasInForce } = this.#parts;
    const inForce = this.#inForce?.material.issuer.id;
    const place = documents.placeOf('chain');
    const signs = async () =>
      (inForce === undefined ? wasInForce?.(issuer, { signal }) : inForce === issuer.id) ?? false;
    return shortLife(issuer, { place, longestLeafMs: this.#settings.longestLeafMs, signs });
  }

  /** Nothing of it is in force before the trial is over. */
  async #tried(read: IssuerMaterial, signal: AbortSignal): Promise<TrialMaterial> {
    const { clock, documents, trial, demands } = this.#parts;
    this.#lookedMs = clock.nowMs();
    const material = read.at(this.#lookedMs);
    // What is in force already stays: policies refuse it by themselves, where the reason can be told to who asks.
    const known = this.#inForce?.material.issuer.id === material.issuer.id;
    const problem =
      (known ? undefined : demands?.against(this.name, material.issuer)) ?? (await trial(material, { signal }));
    if (problem === undefined) return material;
    throw new AuthorityError('CAP-X03', {
      detail: `${documents.placeOf('chain')} is no issuer for this mesh: ${problem}`,
    });
  }

  /** What is in force stays until then. At the start there is nothing yet that could, and nobody is served. */
  async #publish(next: TrialMaterial, signal: AbortSignal): Promise<void> {
    if (this.#inForce !== undefined) await this.#parts.beforeInForce?.(next, { signal });
  }

  #install(next: InForce): void {
    const { bundle, issuer, signer } = next.material;
    const formerDigest = this.#inForce?.material.bundle.digest;
    this.#inForce = next;
    this.#rearm.ring();
    this.#reports.keyBack();
    const shortage = next.short === undefined ? [] : [formatShort(next.short)];
    this.#reports.inForce(next.material, [...next.read.warningsOn(next.material), ...shortage]);
    this.#become({ kind: 'ready', issuer, signer });
    if (bundle.digest !== formerDigest) this.#anchorListeners.notify(bundle);
  }

  #become(state: IssuerState): void {
    this.#state = state;
    this.#named = undefined;
    this.#listeners.notify();
  }

  async #followTime(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    while (!signal.aborted) {
      const nowMs = clock.nowMs();
      // A clock that was set back since the last look, when nobody waited, is a moment to look again.
      const atMs = nowMs < this.#lookedMs ? nowMs : (this.#inForce?.read.changesAfter(this.#lookedMs) ?? Infinity);
      const end = await this.#rearm.sleepUntil(atMs, { signal });
      if (end === 'reached' || end === 'stepped') await this.#next(async () => this.#look(signal));
    }
  }

  /** At a moment at which what was taken may mean something else. */
  async #look(signal: AbortSignal): Promise<void> {
    const inForce = this.#inForce;
    if (inForce === undefined) return;
    try {
      const material = await this.#tried(inForce.read, signal);
      this.#untimely.over();
      const again = this.#state.kind === 'unavailable';
      if (!again && !differs(material, inForce.material)) return;
      await this.#publish(material, signal);
      this.#install({ ...inForce, material });
    } catch (error) {
      if (signal.aborted) return;
      this.#untimely.found(wordsOf(error));
      if (this.#parts.trustAnchors === undefined) this.#installAnchors(inForce);
      else this.#demandAnchor(inForce.material, this.#parts.trustAnchors.current());
    }
  }

  /** What did not fit the former anchors may fit these, and the other way round. */
  async #underOtherAnchors(signal: AbortSignal): Promise<void> {
    if (this.#failure.problem !== undefined) await this.#reload(signal);
    await this.#look(signal);
  }

  /** The anchors go out without asking every issuer: one whose own is gone signs nothing that peers would take. */
  #demandAnchor({ issuer }: TrialMaterial, { anchors }: TrustBundle): void {
    if (this.#state.kind === 'unavailable' || anchors.some(({ sha256 }) => sha256 === issuer.anchorSha256)) return;
    this.#become({ kind: 'unavailable', why: 'leads to no trust anchor in force' });
  }

  /** Anchors that ended do not go out, whatever has become of the issuer. */
  #installAnchors(inForce: InForce): void {
    try {
      const bundle = inForce.read.bundleAt(this.#parts.clock.nowMs());
      const material = { ...inForce.material, bundle };
      if (differs(material, inForce.material)) this.#install({ ...inForce, material });
    } catch {
      // There are none left; it has been told.
    }
  }
}

function wordsOf(error: unknown): string {
  return error instanceof AuthorityError ? error.message : 'unexpected failure';
}

function digestOf(texts: ReadonlyMap<string, string>): string {
  return createHash('sha256')
    .update(JSON.stringify([...texts]))
    .digest('hex');
}

function differs(one: TrialMaterial, other: TrialMaterial): boolean {
  const [mine, its] = [one.issuer, other.issuer];
  return (
    one.bundle.digest !== other.bundle.digest ||
    mine.notAfterMs !== its.notAfterMs ||
    mine.notBeforeMs !== its.notBeforeMs ||
    mine.anchors.join() !== its.anchors.join() ||
    mine.chainPems.join('') !== its.chainPems.join('')
  );
}
