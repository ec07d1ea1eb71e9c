// Signers that work, over an API server in memory and the real way of issuing.
import type { ReportedRefusal } from '../../../../src/ports/policy/refusal-reporter.ts';
import { certificateSigningRequests } from '../../../../src/adapters/kubernetes/signers/certificate-signing-requests.ts';
import { podCertificateRequests } from '../../../../src/adapters/kubernetes/signers/pod-certificate-requests.ts';
import { RequestSigner } from '../../../../src/adapters/kubernetes/signers/request-signer.ts';
import type { SigningKind } from '../../../../src/adapters/kubernetes/signers/signing-kind.ts';
import { WorkloadAttestation } from '../../../../src/authority/attestation/workload-attestation.ts';
import { signingAuthority } from '../../../../src/authority/surface/answer-signing-request.ts';
import type { KubernetesObject } from '../../../../src/domain/cluster/snapshot.ts';
import { kubernetesIdentity } from '../../../../src/domain/identity/kubernetes-identity.ts';
import { nameLimit } from '../../../../src/domain/policy/name-patterns.ts';
import { TEST_LIFETIMES, testParts, type TestParts } from '../../../support/authority-parts.ts';
import { good, TEST_TRUST_DOMAIN, type TestAuthority } from '../../../support/certificates.ts';
import { FakeAttestedClusters } from '../../../support/fakes/attested-clusters.ts';
import { FakeKubernetesApi } from '../../../support/fakes/kubernetes/fake-kubernetes-api.ts';
import { bundle, policySet, rule, WIDE } from '../../../support/policy/policies.ts';

export const ISTIOD = 'system:serviceaccount:istio-system:istiod';
export const WEB = 'spiffe://cluster.local/ns/shop/sa/web';
const DEADLINE_MS = 5_000;

/** Grants the namespace `shop` everything, also when istiod asks. */
export const RELAYED_POLICY = policySet(
  bundle({ rules: [rule({ bounds: { ...WIDE, impersonators: nameLimit(['istio-system/istiod']) } })] }),
);

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

export interface ReadStatus {
  readonly conditions?: readonly Condition[];
  readonly certificate?: string;
  readonly certificateChain?: string;
  readonly notBefore?: string;
  readonly notAfter?: string;
  readonly beginRefreshAt?: string;
}

export class Scene implements AsyncDisposable {
  readonly api = new FakeKubernetesApi();
  readonly #clusters = new FakeAttestedClusters();
  readonly workloads = this.#clusters.own;
  readonly parts: TestParts;
  readonly signer: RequestSigner;
  /** To the owners of who waits. */
  readonly reported: ReportedRefusal[] = [];
  #stop = new AbortController();
  readonly #requests: SigningKind;
  #running: Promise<void> = Promise.resolve();

  constructor(authority: TestAuthority, which: 'signing requests' | 'pod certificates') {
    this.parts = testParts(authority.material);
    this.parts.policies.swap(RELAYED_POLICY);
    const { clock, events, random } = this.parts;
    const requester = good(kubernetesIdentity(TEST_TRUST_DOMAIN, 'istio-system', 'istiod'));
    const signing = signingAuthority(
      { ...this.parts, attestation: new WorkloadAttestation({ clusters: this.#clusters, clock }) },
      { trustDomain: TEST_TRUST_DOMAIN, lifetimes: TEST_LIFETIMES, requesters: new Map([[ISTIOD, requester]]) },
    );
    this.#requests =
      which === 'signing requests'
        ? certificateSigningRequests({ authority: signing, clock })
        : podCertificateRequests({ authority: signing, trustDomain: TEST_TRUST_DOMAIN, clock });
    this.signer = new RequestSigner(
      {
        api: this.api,
        clock,
        events,
        random,
        cluster: 'test-1',
        requests: this.#requests,
        report: (refusal) => this.reported.push(refusal),
      },
      { issuerName: 'default', deadlineMs: DEADLINE_MS },
    );
  }

  start(): void {
    this.#running = this.signer.run({ signal: this.#stop.signal });
  }

  /** Leads no more, and leads again. */
  async leadAgain(): Promise<void> {
    await this[Symbol.asyncDispose]();
    this.#stop = new AbortController();
    this.start();
  }

  /** Lets time pass until what can be done now is done. */
  async settle(ms = 0): Promise<void> {
    // Issuing takes some turns of the event loop, which a fake clock does not wait for.
    for (let turn = 0; turn < 20; turn += 1) await this.parts.clock.advance(ms / 20);
  }

  /** Settles until `status` says something, for a moment of real time at most. */
  async answered(name: string, namespace?: string): Promise<ReadStatus> {
    for (let turn = 0; turn < 200; turn += 1) {
      const status = this.status(name, namespace);
      const final = status.certificate ?? status.certificateChain ?? status.conditions?.find(isFinal);
      if (final !== undefined) return status;
      await this.parts.clock.advance(0);
    }
    throw new Error(`${name} is not answered`);
  }

  status(name: string, namespace?: string): ReadStatus {
    return this.object(name, namespace)?.['status'] ?? {};
  }

  object(name: string, namespace?: string): KubernetesObject | undefined {
    return this.api.stored(this.#requests.kind, { name, ...(namespace !== undefined && { namespace }) });
  }

  get issued(): number {
    return this.parts.journal.records.filter(({ outcome }) => outcome === 'issued').length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}

function isFinal({ type }: Condition): boolean {
  return ['Failed', 'Denied', 'Issued'].includes(type);
}

/** The first certificate of a chain in PEM, and how many there are. */
export function pemsOf(chain: string): readonly string[] {
  return chain.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g) ?? [];
}
