// Secrets of workloads that are served over SDS: one certificate per workload, shared by all its
// streams, with a key that lives in this process's memory only; and the trust bundle in force.
import { AuthorityError } from '../domain/errors.ts';
import type { Caller } from '../domain/identity/caller.ts';
import type { PolicyDecision } from '../domain/policy/decision.ts';
import { readPublicKey } from '../domain/x509/public-key.ts';
import type { LifetimeSettings } from '../domain/issuance/lifetime.ts';
import type { TrustBundle } from '../domain/trust/bundle.ts';
import type { Authenticator } from '../ports/authenticator.ts';
import type { ClusterView } from '../ports/cluster-view.ts';
import type { GeneratedKeyType, KeyGenerator } from '../ports/key-generator.ts';
import type { PolicySource } from '../ports/policy-source.ts';
import { authenticate } from './authenticate.ts';
import { Decision } from './decision.ts';
import { issueForWorkload, type IssuingParts } from './issue-certificate.ts';
import type { Question } from './policy-judgement.ts';
import { LatestValue } from './latest-value.ts';
import type { SvidState, WorkloadSecrets, WorkloadSvid } from './surface.ts';
import { SvidRotation, type RotationSettings } from './svid-rotation.ts';

export interface SecretsParts extends IssuingParts {
  readonly authenticators: readonly Authenticator[];
  readonly keys: KeyGenerator;
  readonly policies: Pick<PolicySource, 'onChange'>;
  readonly cluster: Pick<ClusterView, 'onChange'>;
}

export interface SecretsSettings extends RotationSettings {
  readonly lifetimes: LifetimeSettings;
  readonly keyType: GeneratedKeyType;
  /** Most identities held at once; one more is answered with CAP-Q01. */
  readonly maxIdentities: number;
}

interface Held {
  readonly caller: Caller;
  readonly state: LatestValue<SvidState>;
  readonly rotation: SvidRotation;
}

export class SharedWorkloadSecrets implements WorkloadSecrets {
  readonly #parts: SecretsParts;
  readonly #settings: SecretsSettings;
  readonly #held = new Map<string, Held>();
  readonly #bundle = new LatestValue<TrustBundle>();
  #lifetime: AbortSignal = AbortSignal.abort();

  constructor(parts: SecretsParts, settings: SecretsSettings) {
    this.#parts = parts;
    this.#settings = settings;
  }

  /** Begins to follow issuer, anchor and policy changes; everything ends with the signal. */
  start({ signal }: { readonly signal: AbortSignal }): void {
    this.#lifetime = signal;
    const { issuers, policies, cluster } = this.#parts;
    let material = issuers.current();
    this.#bundle.set(material.bundle);
    issuers.onChange(
      (next) => {
        if (next.bundle.digest !== material.bundle.digest) this.#bundle.set(next.bundle);
        if (next.signing.issuer.id !== material.signing.issuer.id) this.#renewAllSoon();
        material = next;
      },
      { signal },
    );
    policies.onChange(() => this.#askAgain(() => true), { signal });
    // What the cluster takes away shows at the next renewal, in the grace that policy gives; what it allows
    // shows at once.
    cluster.onChange(() => this.#askAgain(({ rotation }) => rotation.undecided || rotation.withheld), { signal });
  }

  async authenticate(
    ...[presented, options]: Parameters<WorkloadSecrets['authenticate']>
  ): ReturnType<WorkloadSecrets['authenticate']> {
    return Decision.make(this.#parts, 'sds', presented.remoteAddress, async () =>
      authenticate(this.#parts.authenticators, presented, options),
    );
  }

  watchBundle(options: { readonly signal: AbortSignal }): AsyncIterable<TrustBundle> {
    return this.#bundle.watch(options);
  }

  watchSvid(
    caller: Caller,
    remoteAddress: string,
    options: { readonly signal: AbortSignal },
  ): AsyncIterable<SvidState> {
    return this.#hold(caller, remoteAddress).state.watch(options);
  }

  #hold(caller: Caller, remoteAddress: string): Held {
    const key = keyOf(caller);
    const held = this.#held.get(key);
    if (held !== undefined) return held;
    if (this.#held.size >= this.#settings.maxIdentities) {
      throw new AuthorityError('CAP-Q01', { detail: 'too many identities are held for SDS' });
    }
    const state = new LatestValue<SvidState>();
    const issue = async (options: { readonly signal: AbortSignal }): Promise<WorkloadSvid> =>
      this.#issue(caller, remoteAddress, options);
    const rotation = new SvidRotation(state, { ...this.#parts, issue }, this.#settings);
    const fresh = { caller, state, rotation };
    this.#held.set(key, fresh);
    void rotation.run({ signal: this.#lifetime }).then(() => this.#held.delete(key));
    return fresh;
  }

  async #issue(
    caller: Caller,
    remoteAddress: string,
    options: { readonly signal: AbortSignal },
  ): Promise<WorkloadSvid> {
    const { identity } = caller;
    return Decision.make(this.#parts, 'sds', remoteAddress, async (decision) => {
      decision.provenBy(caller);
      const { spki, privateKeyPem } = await this.#parts.keys.generate(this.#settings.keyType);
      const publicKey = readPublicKey(spki);
      const { certificate } = await issueForWorkload(
        this.#parts,
        this.#settings.lifetimes,
        decision,
        { caller, identity, publicKey, requestedMs: 0 },
        options,
      );
      return {
        identity: identity.spiffeId,
        certificateChainPem: certificate.pem + certificate.issuer.chainPems.join(''),
        privateKeyPem,
        serial: certificate.serial,
        notBeforeMs: certificate.notBeforeMs,
        notAfterMs: certificate.notAfterMs,
      };
    });
  }

  #renewAllSoon(): void {
    for (const { rotation } of this.#held.values()) rotation.renewSoon();
  }

  /** A new policy may allow what was withheld, or refuse what is held: either is decided afresh. */
  #askAgain(concerns: (held: Held) => boolean): void {
    const { keyType } = this.#settings;
    const publicKey = { family: keyType, keyType };
    for (const held of this.#held.values()) {
      if (!concerns(held)) continue;
      const { caller, rotation } = held;
      // What is being decided may be decided by what has just changed: it is asked once more.
      if (rotation.undecided) rotation.renewNow();
      else if (this.#outcomeFor(caller, publicKey) === (rotation.withheld ? 'approved' : 'refused'))
        rotation.renewNow();
    }
  }

  #outcomeFor(caller: Caller, publicKey: Question['publicKey']): PolicyDecision['outcome'] {
    const question = { caller, identity: caller.identity, publicKey, requestedMs: 0 };
    try {
      return this.#parts.judgement.judgeNow(question).outcome;
    } catch {
      // The history cannot be read just now; the next renewal asks for itself.
      return 'unavailable';
    }
  }
}

/** All that policy may judge a caller by: what one pod may have, another of its identity may not. */
function keyOf({ identity, provenBy, evidence, pod }: Caller): string {
  return JSON.stringify([identity.spiffeId.uri, provenBy, evidence, pod?.podName, pod?.podUid, pod?.nodeName]);
}
