// Policies as values, for tests that are not about files: a bundle that grants what is said and nothing
// else, and local policies that narrow nothing unless told to.
import { UNBOUNDED, type Bounds } from '../../../src/domain/policy/bounds.ts';
import type { Condition, ConditionCheck, Expression } from '../../../src/domain/policy/condition.ts';
import type {
  CentralRule,
  ClusterFacts,
  ClusterIssuancePolicy,
  IssuancePolicy,
  LocalPolicy,
  PolicyBundle,
} from '../../../src/domain/policy/documents.ts';
import { NO_NAME, nameLimit } from '../../../src/domain/policy/name-patterns.ts';
import { PolicySet } from '../../../src/domain/policy/policy-set.ts';
import { ISSUANCE_CLASSES, type PolicyRequest } from '../../../src/domain/policy/request.ts';
import { IndexedSnapshot } from '../../../src/domain/cluster/indexed-snapshot.ts';
import type { KubernetesObject } from '../../../src/domain/cluster/snapshot.ts';
import { NO_QUOTAS } from '../../../src/domain/policy/evaluation/statement.ts';

export const HOUR_MS = 3_600_000;
export const NOW_MS = Date.UTC(2026, 0, 1);
export const CLUSTER: ClusterFacts = { id: 'test-1', labels: { env: 'test' } };

const NOBODY = { namespaces: [], serviceAccounts: [] };

/** Everything that this server can issue, for a day at most. */
export const WIDE: Bounds = {
  ...UNBOUNDED,
  trustDomains: nameLimit(['cluster.local']),
  spiffeIds: nameLimit(['spiffe://{trustDomain}/ns/{namespace}/sa/{serviceAccount}']),
  dnsNames: NO_NAME,
  impersonators: NO_NAME,
  keys: { 'ec-p256': 0, 'ec-p384': 0, rsa: 2048 },
  usages: ['digitalSignature', 'keyEncipherment', 'serverAuth', 'clientAuth'],
  ttl: { minMs: 0, maxMs: 24 * HOUR_MS, defaultMs: Infinity },
};

type RuleChanges = Partial<Omit<CentralRule, 'match'>> & { readonly match?: Partial<CentralRule['match']> };

/** Grants `WIDE` to every workload of the namespaces that it matches; all, unless said otherwise. */
export function rule({ match, ...changes }: RuleChanges = {}): CentralRule {
  return {
    id: 'mesh',
    match: { classes: ['workload'], namespaces: {}, serviceAccounts: [], clusters: {}, ...match },
    bounds: WIDE,
    deny: NOBODY,
    conditions: [],
    mode: 'enforce',
    locked: false,
    ...changes,
  };
}

export function bundle(changes: Partial<PolicyBundle> = {}): PolicyBundle {
  return {
    kind: 'PolicyBundle',
    name: 'corp',
    sequence: 1,
    validity: { notBeforeMs: 0, softExpiryMs: Infinity, hardExpiryMs: Infinity, renewAfterHardExpiry: false },
    audience: ['*'],
    owner: { team: 'security', contact: '#pki' },
    issuers: [],
    classes: [],
    rules: [rule()],
    namespaces: {
      requireLocal: false,
      maxWaitMs: 10_000,
      onRenew: { kind: 'warn' },
      quotas: NO_QUOTAS,
      audit: [],
    },
    twoPersons: [],
    ...changes,
  };
}

const SPEC = {
  mode: 'enforce',
  serviceAccounts: [],
  classes: ISSUANCE_CLASSES,
  narrow: UNBOUNDED,
  deny: NOBODY,
  conditions: [],
  quotas: NO_QUOTAS,
} as const;

export function local(changes: Partial<IssuancePolicy> = {}): IssuancePolicy {
  return { kind: 'IssuancePolicy', name: 'local', namespace: 'shop', ...SPEC, ...changes };
}

export function clusterWide(changes: Partial<ClusterIssuancePolicy> = {}): ClusterIssuancePolicy {
  return { kind: 'ClusterIssuancePolicy', name: 'platform', namespaces: {}, ...SPEC, ...changes };
}

export function condition(check: ConditionCheck, changes: Partial<Condition> = {}): Condition {
  const defaults = { message: 'do what it takes', onRenew: { kind: 'grace' }, waitMs: 3_000, mode: 'enforce' } as const;
  return { id: 'condition', check, ...defaults, ...changes };
}

/** That an Ingress exists in the subject's own namespace. */
export const HAS_INGRESS: Extract<ConditionCheck, { kind: 'exists' }> = {
  kind: 'exists',
  objectKind: 'Ingress',
  inNamespace: { in: 'self' },
  selectsPod: false,
};

export const expression = (evaluate: Expression['evaluate']): Expression => ({
  source: 'a test',
  readsPods: false,
  readsNamespace: false,
  evaluate,
});

/** One that has an Ingress as its only condition. */
export const NEEDS_INGRESS: IssuancePolicy = local({ conditions: [condition(HAS_INGRESS)] });

/** `WIDE` but for what is changed. */
export function wide(changed: Partial<Bounds>): Bounds {
  return { ...WIDE, ...changed };
}

/** Narrows what is named, and nothing else. */
export function narrowed(changed: Partial<Bounds>): Bounds {
  return { ...UNBOUNDED, ...changed };
}

/** @param digest stands for the contents; a test that changes policies gives another. */
export function policySet(of: PolicyBundle = bundle(), locals: readonly LocalPolicy[] = [], digest = 'd1'): PolicySet {
  return PolicySet.of({
    bundle: of,
    bundleDigest: digest,
    local: locals.map((policy) => ({ policy, digest: JSON.stringify(policy) })),
    cluster: CLUSTER,
  });
}

type RequestChanges = Partial<Omit<PolicyRequest, 'subject'>> & {
  readonly namespace?: string;
  readonly serviceAccount?: string;
};

export function request({
  namespace = 'shop',
  serviceAccount = 'web',
  ...changes
}: RequestChanges = {}): PolicyRequest {
  const trustDomain = 'cluster.local';
  const spiffeId = `spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
  return {
    subject: { trustDomain, namespace, serviceAccount, spiffeId },
    key: { type: 'ec-p256', bits: 0 },
    requestedTtlMs: 0,
    dnsNames: [],
    claims: {},
    issuer: { name: 'default', anchors: [], remainingMs: 365 * 24 * HOUR_MS },
    nowMs: NOW_MS,
    ...changes,
  };
}

export function object(kind: string, namespace: string | undefined, name: string, more: object = {}): KubernetesObject {
  const { metadata = {}, ...rest } = more as { metadata?: object };
  const place = namespace === undefined ? {} : { namespace };
  const fixed = { name, ...place, uid: `uid-${name}`, resourceVersion: '1' };
  return { apiVersion: 'v1', kind, metadata: { ...fixed, ...metadata }, ...rest };
}

/** A cluster that has synced and in which there is nothing. */
export const EMPTY = new IndexedSnapshot('0 objects', []);

export function snapshot(...objects: readonly KubernetesObject[]): IndexedSnapshot {
  return new IndexedSnapshot(`${objects.length} objects`, objects);
}
