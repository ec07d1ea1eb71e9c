// One revision of all policies: the bundle, and what clusters and namespaces add to it, indexed by
// namespace so that a decision walks only what can speak of its subject. Immutable.
import { hash } from 'node:crypto';
import type {
  CentralRule,
  ClusterFacts,
  ClusterIssuancePolicy,
  IssuancePolicy,
  LocalPolicy,
  PolicyBundle,
} from './documents.ts';
import { compareText, matchesAny } from './names.ts';

export interface PolicySetParts {
  readonly bundle: PolicyBundle;
  /** Hex SHA-256 of the bundle's canonical bytes. */
  readonly bundleDigest: string;
  /** Each with the hex SHA-256 of its canonical bytes. No two of one kind, namespace and name. */
  readonly local: readonly { readonly policy: LocalPolicy; readonly digest: string }[];
  readonly cluster: ClusterFacts;
}

/** What may speak of a namespace by its name; labels are still to be asked. */
export interface Candidates {
  readonly rules: readonly CentralRule[];
  readonly cluster: readonly ClusterIssuancePolicy[];
  readonly namespace: readonly IssuancePolicy[];
}

/** Namespaces whose candidates are remembered; the oldest make room. */
const MAX_REMEMBERED = 10_000;

export class PolicySet {
  /** First 16 hex digits of a SHA-256 over everything in it, whatever the order of files. */
  readonly revision: string;
  readonly bundle: PolicyBundle;
  readonly bundleDigest: string;
  readonly local: PolicySetParts['local'];
  readonly cluster: ClusterFacts;
  /** `name@sequence` */
  readonly bundleName: string;
  readonly #rules: readonly CentralRule[];
  readonly #clusterPolicies: readonly ClusterIssuancePolicy[];
  readonly #byNamespace: ReadonlyMap<string, readonly IssuancePolicy[]>;
  readonly #candidates = new Map<string, Candidates>();

  private constructor(parts: PolicySetParts) {
    const { bundle, cluster } = parts;
    this.bundle = bundle;
    this.bundleDigest = parts.bundleDigest;
    this.cluster = cluster;
    this.bundleName = `${bundle.name}@${bundle.sequence}`;
    this.local = [...parts.local].sort((a, b) => compareText(sortKey(a.policy), sortKey(b.policy)));
    this.revision = revisionOf(parts, this.local);
    const policies = this.local.map(({ policy }) => policy).filter(({ mode }) => mode !== 'off');
    this.#rules = bundle.rules
      .filter((rule) => rule.mode !== 'off' && matchesCluster(rule, cluster))
      .sort((a, b) => compareText(a.id, b.id));
    this.#clusterPolicies = policies.filter((policy) => policy.kind === 'ClusterIssuancePolicy');
    this.#byNamespace = Map.groupBy(
      policies.filter((policy) => policy.kind === 'IssuancePolicy'),
      ({ namespace }) => namespace,
    );
  }

  static of(parts: PolicySetParts): PolicySet {
    return new PolicySet(parts);
  }

  candidatesFor(namespace: string): Candidates {
    const known = this.#candidates.get(namespace);
    if (known !== undefined) return known;
    const named = (names: readonly string[] | undefined): boolean => names === undefined || matchesAny(names, namespace);
    const candidates = {
      rules: this.#rules.filter(({ match }) => named(match.namespaces.names)),
      cluster: this.#clusterPolicies.filter(({ namespaces }) => named(namespaces.names)),
      namespace: this.#byNamespace.get(namespace) ?? [],
    };
    if (this.#candidates.size >= MAX_REMEMBERED) this.#forgetOldest();
    this.#candidates.set(namespace, candidates);
    return candidates;
  }

  #forgetOldest(): void {
    for (const oldest of this.#candidates.keys()) {
      this.#candidates.delete(oldest);
      return;
    }
  }
}

/** What a local policy is called in decisions, and what it is sorted by. */
export function localName(policy: LocalPolicy): string {
  return policy.kind === 'IssuancePolicy' ? `${policy.namespace}/${policy.name}` : policy.name;
}

function sortKey(policy: LocalPolicy): string {
  return `${policy.kind} ${localName(policy)}`;
}

function matchesCluster({ match: { clusters } }: CentralRule, cluster: ClusterFacts): boolean {
  if (clusters.ids !== undefined && !matchesAny(clusters.ids, cluster.id)) return false;
  return Object.entries(clusters.labels ?? {}).every(([name, value]) => cluster.labels[name] === value);
}

function revisionOf({ bundleDigest, cluster }: PolicySetParts, local: PolicySetParts['local']): string {
  const labels = Object.entries(cluster.labels).sort(([a], [b]) => compareText(a, b));
  const parts = [bundleDigest, local.map(({ policy, digest }) => [sortKey(policy), digest]), cluster.id, labels];
  return hash('sha256', JSON.stringify(parts), 'hex').slice(0, 16);
}
