// One issuer from documents, and with the default one the trust anchors: taken together or not at all. A broken or
// half-finished edit, and one that peers would refuse, leaves the last good state in force and says so once. What was taken
// is looked at again when one of its certificates begins or ends, when the clock is set, and when other anchors come in
// force. It is long, and imports much, because what was read, tried and timed is one state that changes as a whole.
import { createHash } from 'node:crypto';
import type { IssuerTrial, TrialMaterial } from '../../../authority/trust/issuer-trial.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import type { IssuerBounds } from '../../../domain/issuance/chosen-issuer.ts';
import type { TrustBundle } from '../../../domain/trust/bundle.ts';
import type { CaCertificate } from '../../../domain/x509/ca-certificate.ts';
import { Alarm } from '../../../live/alarm.ts';
import { Listeners } from '../../../live/listeners.ts';
import { ReportEachOnce, ReportOnce } from '../../../live/report-once.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { DocumentSource } from '../../../ports/platform/document-source.ts';
import type { Events } from '../../../ports/platform/events.ts';
import type { IssuerState, NamedIssuer } from '../../../ports/issuing/issuers.ts';
import type { SignerOpener } from '../../../ports/issuing/signer-opener.ts';
import type { TrustAnchors } from '../../../ports/issuing/trust-anchors.ts';
import { anchorsInForce, anchorsOfDocument } from './anchor-source.ts';
import { documentRefusal, IssuerMaterial, type IssuerDocument, type MaterialSettings } from './issuer-material.ts';

export interface DocumentIssuerParts {
  /** `chain` and `key`, and `anchors` where `trustAnchors` is absent; all PEM. */
  readonly documents: DocumentSource;
  readonly events: Pick<Events, 'reloaded' | 'reloadFailed' | 'issuerInForce' | 'bundleInForce' | 'trustWarning'>;
  readonly clock: Clock;
  readonly trial: IssuerTrial;
  readonly opener: SignerOpener;
  /** What an additional issuer must lead to. Absent, it is the default one, which brings the anchors. */
  readonly trustAnchors?: TrustAnchors;
}

export interface DocumentIssuerSettings extends MaterialSettings {
  /** As policies call it. */
  readonly name: string;
  readonly bounds: IssuerBounds;
}

interface InForce {
  readonly read: IssuerMaterial;
  readonly material: TrialMaterial;
  /** Of the documents. */
  readonly digest: string;
}

export class DocumentIssuer {
  /** Those that it must lead to. */
  readonly trustAnchors: TrustAnchors;
  readonly #parts: DocumentIssuerParts;
  readonly #settings: DocumentIssuerSettings;
  readonly #listeners = new Listeners();
  readonly #anchorListeners = new Listeners<[TrustBundle]>();
  #state: IssuerState = { kind: 'unavailable', why: 'is not loaded' };
  #named: NamedIssuer | undefined;
  #inForce: InForce | undefined;
  /** What the last look at the documents found. */
  readonly #failure = new ReportOnce((problem) => this.#reportFailure(problem));
  /** What the last look at what is in force found. */
  readonly #untimely = new ReportOnce((problem) => this.#reportFailure(problem));
  /** What has been warned of and still holds. */
  readonly #warnings = new ReportEachOnce();
  /** For which moment the last look was. */
  #lookedMs = 0;
  /** Looks follow one another: a trial takes a moment, and a clock may be set meanwhile. */
  #last: Promise<unknown> = Promise.resolve();
  /** Ends the wait for the next change when another one becomes the next. */
  readonly #rearm: Alarm;

  constructor(parts: DocumentIssuerParts, settings: DocumentIssuerSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#rearm = new Alarm(parts.clock);
    this.trustAnchors = parts.trustAnchors ?? {
      partialAnchors: settings.partialAnchors,
      current: () => this.current().bundle,
      onChange: (listener, options) => this.#anchorListeners.add(listener, options),
    };
  }

  /**
   * Loads once, then follows changes until the signal aborts. An additional issuer that cannot be loaded is tried again
   * after each change.
   * @throws AuthorityError CAP-X03 when the first load of the default issuer fails.
   */
  async start({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { documents, trustAnchors } = this.#parts;
    if (trustAnchors === undefined) await this.#load(signal);
    else await this.#reload(signal);
    documents.onChange(async () => this.#next(async () => this.#reload(signal)), { signal });
    trustAnchors?.onChange(() => void this.#next(async () => this.#underOtherAnchors(signal)), { signal });
    void this.#followTime(signal);
  }

  get name(): string {
    return this.#settings.name;
  }

  /** As it is now. The same object until that changes. */
  get named(): NamedIssuer {
    const { name, bounds } = this.#settings;
    return (this.#named ??= { name, bounds, custody: this.#parts.opener.custody, state: this.#state });
  }

  /** Why nothing can be signed now, or why what is given is not what is in force; nothing when all is well. */
  problem(nowMs: number): string | { readonly degraded: string } | undefined {
    if (this.#inForce === undefined) return this.#failure.problem ?? 'no issuer is loaded';
    const { notBeforeMs, notAfterMs } = this.current().issuer;
    if (notBeforeMs > nowMs) return `the issuer certificate is not valid before ${new Date(notBeforeMs).toISOString()}`;
    if (notAfterMs <= nowMs) return 'the issuer certificate has expired';
    const problem = this.#failure.problem ?? this.#untimely.problem;
    if (this.#state.kind === 'unavailable') return problem ?? `the issuer ${this.#state.why}`;
    return problem === undefined ? undefined : { degraded: `the last good issuer stays: ${problem}` };
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

  async #reload(signal: AbortSignal): Promise<void> {
    try {
      await this.#load(signal);
      this.#failure.over();
    } catch (error) {
      this.#failure.found(wordsOf(error));
    }
  }

  #reportFailure(problem: string): void {
    this.#parts.events.reloadFailed({ source: 'issuer', problem: this.#ofName(problem) });
  }

  async #load(signal: AbortSignal): Promise<void> {
    const { documents, events } = this.#parts;
    const texts = await documents.read();
    const digest = digestOf(texts);
    if (digest === this.#inForce?.digest) {
      this.#unchanged();
      return;
    }
    const read = await this.#opened(texts, signal);
    const material = await this.#tried(read, signal);
    events.reloaded({ source: 'issuer', revision: this.#ofName(material.issuer.id) });
    this.#failure.over();
    this.#untimely.over();
    this.#install({ read, material, digest });
  }

  async #opened(texts: ReadonlyMap<string, string>, signal: AbortSignal): Promise<IssuerMaterial> {
    const { documents, opener, trustAnchors } = this.#parts;
    const textOf = (name: IssuerDocument): string => texts.get(name) ?? '';
    const placeOf = (name: IssuerDocument): string => documents.placeOf(name);
    const { trustDomain, partialAnchors: partial } = this.#settings;
    const given = { text: textOf('anchors'), place: placeOf('anchors') };
    const anchors =
      trustAnchors === undefined ? anchorsOfDocument(given, { trustDomain, partial }) : anchorsInForce(trustAnchors);
    const key = await opener.open(textOf('key'), { signal });
    if ('problem' in key) throw documentRefusal(documents, 'key', key.problem);
    return new IssuerMaterial(this.#settings, { textOf, placeOf }, anchors, key);
  }

  /** Nothing of it is in force before the trial is over. */
  async #tried(read: IssuerMaterial, signal: AbortSignal): Promise<TrialMaterial> {
    const { clock, documents, trial } = this.#parts;
    this.#lookedMs = clock.nowMs();
    const material = read.at(this.#lookedMs);
    const problem = await trial(material, { signal });
    if (problem === undefined) return material;
    throw new AuthorityError('CAP-X03', {
      detail: `${documents.placeOf('chain')} is no issuer for this mesh: ${problem}`,
    });
  }

  /** A broken edit that is taken back is worth telling; to those who listen nothing has changed. */
  #unchanged(): void {
    if (this.#failure.problem === undefined) return;
    this.#parts.events.reloaded({ source: 'issuer', revision: this.#ofName(this.current().issuer.id) });
  }

  #install(next: InForce): void {
    const { bundle, issuer, signer } = next.material;
    const formerDigest = this.#inForce?.material.bundle.digest;
    this.#inForce = next;
    this.#rearm.ring();
    const { id, notAfterMs } = issuer;
    this.#parts.events.issuerInForce({ name: this.name, issuer: id, notAfterMs });
    if (this.#parts.trustAnchors === undefined) this.#tellBundle(bundle);
    this.#warn(next);
    this.#become({ kind: 'ready', issuer, signer });
    if (bundle.digest !== formerDigest) this.#anchorListeners.notify(bundle);
  }

  #tellBundle({ digest, anchors, firstNotAfterMs: notAfterMs }: TrustBundle): void {
    this.#parts.events.bundleInForce({ digest, anchors: anchors.length, notAfterMs });
  }

  #become(state: IssuerState): void {
    this.#state = state;
    this.#named = undefined;
    this.#listeners.notify();
  }

  /** An issuer beside the default one is named where it is told of. */
  #ofName(text: string): string {
    return this.#parts.trustAnchors === undefined ? text : `${this.name} ${text}`;
  }

  /** Each warning once for as long as it holds. */
  #warn({ read, material }: InForce): void {
    const warnings = new Map(read.warningsOn(material).map((problem) => [problem, problem]));
    for (const problem of this.#warnings.look(warnings).fresh) this.#parts.events.trustWarning({ problem });
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
      if (again || differs(material, inForce.material)) this.#install({ ...inForce, material });
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
