// Secrets of workloads that are served over SDS: one certificate per workload, shared by all its
// streams, with a key that lives in this process's memory only; and the trust bundle in force. It imports much because
// changes of issuers, anchors, policies and cluster all arrive here.
import { AuthorityError } from '../../domain/errors.ts';
import type { Caller } from '../../domain/identity/caller.ts';
import { workloadKey } from '../../domain/identity/workload-key.ts';
import type { Ban } from '../../domain/revocation/ban.ts';
import type { PolicyDecision } from '../../domain/policy/policy-decision.ts';
import { readPublicKey } from '../../domain/x509/public-key.ts';
import type { LifetimeSettings } from '../../domain/issuance/lifetime.ts';
import type { RevocationLists, TrustBundle } from '../../domain/trust/bundle.ts';
import type { Issuer } from '../../domain/x509/issuer.ts';
import type { Authenticator } from '../../ports/issuing/authenticator.ts';
import type { ClusterViews } from '../../ports/policy/cluster-views.ts';
import type { FederatedBundles } from '../../ports/issuing/federated-bundles.ts';
import type { GeneratedKeyType, KeyGenerator } from '../../ports/issuing/key-generator.ts';
import type { NamedIssuer } from '../../ports/issuing/issuers.ts';
import type { PolicySource } from '../../ports/policy/policy-source.ts';
import type { Attestation } from '../attestation/attestation.ts';
import { authenticate } from '../surface/authenticate.ts';
import { DecisionRecorder } from '../issuing/decision-recorder.ts';
import { HeldWorkloads, provenAmong, type HeldWorkload, type HoldingSettings } from './held-workloads.ts';
import { issueForWorkload, type IssuingParts } from '../issuing/issue-certificate.ts';
import type { Question } from '../issuing/policy-judgement.ts';
import { LatestValue } from '../../live/latest-value.ts';
import type { GoneCallers, SvidState, Watcher, Watchers, WorkloadSecrets, WorkloadSvid } from '../surface/surface.ts';
import { SvidRotation, type RotationSettings } from './svid-rotation.ts';

export interface SecretsParts extends IssuingParts {
  readonly authenticators: readonly Authenticator[];
  readonly attestation: Attestation;
  readonly keys: KeyGenerator;
  readonly federated: FederatedBundles;
  /** Present where revocation lists are handed out with the trust anchors. */
  readonly revocation?: RevocationFeed;
  readonly policies: Pick<PolicySource, 'onChange'>;
  readonly clusters: Pick<ClusterViews, 'onChange'>;
}

/** A complete set of lists, or none. */
export interface RevocationFeed {
  current(): RevocationLists | undefined;
  onChange(listener: () => void, options: { readonly signal: AbortSignal }): void;
}

export interface SecretsSettings extends RotationSettings, HoldingSettings {
  readonly lifetimes: LifetimeSettings;
  readonly keyType: GeneratedKeyType;
}

export class SharedWorkloadSecrets implements WorkloadSecrets {
  readonly #parts: SecretsParts;
  readonly #settings: SecretsSettings;
  readonly #held: HeldWorkloads;
  readonly #bundle = new LatestValue<TrustBundle>();
  /** The last that each issuer could sign with, by its name. */
  readonly #lastIssuers = new Map<string, Issuer>();
  #lifetime: AbortSignal = AbortSignal.abort();

  constructor(parts: SecretsParts, settings: SecretsSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#held = new HeldWorkloads(settings);
  }

  /** Begins to follow issuer, anchor and policy changes; everything ends with the signal. */
  start({ signal }: { readonly signal: AbortSignal }): void {
    this.#lifetime = signal;
    const { issuers, anchors, federated, revocation, revocations, policies, clusters, judgement, attestation } =
      this.#parts;
    let digest: string | undefined;
    const publish = (): void => {
      const bundle = anchors.current();
      digest = bundle.digest;
      this.#bundle.set(bundle.federatedWith(federated.current()).withRevocation(revocation?.current()));
    };
    publish();
    federated.onChange(publish, { signal });
    revocation?.onChange(publish, { signal });
    anchors.onChange((bundle) => bundle.digest !== digest && publish(), { signal });
    for (const issuer of issuers.all()) this.#followIssuer(issuer);
    issuers.onChange((name) => this.#followIssuer(issuers.all().find((issuer) => issuer.name === name)), { signal });
    policies.onChange((change) => this.#askAgain(({ namespace }) => change(namespace)), { signal });
    attestation.onGone((gone) => this.#forgetGone(gone), { signal });
    revocations.onBan((ban) => this.#replaceRevoked(ban), { signal });
    // What the cluster takes away shows at the next renewal, in the grace that policy gives; what it allows
    // shows at once.
    clusters.onChange(
      (change, remoteCluster) => {
        const isConcerned = judgement.concernedBy(change);
        this.#askAgain(
          ({ rotation, namespace, last }) =>
            (rotation.undecided || rotation.unavailable) &&
            last.remoteCluster === remoteCluster &&
            isConcerned(namespace),
        );
      },
      { signal },
    );
  }

  async authenticate(
    ...[presented, options]: Parameters<WorkloadSecrets['authenticate']>
  ): ReturnType<WorkloadSecrets['authenticate']> {
    const { authenticators, attestation, clock } = this.#parts;
    const { remoteAddress } = presented;
    return DecisionRecorder.run(this.#parts, 'sds', remoteAddress, async (recorder) => {
      const caller = await authenticate(authenticators, presented, options);
      recorder.authenticated(caller);
      recorder.attested(await attestation.demand(caller, options));
      return { caller, remoteAddress, provenAtMs: clock.nowMs() };
    });
  }

  watchBundle(options: { readonly signal: AbortSignal }): AsyncIterable<TrustBundle> {
    return this.#bundle.watch(options);
  }

  onGone(listener: (gone: GoneCallers) => void, options: { readonly signal: AbortSignal }): void {
    this.#parts.attestation.onGone(listener, options);
  }

  watchSvid(watchers: Watchers, options: { readonly signal: AbortSignal }): AsyncIterable<SvidState> {
    options.signal.throwIfAborted();
    const { caller } = demandProven(watchers.proven());
    const key = workloadKey(caller);
    const workload = this.#held.watch(key, watchers, caller) ?? this.#begin(key, caller, watchers);
    options.signal.addEventListener('abort', () => this.#held.unwatch(workload, watchers), { once: true });
    return workload.state.watch(options);
  }

  /** Its key is of no use to anybody any more. Its streams end where they are (`onGone`). */
  #forgetGone(gone: GoneCallers): void {
    for (const workload of this.#held.in(gone.namespace)) if (gone.concerns(workload.last)) this.#held.remove(workload);
  }

  /** Who may still have one has another certificate, with another key, at once. */
  #replaceRevoked({ target }: Ban): void {
    if (target.kind !== 'serial') return;
    for (const { rotation } of this.#held.all()) if (rotation.serial === target.serial) rotation.renewNow();
  }

  /** A workload that was not held; its first certificate is asked for at once. */
  #begin(key: string, caller: Caller, first: Watchers): HeldWorkload {
    const { namespace } = caller.identity;
    this.#held.makeRoomIn(namespace);
    const state = new LatestValue<SvidState>();
    const watches = new Set([first]);
    const rotation = new SvidRotation(
      state,
      {
        ...this.#parts,
        issue: async (options) => this.#issue(demandProven(provenAmong(watches)), key, options),
        watched: () => watches.size > 0,
        onEnd: () => this.#held.remove(workload),
      },
      this.#settings,
    );
    const workload = { key, namespace, state, rotation, watches, last: caller };
    this.#held.add(workload);
    void rotation.run({ signal: this.#lifetime });
    return workload;
  }

  async #issue(
    { caller, remoteAddress, provenAtMs }: Watcher,
    key: string,
    options: { readonly signal: AbortSignal },
  ): Promise<WorkloadSvid> {
    const { identity } = caller;
    // The last look before a key is made: whoever it is recorded for is the workload that it goes to.
    if (workloadKey(caller) !== key) throw new Error('a watcher is not of the workload that it watches');
    return DecisionRecorder.run(this.#parts, 'sds', remoteAddress, async (recorder) => {
      recorder.authenticated(caller, provenAtMs);
      recorder.attested(await this.#parts.attestation.demand(caller, options));
      const { spki, privateKeyPem } = await this.#parts.keys.generate(this.#settings.keyType);
      const publicKey = readPublicKey(spki);
      const { certificate } = await issueForWorkload(
        this.#parts,
        this.#settings.lifetimes,
        recorder,
        { caller, identity, publicKey, requestedMs: 0 },
        // What is held is bounded, and its share by namespace: see HeldWorkloads.
        { ...options, patient: true },
      );
      return {
        identity: identity.spiffeId,
        certificateChainPem: certificate.pem + certificate.issuer.chainPems.join(''),
        privateKeyPem,
        issuerName: certificate.issuerName,
        trustAnchor: certificate.issuer.anchorSha256,
        serial: certificate.serial,
        notBeforeMs: certificate.notBeforeMs,
        notAfterMs: certificate.notAfterMs,
      };
    });
  }

  /** What an issuer signed is renewed when leaves of it are served anew; what waits for an issuer, when there is one. */
  #followIssuer(changed: NamedIssuer | undefined): void {
    if (changed?.state.kind === 'unavailable' && changed.state.withdrawn === 'tainted') this.#leave(changed.name);
    if (changed?.state.kind !== 'ready') return;
    const { name, state } = changed;
    const former = this.#lastIssuers.get(name);
    this.#lastIssuers.set(name, state.issuer);
    const anew = former === undefined || isServedAnew(state.issuer, former);
    for (const { rotation } of this.#held.all()) {
      const concerned = rotation.undecided || rotation.issuerName === name;
      if (rotation.failing || (anew && concerned)) rotation.renewSoon();
    }
  }

  /** No certificate of a tainted issuer stays in use where policy allows another issuer; where it does not, the one in hand stays. */
  #leave(name: string): void {
    for (const { rotation } of this.#held.all()) {
      if (rotation.undecided || rotation.issuerName === name) rotation.renewSoon();
    }
  }

  /** A new policy may allow what it refused, or refuse what is held: either is decided afresh. */
  #askAgain(concerns: (workload: HeldWorkload) => boolean): void {
    const { keyType } = this.#settings;
    const publicKey = { family: keyType, bits: 0 };
    for (const workload of this.#held.all()) {
      if (!concerns(workload)) continue;
      const { rotation } = workload;
      // What is being decided may be decided by what has just changed: it is asked once more.
      if (rotation.undecided) rotation.renewNow();
      else void this.#decideAfresh(workload, publicKey);
    }
  }

  async #decideAfresh(workload: HeldWorkload, publicKey: Question['publicKey']): Promise<void> {
    const { rotation, watches, last } = workload;
    const { judgement } = this.#parts;
    const caller = provenAmong(watches)?.caller ?? last;
    const question = { caller, identity: caller.identity, publicKey, requestedMs: 0 };
    try {
      const first = judgement.judgeFirst(question);
      // At once: whoever comes back in the next moment is decided by what is in force now.
      if (first.outcome === 'refused' && watches.size === 0 && !rotation.unavailable) {
        this.#held.remove(workload);
        return;
      }
      // What it has may have it renewed all the same. What changes meanwhile has it asked again.
      this.#follow(
        workload,
        first.outcome === 'refused' ? await judgement.judgeNow(question, { signal: this.#lifetime }) : first,
      );
    } catch {
      // What it has cannot be read just now; the next renewal asks for itself.
    }
  }

  /** What policy would say now, and which issuer it would have. */
  #follow(workload: HeldWorkload, { outcome, request, unavailable }: PolicyDecision): void {
    const { rotation, watches } = workload;
    const turned = outcome === (rotation.unavailable ? 'approved' : 'refused');
    // Also to an issuer that cannot sign now: it is asked again as soon as it can.
    const issuable = outcome === 'approved' || unavailable?.reason === 'CAP-S01' || unavailable?.reason === 'CAP-S14';
    const moved = issuable && !rotation.unavailable && request.issuer.name !== rotation.issuerName;
    // Whoever comes back to what nobody watches is decided then.
    if ((turned || moved) && watches.size === 0) this.#held.remove(workload);
    else if (turned) rotation.renewNow();
    else if (moved) rotation.renewSoon();
  }
}

/** Another issuer, or one whose way up has a certificate that was not served: peers may be left without the way that was. */
function isServedAnew(next: Issuer, former: Issuer): boolean {
  return next.id !== former.id || next.chainPems.some((pem) => !former.chainPems.includes(pem));
}

/** Nothing is decided for a proof that is over: a stream that ended does not go on being given certificates. */
function demandProven(watcher: Watcher | undefined): Watcher {
  if (watcher === undefined) throw new AuthorityError('CAP-S09', { detail: 'its proof is over' });
  return watcher;
}
