// Policies, requests and snapshots as fast-check makes them: few names and values, so that what is made
// often meets.
import fc from 'fast-check';
import { KEY_TYPES, USAGES, type Bounds } from '../../../src/domain/policy/bounds.ts';
import type { Condition, ConditionCheck } from '../../../src/domain/policy/condition.ts';
import {
  MODES,
  type CentralRule,
  type LocalPolicy,
  type OnRenew,
  type PolicyBundle,
} from '../../../src/domain/policy/documents.ts';
import { nameLimit, type NameLimit } from '../../../src/domain/policy/name-patterns.ts';
import { ISSUANCE_CLASSES, type PolicyRequest } from '../../../src/domain/policy/request.ts';
import type { IndexedSnapshot } from '../../../src/domain/cluster/indexed-snapshot.ts';
import { bundle, clusterWide, HOUR_MS, local, NOW_MS, object, request, rule, snapshot } from './policies.ts';

const NAMESPACES = ['shop', 'pay'];
const ACCOUNTS = ['web', 'api', 'default'];
const pattern = fc.constantFrom('*', 'shop', 'pay', 'web', 'api', 's*', '*b', 'default');
const limit: fc.Arbitrary<NameLimit> = fc.oneof(
  { weight: 3, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.array(pattern, { maxLength: 3 }).map(nameLimit) },
);
/** Names that limits on trust domains, SPIFFE IDs and so on often let through. */
const limitOf = (...names: readonly string[]): fc.Arbitrary<NameLimit> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 2, arbitrary: fc.subarray(['*', ...names]).map(nameLimit) },
  );

const hours = fc.integer({ min: 0, max: 6 }).map((count) => count * HOUR_MS);
const ttl = fc.record({
  minMs: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: hours }),
  maxMs: fc.oneof(fc.constant(Infinity), hours),
  defaultMs: fc.oneof(fc.constant(Infinity), hours),
});
const keys = fc
  .tuple(fc.subarray([...KEY_TYPES], { minLength: 1 }), fc.constantFrom(2048, 3072, 4096))
  .map(([types, bits]) => Object.fromEntries(types.map((type) => [type, type === 'rsa' ? bits : 0])));

export const anyBounds: fc.Arbitrary<Bounds> = fc
  .record({
    trustDomains: limitOf('cluster.local', 'other'),
    spiffeIds: limitOf('spiffe://{trustDomain}/ns/{namespace}/sa/{serviceAccount}', 'spiffe://other'),
    serviceAccounts: limit,
    dnsNames: limitOf('a.test', 'b.test'),
    issuers: limitOf('default', 'other'),
    impersonators: limitOf('istio-system/ztunnel'),
    keys: fc.option(keys, { nil: undefined }),
    usages: fc.option(fc.subarray([...USAGES]), { nil: undefined }),
    ttl,
  })
  .map(({ keys: types, usages, ...rest }) => ({
    ...rest,
    ...(types !== undefined && { keys: types }),
    ...(usages !== undefined && { usages }),
  }));

const onRenew: fc.Arbitrary<OnRenew> = fc.oneof(
  fc.constantFrom({ kind: 'enforce' } as const, { kind: 'warn' } as const, { kind: 'grace' } as const),
  hours.map((graceMs) => ({ kind: 'grace', graceMs }) as const),
);

const check: fc.Arbitrary<ConditionCheck> = fc.oneof(
  fc.record({
    kind: fc.constant('exists' as const),
    objectKind: fc.constantFrom('Ingress', 'NetworkPolicy'),
    inNamespace: fc.constant({ in: 'self' } as const),
    selectsPod: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('matches' as const),
    target: fc.constantFrom('namespace', 'serviceAccount', 'pod'),
    labels: fc.constant({ team: 'a' }),
  }),
  fc.record({ kind: fc.constant('claim' as const), claim: fc.constant('nodeName' as const), in: fc.constant(['n*']) }),
);

const conditions: fc.Arbitrary<readonly Condition[]> = fc
  .array(fc.record({ check, onRenew, waitMs: hours, mode: fc.constantFrom(...MODES) }), { maxLength: 2 })
  .map((list) => list.map((one, index) => ({ id: `c${index}`, message: 'do it', ...one })));

const mode = fc.oneof({ weight: 3, arbitrary: fc.constant('enforce' as const) }, fc.constantFrom(...MODES));
const deny = fc.record({
  namespaces: fc.subarray(['pay', 'x*'], { maxLength: 1 }),
  serviceAccounts: fc.subarray(['default', 'a*'], { maxLength: 1 }),
});
const classes = fc.oneof(fc.constant(ISSUANCE_CLASSES), fc.subarray([...ISSUANCE_CLASSES]));
const quotas = fc.record({
  perNamespacePerMinute: fc.constantFrom(Infinity, 10, 20),
  perIdentityPerMinute: fc.constantFrom(Infinity, 1, 2),
});
const selector = fc.constantFrom({}, { names: ['shop'] }, { labels: { team: 'a' } });

const spec = { mode, serviceAccounts: limit, classes, narrow: anyBounds, deny, conditions, quotas };

export const anyLocal: fc.Arbitrary<LocalPolicy> = fc.oneof(
  fc.record({ namespace: fc.constantFrom(...NAMESPACES), name: fc.uuid(), ...spec }).map((changes) => local(changes)),
  fc.record({ namespaces: selector, name: fc.uuid(), ...spec }).map((changes) => clusterWide(changes)),
);

const anyRule: fc.Arbitrary<CentralRule> = fc
  .record({
    id: fc.uuid(),
    match: fc.record({ namespaces: selector, classes }),
    bounds: fc.option(anyBounds, { nil: undefined, freq: 4 }),
    deny,
    conditions,
    mode,
    locked: fc.boolean(),
  })
  .map(({ bounds, ...rest }) => rule({ ...rest, bounds: bounds! }));

export const anyBundle: fc.Arbitrary<PolicyBundle> = fc
  .record({
    rules: fc.array(anyRule, { minLength: 1, maxLength: 3 }),
    onRenew,
    quotas,
    audit: fc.subarray([{ names: ['shop'] }], { maxLength: 1 }),
  })
  .map(({ rules, ...ceiling }) =>
    bundle({ rules: [rule(), ...rules], namespaces: { requireLocal: false, maxWaitMs: 10_000, ...ceiling } }),
  );

export const anyRequest: fc.Arbitrary<PolicyRequest> = fc
  .record({
    namespace: fc.constantFrom(...NAMESPACES),
    serviceAccount: fc.constantFrom(...ACCOUNTS),
    key: fc.oneof(
      fc.constantFrom('ec-p256', 'ec-p384', 'ed25519').map((type) => ({ type, bits: 0 })),
      fc.constantFrom(2048, 3072, 4096).map((bits) => ({ type: 'rsa', bits })),
    ),
    requestedTtlMs: hours,
    dnsNames: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.subarray(['a.test', 'b.test'])),
    nodeName: fc.constantFrom('n1', 'm1'),
    currentCertificate: fc.option(
      fc.record({ issuedMs: hours.map((ms) => NOW_MS - ms), notAfterMs: hours.map((ms) => NOW_MS + ms) }),
      { nil: undefined },
    ),
    relayed: fc.boolean(),
  })
  .map(({ nodeName, currentCertificate, relayed, ...changes }) =>
    request({
      ...changes,
      claims: { nodeName, podName: 'pod' },
      ...(currentCertificate !== undefined && { currentCertificate: { ...currentCertificate, waived: {} } }),
      ...(relayed && { actor: 'istio-system/ztunnel' }),
    }),
  );

const labelled = { metadata: { labels: { team: 'a' } } };
const selecting = { spec: { podSelector: { matchLabels: { team: 'a' } } } };

export const anySnapshot: fc.Arbitrary<IndexedSnapshot> = fc
  .subarray([
    object('Ingress', 'shop', 'front'),
    object('NetworkPolicy', 'shop', 'deny', selecting),
    object('NetworkPolicy', 'pay', 'deny', selecting),
    object('Namespace', undefined, 'shop', labelled),
    object('ServiceAccount', 'shop', 'web', labelled),
    object('Pod', 'shop', 'pod', labelled),
  ])
  .map((objects) => snapshot(...objects));
