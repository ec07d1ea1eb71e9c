// One revision of all policies: the bundle, and what cluster and namespaces add to it, indexed by
// namespace so that a decision evaluates only what can apply to its subject. Immutable to its users.
import { hash } from 'node:crypto';
import { Recent } from '../bounded/recent.ts';
import type { CentralRule, ClusterFacts, IssuancePolicy, LocalPolicy, PolicyBundle } from './documents.ts';
import { matchesAny } from './name-patterns.ts';
import type { KindsByNamespace } from '../cluster/cluster-change.ts';
import { compareText } from '../text/compare-text.ts';
import { dependenciesOf } from './evaluation/dependencies.ts';
import { localName, statementOfLocal, statementOfRule, type PolicyStatement } from './evaluation/statement.ts';

/** Whose local policies nobody could read, not even as they once were, and why: what they say is not known. */
export interface MissingPolicies {
  /** Of the cluster layer, which applies to every namespace. */
  readonly cluster?: string;
  readonly namespaces: ReadonlyMap<string, string>;
}

export interface PolicySetParts {
  readonly bundle: PolicyBundle;
  /** Hex SHA-256 of the bundle's canonical bytes. */
  readonly bundleDigest: string;
  /** Each with the hex SHA-256 of its canonical bytes. Owners may call two policies the same; both apply. */
  readonly local: readonly { readonly policy: LocalPolicy; readonly digest: string }[];
  readonly cluster: ClusterFacts;
  /** Absent, nothing is missing. */
  readonly missing?: MissingPolicies;
}

const NOTHING_MISSING: MissingPolicies = { namespaces: new Map() };

/** Namespaces whose statements are remembered. */
const MAX_REMEMBERED = 10_000;

export class PolicySet {
  /** First 16 hex digits of a SHA-256 over everything in it, whatever the order of files. */
  readonly revision: string;
  readonly bundle: PolicyBundle;
  readonly bundleDigest: string;
  /** By kind, namespace and name. */
  readonly local: PolicySetParts['local'];
  readonly cluster: ClusterFacts;
  readonly missing: MissingPolicies;
  /** `name@sequence` */
  readonly bundleName: string;
  /** For everybody, whatever the namespace's name. */
  readonly #wide: readonly PolicyStatement[];
  readonly #byNamespace: ReadonlyMap<string, readonly PolicyStatement[]>;
  /** Over what is the same for every namespace. */
  readonly #wideVersion: string;
  /** Digests of the namespace's own policies. */
  readonly #ownVersions: ReadonlyMap<string, string>;
  readonly #remembered = new Recent<readonly PolicyStatement[]>(MAX_REMEMBERED);
  readonly #dependencies = new Recent<KindsByNamespace>(MAX_REMEMBERED);

  private constructor(parts: PolicySetParts) {
    const { bundle, cluster } = parts;
    this.bundle = bundle;
    this.bundleDigest = parts.bundleDigest;
    this.cluster = cluster;
    this.missing = parts.missing ?? NOTHING_MISSING;
    this.bundleName = `${bundle.name}@${bundle.sequence}`;
    this.local = [...parts.local].sort(
      (a, b) => compareText(sortKey(a.policy), sortKey(b.policy)) || compareText(a.digest, b.digest),
    );
    this.revision = revisionOf(parts, this.local);
    const [own, wide] = [this.local.filter(isNamespaced), this.local.filter((one) => !isNamespaced(one))];
    this.#wideVersion = revisionOf({ ...parts, missing: NOTHING_MISSING }, wide);
    const digests = Map.groupBy(own, ({ policy }) => policy.namespace);
    this.#ownVersions = new Map(
      [...digests].map(([namespace, some]) => [namespace, JSON.stringify(some.map(namesOf))]),
    );
    const rules = bundle.rules.filter((rule) => rule.mode !== 'off' && matchesCluster(rule, cluster));
    const policies = this.local.map(({ policy }) => policy).filter(({ mode }) => mode !== 'off');
    this.#wide = [
      ...[...rules].sort((a, b) => compareText(a.id, b.id)).map((rule) => statementOfRule(bundle, rule)),
      ...policies.filter(({ kind }) => kind === 'ClusterIssuancePolicy').map(statementOfLocal),
    ];
    const namespaced = policies.filter((policy) => policy.kind === 'IssuancePolicy');
    const groups = Map.groupBy(namespaced, ({ namespace }) => namespace);
    this.#byNamespace = new Map([...groups].map(([namespace, own]) => [namespace, own.map(statementOfLocal)]));
  }

  static of(parts: PolicySetParts): PolicySet {
    return new PolicySet(parts);
  }

  /** Why it is not known what local policies say of a namespace; nothing when all of them are here. */
  missingFor(namespace: string): string | undefined {
    return this.missing.cluster ?? this.missing.namespaces.get(namespace);
  }

  /**
   * Stands for all that the policies say of a namespace: what one namespace writes for itself changes no other's. Two sets of
   * one version decide alike for its subjects.
   */
  versionFor(namespace: string): string {
    return JSON.stringify([this.#wideVersion, this.#ownVersions.get(namespace), this.missingFor(namespace)]);
  }

  /** Of all namespaces: the bundle's rules first, then policies of the cluster, then those of namespaces. */
  *statements(): Generator<PolicyStatement, void, void> {
    yield* this.#wide;
    for (const own of this.#byNamespace.values()) yield* own;
  }

  /** What may apply to a namespace by its name, in the order of layer and name; labels and subjects are judged later. */
  statementsFor(namespace: string): readonly PolicyStatement[] {
    const known = this.#remembered.get(namespace);
    if (known !== undefined) return known;
    const statements = [
      ...this.#wide.filter(({ namespaces }) => namespaces === undefined || matchesAny(namespaces, namespace)),
      ...(this.#byNamespace.get(namespace) ?? []),
    ];
    this.#remembered.set(namespace, statements);
    return statements;
  }

  /** Which objects of the cluster a decision for a subject of a namespace may look at. */
  dependenciesFor(namespace: string): KindsByNamespace {
    const known = this.#dependencies.get(namespace);
    if (known !== undefined) return known;
    const dependencies = dependenciesOf(this.statementsFor(namespace), this.bundle, namespace);
    this.#dependencies.set(namespace, dependencies);
    return dependencies;
  }
}

type Local = PolicySetParts['local'][number];

function isNamespaced(one: Local): one is Local & { readonly policy: IssuancePolicy } {
  return one.policy.kind === 'IssuancePolicy';
}

function namesOf({ policy, digest }: Local): readonly string[] {
  return [sortKey(policy), digest];
}

function sortKey(policy: LocalPolicy): string {
  return `${policy.kind} ${localName(policy)}`;
}

/** Whether a rule is for this cluster. */
export function matchesCluster({ match: { clusters } }: CentralRule, cluster: ClusterFacts): boolean {
  if (clusters.ids !== undefined && !matchesAny(clusters.ids, cluster.id)) return false;
  return Object.entries(clusters.labels ?? {}).every(([name, value]) => cluster.labels[name] === value);
}

function revisionOf({ bundleDigest, cluster, missing }: PolicySetParts, local: PolicySetParts['local']): string {
  const labels = Object.entries(cluster.labels).sort(([a], [b]) => compareText(a, b));
  const parts = [bundleDigest, local.map(namesOf), cluster.id, labels];
  return hash('sha256', JSON.stringify([...parts, ...wordsOf(missing)]), 'hex').slice(0, 16);
}

/** Nothing when nothing is missing. */
function wordsOf(missing: MissingPolicies | undefined): readonly unknown[] {
  const { cluster, namespaces } = missing ?? NOTHING_MISSING;
  const listed = [...namespaces].sort(([a], [b]) => compareText(a, b));
  return cluster === undefined && listed.length === 0 ? [] : [cluster, listed];
}
