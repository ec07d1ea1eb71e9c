// Asks policy on behalf of a request: has its issuer chosen, puts the question together, holds a first request for a moment
// when its condition may still become true, counts quotas. The verdict itself is the domain's. It imports much because
// all that stands around a verdict is called from here.
import type { Caller } from '../../domain/identity/caller.ts';
import type { KubernetesIdentity } from '../../domain/identity/kubernetes-identity.ts';
import { quotasToCount } from '../../domain/policy/evaluation/applicable.ts';
import type { PolicyDecision } from '../../domain/policy/policy-decision.ts';
import { evaluate } from '../../domain/policy/evaluation/evaluate.ts';
import type { PolicySet } from '../../domain/policy/policy-set.ts';
import type { CurrentCertificate, PolicyRequest } from '../../domain/policy/request.ts';
import type { PodName } from '../../domain/policy/subject-pods.ts';
import { concerns, type ClusterChange } from '../../domain/cluster/cluster-change.ts';
import type { ClusterSnapshot } from '../../domain/cluster/snapshot.ts';
import { outlook, type Moment, type Outlook } from '../../domain/policy/evaluation/standstill.ts';
import type { ChosenIssuer } from '../../domain/issuance/chosen-issuer.ts';
import type { SubjectPublicKey } from '../../domain/x509/public-key.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { ClusterViews } from '../../ports/policy/cluster-views.ts';
import type { CurrentCertificates } from '../../ports/storage/current-certificates.ts';
import type { QuotaCounters } from '../../ports/storage/quota-counters.ts';
import type { PolicySource } from '../../ports/policy/policy-source.ts';
import type { IssuerChooser } from './choose-issuer.ts';
import { countIssuance } from './quotas.ts';
import { RefusalMemory } from './refusal-memory.ts';
import { WaitingRequests } from './waiting-requests.ts';

export interface JudgementParts {
  readonly policies: PolicySource;
  readonly clusters: ClusterViews;
  readonly currentCertificates: CurrentCertificates;
  readonly quotas: QuotaCounters;
  readonly chooser: IssuerChooser;
  readonly clock: Clock;
}

export interface JudgementSettings {
  /** Longest that a request is held, in ms, whatever policies say: it must end before the request's own time does. */
  readonly maxWaitMs: number;
  /** Most requests held at once; one more is answered at once. */
  readonly maxWaiting: number;
}

export interface Question {
  readonly caller: Caller;
  readonly identity: KubernetesIdentity;
  /** The pods that will have the certificate, where the caller asks for others. */
  readonly pods?: readonly PodName[];
  readonly publicKey: Pick<SubjectPublicKey, 'family' | 'bits'>;
  /** Zero or less asks for the default. */
  readonly requestedMs: number;
  /** Beside the SPIFFE ID; absent for none. */
  readonly dnsNames?: readonly string[];
  /** The only issuer that may sign, where the request names one. */
  readonly issuerName?: string;
}

export class PolicyJudgement {
  readonly #parts: JudgementParts;
  readonly #settings: JudgementSettings;
  readonly #refusals: RefusalMemory;
  readonly #waiting: WaitingRequests;

  constructor(parts: JudgementParts, settings: JudgementSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#refusals = new RefusalMemory(parts.clock);
    this.#waiting = new WaitingRequests(parts.clock, settings.maxWaiting);
  }

  /** Begins to follow policies and cluster, so that a change wakes the requests that wait for it. */
  start(options: { readonly signal: AbortSignal }): void {
    const { policies, clusters } = this.#parts;
    policies.onChange((change) => this.#waiting.wake(({ namespace }) => change(namespace)), options);
    clusters.onChange((change, remoteCluster) => {
      const isConcerned = this.concernedBy(change);
      this.#waiting.wake((waiting) => waiting.remoteCluster === remoteCluster && isConcerned(waiting.namespace));
    }, options);
  }

  /** @returns whether a change of the cluster may change a decision for subjects of a namespace. Never throws. */
  concernedBy(change: ClusterChange): (namespace: string) => boolean {
    const policies = this.#policiesInForce();
    return (namespace) => policies === undefined || concerns(change, policies.dependenciesFor(namespace));
  }

  /**
   * @param options.onHold called when the request is held for what may still become true: it needs nobody's time then.
   * @returns the decision; it may be a refusal.
   * @throws AuthorityError `not_ready` (CAP-S02) before policies are loaded; the signal's reason when it aborts.
   */
  async judge(
    question: Question,
    { signal, onHold }: { readonly signal: AbortSignal; readonly onHold?: () => void },
  ): Promise<PolicyDecision> {
    const asked = this.#ask(question);
    const known = this.#refusals.empty ? undefined : this.#refusals.recall(questionKey(asked));
    if (known !== undefined) return known;
    const first = await this.#decide(question, asked, { signal });
    if (first.last.outcome !== 'refused') return first.last;
    const { last, of } = await this.#whileWaiting(question, first, signal, onHold);
    if (last.outcome === 'refused') this.#refusals.remember(questionKey(of), last);
    return last;
  }

  /** The decision at this moment on a first request, whatever the identity has. */
  judgeFirst(question: Question): PolicyDecision {
    const { policies, snapshot, request } = this.#ask(question);
    return evaluate(policies, request, snapshot);
  }

  /** The decision at this moment, without waiting for it to become another. */
  async judgeNow(question: Question, options: { readonly signal: AbortSignal }): Promise<PolicyDecision> {
    return (await this.#decide(question, this.#ask(question), options)).last;
  }

  /**
   * Why nobody, or nobody new, would be given a certificate by each issuer now, whoever asked; nothing where somebody would.
   * The default issuer is the first; of the others only those that can sign.
   * @throws AuthorityError `not_ready` (CAP-S02) before policies are loaded.
   */
  outlooks(): readonly (Outlook | undefined)[] {
    const policies = this.#parts.policies.current();
    const nowMs = this.#parts.clock.nowMs();
    return this.#parts.chooser
      .each(nowMs)
      .filter(({ unavailable }, index) => index === 0 || unavailable === undefined)
      .map((issuer) => outlook(policies, this.#moment(issuer, nowMs)));
  }

  /** Counts a certificate that is about to be signed. @throws AuthorityError CAP-Q03, CAP-Q04; as `QuotaCounters`. */
  async count(decision: PolicyDecision, options: { readonly signal: AbortSignal }): Promise<void> {
    const { quotas, policies } = this.#parts;
    await countIssuance(quotas, decision.request.subject, quotasToCount(policies.current(), decision), options);
  }

  async #whileWaiting(
    question: Question,
    first: Answered,
    signal: AbortSignal,
    onHold: (() => void) | undefined,
  ): Promise<Answered> {
    const { clock } = this.#parts;
    const deadlineMs = clock.monotonicMs() + Math.min(first.last.waitMs, this.#settings.maxWaitMs);
    let answered = first;
    const { namespace, spiffeId } = question.identity;
    const subject = { namespace, identity: spiffeId.uri, remoteCluster: question.caller.remoteCluster };
    while (isWorthWaiting(answered.last) && this.#waiting.hasRoomFor(subject)) {
      const leftMs = deadlineMs - clock.monotonicMs();
      if (leftMs <= 0) break;
      onHold?.();
      // What changed while it was decided would wake nobody.
      if (this.#isInForce(answered.of)) await this.#waiting.changeWithin(leftMs, subject, { signal });
      signal.throwIfAborted();
      answered = await this.#decide(question, this.#ask(question), { signal });
    }
    return answered;
  }

  #ask(question: Question): Asked {
    const { policies: source, clusters } = this.#parts;
    const [policies, snapshot] = [source.current(), clusters.of(question.caller.remoteCluster).current()];
    return { policies, snapshot, request: this.#requestOf(question, policies, snapshot) };
  }

  #policiesInForce(): PolicySet | undefined {
    try {
      return this.#parts.policies.current();
    } catch {
      // None are loaded yet, so that every subject counts as concerned; the first that are loaded wake all again.
      return undefined;
    }
  }

  #isInForce({ policies, snapshot, request }: Asked): boolean {
    const { namespace, remoteCluster } = request.subject;
    const now = { policies: this.#parts.policies.current(), cluster: this.#parts.clusters.of(remoteCluster).current() };
    return (
      policies.versionFor(namespace) === now.policies.versionFor(namespace) && snapshot.version === now.cluster.version
    );
  }

  async #decide(question: Question, asked: Asked, options: { readonly signal: AbortSignal }): Promise<Answered> {
    const first = { last: judged(asked), of: asked };
    if (first.last.outcome === 'approved') return first;
    // What the identity has already matters only to what would otherwise be refused.
    const currentCertificate = await this.#currentCertificateOf(asked.request, options);
    if (currentCertificate === undefined && this.#isInForce(asked)) return first;
    // To find it may have taken a while: what is in force now decides, not what was in force before.
    const of = this.#ask(question);
    return { last: judged(of, currentCertificate), of };
  }

  /** Who is of a remote cluster never renews here: what an identity has is known of the server's own cluster. */
  async #currentCertificateOf(
    { nowMs, subject: { spiffeId, remoteCluster } }: PolicyRequest,
    options: { readonly signal: AbortSignal },
  ): Promise<CurrentCertificate | undefined> {
    if (remoteCluster !== undefined) return undefined;
    return this.#parts.currentCertificates.currentCertificateOf(spiffeId, nowMs, options);
  }

  #requestOf(question: Question, policies: PolicySet, snapshot: ClusterSnapshot): PolicyRequest {
    const { caller, identity, publicKey, requestedMs, pods, dnsNames = [], issuerName } = question;
    const { namespace, serviceAccount, trustDomain, spiffeId } = identity;
    const relayed = !caller.identity.spiffeId.equals(spiffeId);
    const { remoteCluster } = caller;
    const names = { trustDomain, namespace, serviceAccount, spiffeId: spiffeId.uri };
    const subject = { ...names, ...(remoteCluster !== undefined && { remoteCluster }) };
    const { clock, chooser, clusters } = this.#parts;
    const nowMs = clock.nowMs();
    const clusterStaleMs = Math.round(clusters.of(remoteCluster).staleMs());
    const claims = {
      authenticationMethod: caller.authenticationMethod,
      credentialId: caller.credentialId,
      ...caller.pod,
    };
    const asking = {
      subject,
      claims,
      ...(pods && { pods: pods.map(({ name, uid }) => ({ name, ...(uid !== undefined && { uid }) })) }),
    };
    const chosen =
      issuerName === undefined ? chooser.choose(policies, asking, snapshot, nowMs) : chooser.named(issuerName, nowMs);
    return {
      ...asking,
      ...(relayed && { actor: `${caller.identity.namespace}/${caller.identity.serviceAccount}` }),
      key: { type: publicKey.family, bits: publicKey.bits },
      requestedTtlMs: Math.max(0, requestedMs),
      dnsNames,
      ...(clusterStaleMs > 0 && { clusterStaleMs }),
      ...this.#moment(chosen, nowMs),
    };
  }

  #moment(issuer: ChosenIssuer, nowMs: number): Moment {
    // A clock that is set back brings no expired bundle back to life. Everything else is judged by the clock.
    const policyBundleTimeMs = this.#parts.policies.policyBundleTimeMs();
    return { issuer, nowMs, ...(policyBundleTimeMs > nowMs && { policyBundleTimeMs }) };
  }
}

/** Everything that a decision depends on, at one moment. */
interface Asked {
  readonly policies: PolicySet;
  readonly snapshot: ClusterSnapshot;
  readonly request: PolicyRequest;
}

interface Answered {
  readonly last: PolicyDecision;
  readonly of: Asked;
}

function judged({ policies, snapshot, request }: Asked, currentCertificate?: CurrentCertificate): PolicyDecision {
  return evaluate(policies, { ...request, ...(currentCertificate && { currentCertificate }) }, snapshot);
}

function isWorthWaiting({ outcome, waitMs }: PolicyDecision): boolean {
  return outcome === 'refused' && waitMs > 0;
}

/**
 * Everything that a refusal depends on, but the time: a grace that ends meanwhile is noticed a moment later. Of the cluster
 * only the namespaces that policy may look at for this subject.
 */
function questionKey({ policies, snapshot, request }: Asked): string {
  const { subject, actor, pods, key, requestedTtlMs, dnsNames, claims, issuer } = request;
  const asker = [subject.spiffeId, subject.remoteCluster, actor, pods, claims];
  const asked = [asker, key, requestedTtlMs, dnsNames, issuer.name, issuer.unavailable, issuer.anchors];
  const namespaces = [...policies.dependenciesFor(subject.namespace).keys()];
  const versions = namespaces.map((namespace) => snapshot.versions.of(namespace));
  return JSON.stringify([...asked, policies.versionFor(subject.namespace), versions]);
}
