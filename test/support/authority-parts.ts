// The ports of the CA, faked: a journal that can be made to fail, a policy and an issuer that can be
// swapped, callers who are who they say.
import { AuthorityError } from '../../src/domain/errors.ts';
import type { Caller } from '../../src/domain/identity/caller.ts';
import { kubernetesIdentity } from '../../src/domain/identity/kubernetes-identity.ts';
import type { PolicySet } from '../../src/domain/policy/policy-set.ts';
import type { CurrentCertificate } from '../../src/domain/policy/request.ts';
import type { TrustBundle } from '../../src/domain/trust/bundle.ts';
import type { TrialMaterial } from '../../src/authority/trust/issuer-trial.ts';
import { NO_ATTESTATION, type Attestation } from '../../src/authority/attestation/attestation.ts';
import { IssuerChooser } from '../../src/authority/issuing/choose-issuer.ts';
import { RefusalRecords } from '../../src/authority/issuing/refusal-records.ts';
import { currentCertificateOf } from '../../src/adapters/storage/records.ts';
import { NamespaceTurns } from '../../src/authority/issuing/namespace-turns.ts';
import { PolicyJudgement } from '../../src/authority/issuing/policy-judgement.ts';
import type { IssuingParts } from '../../src/authority/issuing/issue-certificate.ts';
import type { Authenticator, PresentedCredentials } from '../../src/ports/issuing/authenticator.ts';
import type { DecisionRecord, IssuanceJournal } from '../../src/ports/storage/issuance-journal.ts';
import type { Issuers, IssuerState, NamedIssuer } from '../../src/ports/issuing/issuers.ts';
import type { TrustAnchors } from '../../src/ports/issuing/trust-anchors.ts';
import type { CurrentCertificates } from '../../src/ports/storage/current-certificates.ts';
import type { LeafNames, LeafRecord, LeafRecords } from '../../src/ports/storage/issuance-history.ts';
import type { FederatedBundles } from '../../src/ports/issuing/federated-bundles.ts';
import type { PolicyChange, PolicySource } from '../../src/ports/policy/policy-source.ts';
import { FakeQuotaCounters } from './fakes/quota-counters.ts';
import type { Tracer } from '../../src/ports/platform/tracer.ts';
import { good, TEST_TRUST_DOMAIN } from './certificates.ts';
import { FakeBans } from '../authority/revocation/fake-bans.ts';
import { FakeClock } from './fakes/fake-clock.ts';
import { FakeCluster } from './policy/fake-cluster.ts';
import { bundle, policySet, rule } from './policy/policies.ts';
import { recordEvents, type RecordedEvents } from './fakes/recorded-events.ts';
import { SeededRandom } from './fakes/seeded-random.ts';

const HOUR_MS = 3_600_000;

export const TEST_LIFETIMES = {
  defaultMs: HOUR_MS,
  maxMs: 24 * HOUR_MS,
  minMs: 10_000,
  backdateMs: 60_000,
  jitterPercent: 0,
};

/** Allows every service account of `default`, with any key. */
export const TEST_POLICY = policySet(bundle({ rules: [rule({ match: { namespaces: { names: ['default'] } } })] }));

export class FakeJournal implements IssuanceJournal {
  readonly records: DecisionRecord[] = [];
  failing = false;

  append(record: DecisionRecord): Promise<boolean> {
    if (this.failing) return Promise.reject(new AuthorityError('CAP-S04'));
    this.records.push(record);
    return Promise.resolve(true);
  }
}

/** A value that tells its listeners when a test changes it. */
class Swappable<T> {
  value: T;
  readonly #listeners = new Set<(value: T) => void>();

  constructor(value: T) {
    this.value = value;
  }

  current(): T {
    return this.value;
  }

  onChange(listener: (value: T) => void): void {
    this.#listeners.add(listener);
  }

  swap(value: T): void {
    this.value = value;
    for (const listener of this.#listeners) listener(value);
  }
}

class FakePolicies implements PolicySource {
  /** When bundles were judged last. */
  latestMs = 0;
  readonly #inForce: Swappable<PolicySet>;

  constructor(policies: PolicySet) {
    this.#inForce = new Swappable(policies);
  }

  current(): PolicySet {
    return this.#inForce.current();
  }

  onChange(listener: (change: PolicyChange) => void): void {
    let former = this.current();
    this.#inForce.onChange((policies) => {
      const before = former;
      former = policies;
      listener((namespace) => before.versionFor(namespace) !== policies.versionFor(namespace));
    });
  }

  /** Without telling anybody. */
  set value(policies: PolicySet) {
    this.#inForce.value = policies;
  }

  swap(policies: PolicySet): void {
    this.#inForce.swap(policies);
  }

  policyBundleTimeMs(): number {
    return this.latestMs;
  }
}

export const fakePolicies = (policies: PolicySet = TEST_POLICY): FakePolicies => new FakePolicies(policies);

/** The issuer `default` with the trust anchors, and others that a test adds. */
export class FakeIssuers implements Issuers {
  readonly anchors: TrustAnchors;
  readonly #material: Swappable<TrialMaterial>;
  readonly #named: [NamedIssuer, ...NamedIssuer[]];
  readonly #listeners = new Set<(name: string) => void>();

  constructor(material: TrialMaterial) {
    this.#material = new Swappable(material);
    this.#named = [namedIssuer('default', readyState(material))];
    this.anchors = {
      partialAnchors: material.partialAnchors,
      current: () => this.#material.value.bundle,
      onChange: (listener) => this.#material.onChange(({ bundle: anchors }) => listener(anchors)),
    };
  }

  all(): readonly [NamedIssuer, ...NamedIssuer[]] {
    return [...this.#named];
  }

  onChange(listener: (name: string) => void): void {
    this.#listeners.add(listener);
  }

  /** Without telling anybody. */
  set value(material: TrialMaterial) {
    this.#material.value = material;
    this.#named[0] = namedIssuer('default', readyState(material));
  }

  /** Another state of the default issuer, and the anchors that come with it. */
  swap(material: TrialMaterial): void {
    this.value = material;
    for (const listener of this.#listeners) listener('default');
    this.#material.swap(material);
  }

  /** An issuer under a name: a new one comes last. */
  put(name: string, state: IssuerState, maxTtlMs = Infinity): void {
    const index = this.#named.findIndex((one) => one.name === name);
    this.#named[index < 0 ? this.#named.length : index] = namedIssuer(name, state, maxTtlMs);
    for (const listener of this.#listeners) listener(name);
  }
}

export function readyState({ issuer, signer }: Pick<TrialMaterial, 'issuer' | 'signer'>): IssuerState {
  return { kind: 'ready', issuer, signer };
}

function namedIssuer(name: string, state: IssuerState, maxTtlMs = Infinity): NamedIssuer {
  return { name, custody: 'file', bounds: { maxTtlMs }, state };
}

export const fakeIssuers = (material: TrialMaterial): FakeIssuers => new FakeIssuers(material);

export const fakeFederated = (
  bundles: readonly TrustBundle[] = [],
): FederatedBundles & Swappable<readonly TrustBundle[]> => new Swappable(bundles);

export const noTracer: Tracer = { span: async (_name, work) => work() };

/** What a journal has, and what a test says was issued before. */
export class FakeCurrentCertificates implements CurrentCertificates {
  readonly before = new Map<string, CurrentCertificate>();
  readonly #journal: FakeJournal | undefined;

  constructor(journal?: FakeJournal) {
    this.#journal = journal;
  }

  async currentCertificateOf(identity: string, nowMs: number): Promise<CurrentCertificate | undefined> {
    const newest = this.#journal?.records.findLast(
      (record) => record.outcome === 'issued' && record.identity === identity && record.notAfterMs > nowMs,
    );
    return newest?.outcome === 'issued' ? currentCertificateOf(newest) : this.before.get(identity);
  }
}

/** Knows of every leaf what a test says, whoever issued it. */
export class FakeLeafRecords implements LeafRecords {
  readonly asked: LeafNames[] = [];
  known: LeafRecord | undefined;

  constructor(issuer: string, provenAtMs: number) {
    this.known = { issuer, lineage: { id: 'first', provenAtMs } };
  }

  async recordOf(leaf: LeafNames): Promise<LeafRecord | undefined> {
    this.asked.push(leaf);
    return this.known;
  }
}

export const TEST_JUDGEMENT = { maxWaitMs: 4_000, maxWaiting: 2 };

export const TEST_TURNS = { atOnce: 100, waitingEach: 100, maxWaitMs: 4_000 };

export interface TestParts extends IssuingParts {
  readonly attestation: Attestation;
  readonly journal: FakeJournal;
  readonly clock: FakeClock;
  readonly events: RecordedEvents;
  readonly policies: ReturnType<typeof fakePolicies>;
  readonly clusters: FakeCluster;
  readonly currentCertificates: FakeCurrentCertificates;
  readonly quotas: FakeQuotaCounters;
  readonly revocations: FakeBans;
  readonly issuers: ReturnType<typeof fakeIssuers>;
  readonly federated: ReturnType<typeof fakeFederated>;
}

export function testParts(material: TrialMaterial): TestParts {
  const issuers = fakeIssuers(material);
  const journal = new FakeJournal();
  const clock = new FakeClock();
  const asked = {
    policies: fakePolicies(),
    clusters: new FakeCluster(),
    currentCertificates: new FakeCurrentCertificates(journal),
    quotas: new FakeQuotaCounters(),
    issuers,
    anchors: issuers.anchors,
    chooser: new IssuerChooser(issuers),
    clock,
  };
  const judgement = new PolicyJudgement(asked, TEST_JUDGEMENT);
  judgement.start({ signal: NEVER });
  const events = recordEvents();
  const turns = new NamespaceTurns({ clock: asked.clock, events }, TEST_TURNS);
  return {
    ...asked,
    cluster: 'default',
    judgement,
    attestation: NO_ATTESTATION,
    revocations: new FakeBans(clock),
    turns,
    journal,
    events,
    federated: fakeFederated(),
    refusals: new RefusalRecords({ journal, events, clock: asked.clock }),
    random: new SeededRandom(),
    tracer: noTracer,
  };
}

export function testCaller(namespace = 'default', serviceAccount = 'demo'): Caller {
  const identity = good(kubernetesIdentity(TEST_TRUST_DOMAIN, namespace, serviceAccount));
  return { identity, authenticationMethod: 'token', credentialId: 'https://issuer.test' };
}

/** Takes everybody for `caller`. */
export function trusting(caller: Caller): Authenticator {
  return { authenticate: () => Promise.resolve({ outcome: 'authenticated', caller }) };
}

export const PRESENTED: PresentedCredentials = { authorization: [], remoteAddress: '127.0.0.1:40000' };
export const NEVER = new AbortController().signal;

/** The refusal that `work` ends with. */
export async function refusalOf(work: Promise<unknown>): Promise<AuthorityError> {
  const error: unknown = await work.then(
    () => new Error('nothing was refused'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof AuthorityError)) throw error;
  return error;
}
