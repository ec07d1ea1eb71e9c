// The certificate of a control plane that reads its own from a place instead of asking for it: issued through policy and on
// record as any other, renewed at half life, replaced when its issuer or its names change, put back when it is gone. Done by
// the process that leads. Its private key leaves into that place and goes nowhere else. It imports much because it issues as
// an edge does, and leads as a chore does.
import { AuthorityError } from '../../domain/errors.ts';
import type { Caller } from '../../domain/identity/caller.ts';
import type { KubernetesIdentity } from '../../domain/identity/kubernetes-identity.ts';
import type { LifetimeSettings } from '../../domain/issuance/lifetime.ts';
import { REASONS } from '../../domain/reasons.ts';
import { readPublicKey } from '../../domain/x509/public-key.ts';
import { Alarm } from '../../live/alarm.ts';
import { ReportOnce } from '../../live/report-once.ts';
import type { CertificatePlace, PlacedCertificate } from '../../ports/issuing/certificate-place.ts';
import { certifiedIssuersOf } from '../../ports/issuing/issuers.ts';
import type { KeyGenerator } from '../../ports/issuing/key-generator.ts';
import type { Lease } from '../../ports/storage/lease.ts';
import { anchorsAbove } from '../../domain/trust/anchors-above.ts';
import { DecisionRecorder } from '../issuing/decision-recorder.ts';
import { issueForWorkload, type IssuingParts } from '../issuing/issue-certificate.ts';
import type { OwnMoves } from '../trust/own-certificates.ts';
import { leafOf, replacementNeeded } from './placed-certificate.ts';
import { whileLeading } from './while-leading.ts';

export interface PlacedParts extends IssuingParts {
  readonly keys: KeyGenerator;
  readonly place: CertificatePlace;
  readonly lease: Lease;
  /** Whether it is to stay below an anchor that a rotation replaces. */
  readonly moves: OwnMoves;
}

export interface PlacedSettings {
  readonly identity: KubernetesIdentity;
  /** At least one. */
  readonly dnsNames: readonly string[];
  readonly lifetimes: LifetimeSettings;
  /** Which key of the configuration asks for it, as credential id. */
  readonly askedBy: string;
}

/** How often the place is looked at: it may be emptied, and nobody says so. */
const LOOK_MS = 15_000;
/** After a try that failed. Each one that policy refuses is a record. */
const RETRY_MS = 60_000;

export class PlacedCertificateKeeper {
  readonly #parts: PlacedParts;
  readonly #settings: PlacedSettings;
  readonly #failure: ReportOnce;

  constructor(parts: PlacedParts, settings: PlacedSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#failure = new ReportOnce((problem) => parts.events.reloadFailed({ source: 'istiod-tls', problem }));
  }

  /** Why the certificate is not as it should be, in words; nothing when it is, or another process keeps it. */
  problem(): string | undefined {
    return this.#failure.problem;
  }

  /** Runs until the signal aborts. */
  async keep(options: { readonly signal: AbortSignal }): Promise<void> {
    await whileLeading(this.#parts, async (leading) => this.#whileLeading(leading.signal), options);
  }

  async #whileLeading(signal: AbortSignal): Promise<void> {
    const { clock, issuers, anchors, moves } = this.#parts;
    const alarm = new Alarm(clock);
    issuers.onChange(() => alarm.ring(), { signal });
    anchors.onChange(() => alarm.ring(), { signal });
    moves.onChange(() => alarm.ring(), { signal });
    while (!signal.aborted) {
      await this.#look(signal);
      await alarm.sleep(this.#failure.problem === undefined ? LOOK_MS : RETRY_MS, { signal });
    }
    // Who keeps it next says by itself what is wrong.
    this.#failure.over();
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { place, events } = this.#parts;
    try {
      const placed = await place.read({ signal });
      const next = await this.#next(placed, { signal });
      if (next !== undefined) {
        // The lease may have been lost while it was issued.
        signal.throwIfAborted();
        await place.write(next, { signal });
        events.reloaded({ source: 'istiod-tls', revision: leafOf(next)?.validTo ?? '' });
      }
      this.#failure.over();
    } catch (error) {
      if (!signal.aborted) this.#failure.found(this.#wordsOf(error));
    }
  }

  /** @returns what is to take its place; nothing when it may stay. */
  async #next(
    placed: PlacedCertificate | undefined,
    options: { readonly signal: AbortSignal },
  ): Promise<PlacedCertificate | undefined> {
    const { clock, issuers, anchors } = this.#parts;
    const waits = (chainPem: string): boolean => this.#waits(chainPem);
    const wanted = { names: this.#names, issuers: certifiedIssuersOf(issuers), waits };
    if (replacementNeeded(placed, wanted, clock.nowMs()) !== undefined) return this.#issue(options);
    const { pem } = anchors.current();
    return placed === undefined || placed.anchorsPem === pem ? undefined : { ...placed, anchorsPem: pem };
  }

  /** In a rotation of trust anchors it moves last: who verifies it may not know the new one yet. */
  #waits(chainPem: string): boolean {
    const { anchors, clock, moves } = this.#parts;
    const above = anchorsAbove(chainPem, anchors.current(), clock.nowMs());
    return above.length > 0 && above.every((anchor) => moves.waits(anchor));
  }

  get #names(): readonly string[] {
    const { identity, dnsNames } = this.#settings;
    return [`URI:${identity.spiffeId.uri}`, ...dnsNames.map((name) => `DNS:${name}`)];
  }

  /** Nobody has a CSR here from which a name could be left out: the names are the configuration's. */
  #wordsOf(error: unknown): string {
    if (!(error instanceof AuthorityError)) return error instanceof Error ? error.message : 'unexpected failure';
    const { askedBy, dnsNames, identity } = this.#settings;
    if (error.reason !== 'CAP-P06') return `it could not be issued: ${error.message}`;
    const bounds = `bounds.dnsNames of a rule of the policy bundle for ${identity.namespace}/${identity.serviceAccount}`;
    return `it could not be issued: CAP-P06 ${REASONS['CAP-P06'].text}: ${askedBy} gives it ${dnsNames.join(', ')}, and ${bounds} does not have them all`;
  }

  async #issue(options: { readonly signal: AbortSignal }): Promise<PlacedCertificate> {
    const { identity, dnsNames, lifetimes, askedBy } = this.#settings;
    // What the operator's configuration names needs no other proof; policy still has to allow it.
    const caller: Caller = { identity, authenticationMethod: 'configuration', credentialId: askedBy };
    return DecisionRecorder.run(this.#parts, 'secret', 'localhost', async (recorder) => {
      recorder.authenticated(caller);
      const { spki, privateKeyPem } = await this.#parts.keys.generate('ec-p256');
      const question = { caller, identity, publicKey: readPublicKey(spki), requestedMs: 0, dnsNames };
      const { certificate, bundle } = await issueForWorkload(this.#parts, lifetimes, recorder, question, options);
      const certificateChainPem = certificate.pem + certificate.issuer.chainPems.join('');
      return { certificateChainPem, privateKeyPem, anchorsPem: bundle.pem };
    });
  }
}
