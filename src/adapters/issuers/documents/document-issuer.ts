// Issuer and trust anchors from documents, taken together or not at all. A broken or half-finished edit, and
// one that peers would refuse, leaves the last good state in force and says so once. What was taken is looked at
// again when one of its certificates begins or ends, and when the clock is set.
import { createHash } from 'node:crypto';
import type { IssuerTrial } from '../../../authority/trust/issuer-trial.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import type { CaCertificate } from '../../../domain/x509/ca-certificate.ts';
import { Alarm } from '../../../live/alarm.ts';
import { Listeners } from '../../../live/listeners.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { DocumentSource } from '../../../ports/platform/document-source.ts';
import type { Events } from '../../../ports/platform/events.ts';
import type { AuthorityMaterial, IssuerStore } from '../../../ports/issuing/issuer-store.ts';
import { IssuerMaterial, type MaterialSettings } from './issuer-material.ts';

export interface StoreParts {
  /** `anchors`, `chain` and `key`, all PEM. */
  readonly documents: DocumentSource;
  readonly events: Pick<Events, 'reloaded' | 'reloadFailed' | 'issuerInForce' | 'bundleInForce' | 'trustWarning'>;
  readonly clock: Clock;
  readonly trial: IssuerTrial;
}

interface InForce {
  readonly read: IssuerMaterial;
  readonly material: AuthorityMaterial;
  /** Of the documents. */
  readonly digest: string;
}

export class DocumentIssuer implements IssuerStore {
  readonly #parts: StoreParts;
  readonly #settings: MaterialSettings;
  readonly #listeners = new Listeners<[AuthorityMaterial]>();
  #inForce: InForce | undefined;
  /** What the last look complained of: the same problem is told once. */
  #problem: string | undefined;
  /** What the last look at what is in force complained of. */
  #untimely: string | undefined;
  /** What has been warned of and still holds. */
  #warned: ReadonlySet<string> = new Set();
  /** For which moment the last look was. */
  #lookedMs = 0;
  /** Looks follow one another: a trial takes a moment, and a clock may be set meanwhile. */
  #last: Promise<unknown> = Promise.resolve();
  /** Ends the wait for the next change when another one becomes the next. */
  readonly #rearm: Alarm;

  constructor(parts: StoreParts, settings: MaterialSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#rearm = new Alarm(parts.clock);
  }

  /** Loads once, then follows changes until the signal aborts. @throws AuthorityError CAP-X03 when the first load fails. */
  async start({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    await this.#load(signal);
    this.#parts.documents.onChange(async () => this.#next(async () => this.#reload(signal)), { signal });
    void this.#followTime(signal);
  }

  current(): AuthorityMaterial {
    if (this.#inForce === undefined) throw new AuthorityError('CAP-S01');
    return this.#inForce.material;
  }

  /** Why nothing can be signed now, or why what is given is not what is in force; nothing when all is well. */
  problem(nowMs: number): string | { readonly degraded: string } | undefined {
    if (this.#inForce === undefined) return this.#problem ?? 'no issuer is loaded';
    const { notBeforeMs, notAfterMs } = this.current().signing.issuer;
    if (notBeforeMs > nowMs) return `the issuer certificate is not valid before ${new Date(notBeforeMs).toISOString()}`;
    if (notAfterMs <= nowMs) return 'the issuer certificate has expired';
    const problem = this.#problem ?? this.#untimely;
    return problem === undefined ? undefined : { degraded: `the last good issuer stays: ${problem}` };
  }

  /** Every trust anchor that was given, and whether it goes out. */
  anchors(): readonly (CaCertificate & { readonly distributed: boolean })[] {
    if (this.#inForce === undefined) return [];
    const { anchors, withheld } = this.#inForce.material.bundle;
    return [
      ...anchors.map((anchor) => ({ ...anchor, distributed: true })),
      ...withheld.map(({ anchor }) => ({ ...anchor, distributed: false })),
    ];
  }

  onChange(listener: (material: AuthorityMaterial) => void, options: { readonly signal: AbortSignal }): void {
    this.#listeners.add(listener, options);
  }

  async #next(look: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(look);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #reload(signal: AbortSignal): Promise<void> {
    try {
      await this.#load(signal);
      this.#problem = undefined;
    } catch (error) {
      this.#problem = this.#complain(error, this.#problem);
    }
  }

  #complain(error: unknown, told: string | undefined): string {
    const problem = error instanceof AuthorityError ? error.message : 'unexpected failure';
    if (problem !== told) this.#parts.events.reloadFailed({ source: 'issuer', problem });
    return problem;
  }

  async #load(signal: AbortSignal): Promise<void> {
    const { documents, events } = this.#parts;
    const texts = await documents.read();
    const digest = digestOf(texts);
    if (digest === this.#inForce?.digest) {
      this.#unchanged();
      return;
    }
    const placeOf = (name: string): string => documents.placeOf(name);
    const read = IssuerMaterial.read({ textOf: (name) => texts.get(name) ?? '', placeOf }, this.#settings);
    const material = await this.#tried(read, signal);
    events.reloaded({ source: 'issuer', revision: material.signing.issuer.id });
    this.#untimely = undefined;
    this.#install({ read, material, digest });
  }

  /** Nothing of it is in force before the trial is over. */
  async #tried(read: IssuerMaterial, signal: AbortSignal): Promise<AuthorityMaterial> {
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
    const { signing } = this.current();
    if (this.#problem !== undefined) this.#parts.events.reloaded({ source: 'issuer', revision: signing.issuer.id });
  }

  #install(next: InForce): void {
    const { events } = this.#parts;
    const { bundle, signing } = next.material;
    this.#inForce = next;
    this.#rearm.ring();
    events.issuerInForce({ issuer: signing.issuer.id, notAfterMs: signing.issuer.notAfterMs });
    events.bundleInForce({ digest: bundle.digest, anchors: bundle.anchors.length, notAfterMs: bundle.firstNotAfterMs });
    this.#warn(next);
    this.#listeners.notify(next.material);
  }

  /** Each warning once for as long as it holds. */
  #warn({ read, material }: InForce): void {
    const warnings = new Set(read.warningsOn(material));
    for (const problem of warnings) if (!this.#warned.has(problem)) this.#parts.events.trustWarning({ problem });
    this.#warned = warnings;
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
      this.#untimely = undefined;
      if (differs(material, inForce.material)) this.#install({ ...inForce, material });
    } catch (error) {
      if (signal.aborted) return;
      this.#untimely = this.#complain(error, this.#untimely);
      this.#installAnchors(inForce);
    }
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

function digestOf(texts: ReadonlyMap<string, string>): string {
  return createHash('sha256')
    .update(JSON.stringify([...texts]))
    .digest('hex');
}

function differs(one: AuthorityMaterial, other: AuthorityMaterial): boolean {
  const [mine, its] = [one.signing.issuer, other.signing.issuer];
  return (
    one.bundle.digest !== other.bundle.digest ||
    mine.notAfterMs !== its.notAfterMs ||
    mine.notBeforeMs !== its.notBeforeMs ||
    mine.anchors.join() !== its.anchors.join() ||
    mine.chainPems.join('') !== its.chainPems.join('')
  );
}
