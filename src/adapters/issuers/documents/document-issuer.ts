// One issuer from documents, and with the default one the trust anchors: taken together or not at all. A broken or
// half-finished edit, and one that peers would refuse, leaves the last good state in force and says so once. What was taken
// is looked at again when one of its certificates begins or ends, when the clock is set, and when other anchors come in
// force. It imports much because what was read, tried and timed is one state that changes as a whole.
import type { TrialMaterial } from '../../../authority/trust/issuer-trial.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import type { TrustBundle } from '../../../domain/trust/bundle.ts';
import { pathCertificatesOf, type PathCertificate } from '../../../domain/x509/path/certificate.ts';
import { Alarm } from '../../../live/alarm.ts';
import { Listeners } from '../../../live/listeners.ts';
import { ReportOnce } from '../../../live/report-once.ts';
import { notReady, type HealthState } from '../../../ports/platform/health.ts';
import type { IssuerState, NamedIssuer } from '../../../ports/issuing/issuers.ts';
import type { KeyInventory } from '../../../ports/issuing/key-inventory.ts';
import type { TrustAnchors } from '../../../ports/issuing/trust-anchors.ts';
import { givenAnchorsOf, type GivenAnchor } from './anchor-source.ts';
import { differs, digestOf, IssuerJudgement, wordsOf } from './issuer-judgement.ts';
import { healthInForce } from './issuer-health.ts';
import { boundsWith, formatShort } from './issuer-lifetime.ts';
import { isKeyAway, KEY_RETRY_MS, KeyInForce } from './key-in-force.ts';
import { IssuerMaterial } from './issuer-material.ts';
import type { DocumentIssuerParts, DocumentIssuerSettings, IssuerStart } from './issuer-parts.ts';
import { IssuerReports } from './issuer-reports.ts';

interface InForce {
  readonly read: IssuerMaterial;
  readonly material: TrialMaterial;
  /** Of the documents. */
  readonly digest: string;
  /** Why it should live longer; it signs, and its leaves get shorter in time. */
  readonly short: string | undefined;
}

export class DocumentIssuer {
  /** Those that it must lead to. */
  readonly trustAnchors: TrustAnchors;
  readonly #parts: DocumentIssuerParts;
  readonly #settings: DocumentIssuerSettings;
  readonly #judgement: IssuerJudgement;
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
    this.#judgement = new IssuerJudgement(parts, settings);
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
    const { problem } = this.#failure;
    if (this.#inForce === undefined) return notReady(problem ?? 'no issuer is loaded');
    const { short, material } = this.#inForce;
    const found = { state: this.#state, short, problem: problem ?? this.#untimely.problem, key: this.#key.problem };
    return healthInForce(material.issuer, found, nowMs);
  }

  /** Every trust anchor that was given, and whether it goes out. */
  anchors(): readonly GivenAnchor[] {
    return this.#inForce === undefined ? [] : givenAnchorsOf(this.#inForce.material.bundle);
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
      const short = await this.#judgement.shortLife(material.issuer, { inForce: this.#inForceId, signal });
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

  async #tried(read: IssuerMaterial, signal: AbortSignal): Promise<TrialMaterial> {
    this.#lookedMs = this.#parts.clock.nowMs();
    return this.#judgement.tried(read, this.#lookedMs, { inForce: this.#inForceId, signal });
  }

  get #inForceId(): string | undefined {
    return this.#inForce?.material.issuer.id;
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
