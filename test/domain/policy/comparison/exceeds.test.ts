// A local policy that asks for more than the bundle gives is reported, field by field; it gets no more.
import assert from 'node:assert/strict';
import type { Bounds } from '../../../../src/domain/policy/bounds.ts';
import type { IssuancePolicy, PolicyBundle } from '../../../../src/domain/policy/documents.ts';
import { evaluate } from '../../../../src/domain/policy/evaluation/evaluate.ts';
import { exceeds } from '../../../../src/domain/policy/comparison/exceeds.ts';
import { NO_NAME, nameLimit } from '../../../../src/domain/policy/name-patterns.ts';
import {
  bundle,
  clusterWide,
  condition,
  HAS_INGRESS,
  HOUR_MS,
  local,
  narrowed,
  policySet,
  request,
  rule,
  snapshot,
  WIDE,
  wide,
} from '../../../support/policy/policies.ts';

const narrow = (requested: Partial<Bounds>): IssuancePolicy => local({ narrow: narrowed(requested) });
const ttl = (maxMs: number, more = {}): Partial<Bounds> => ({ ttl: { minMs: 0, maxMs, defaultMs: Infinity, ...more } });
const noted = (policy: IssuancePolicy, given: PolicyBundle = bundle()): readonly string[] =>
  exceeds(policy, given).map(({ field, actual, allowed }) => `${field}: ${actual} > ${allowed}`);

describe('A local policy that asks for too much', () => {
  const requests: readonly [requested: Partial<Bounds>, expected: string][] = [
    [ttl(48 * HOUR_MS), 'spec.narrow.ttl.max: 48h > 24h'],
    [
      { keys: { 'ec-p256': 0, ed25519: 0, rsa: 1024 } },
      'spec.narrow.keys: ed25519 rsa>=1024 > ec-p256 ec-p384 rsa>=2048',
    ],
    [{ trustDomains: nameLimit(['cluster.local', 'corp.*']) }, 'spec.narrow.trustDomains: corp.* > cluster.local'],
    [
      { spiffeIds: nameLimit(['spiffe://{trustDomain}/*']) },
      'spec.narrow.spiffeId: spiffe://{trustDomain}/* > spiffe://{trustDomain}/ns/{namespace}/sa/{serviceAccount}',
    ],
    [{ dnsNames: nameLimit(['a.example']) }, 'spec.narrow.dnsNames: a.example > none'],
    [{ impersonators: nameLimit(['sys/proxy']) }, 'spec.narrow.impersonators: sys/proxy > none'],
  ];
  for (const [requested, expected] of requests) {
    it(`reports ${expected}`, () => assert.deepEqual(noted(narrow(requested)), [expected]));
  }

  it('reports nothing when it stays within the bundle, or says nothing of a field', () => {
    const within = {
      ...ttl(HOUR_MS, { minMs: 1_000 }),
      keys: { 'ec-p256': 0, rsa: 4096 },
      usages: ['digitalSignature', 'clientAuth'],
      dnsNames: NO_NAME,
      spiffeIds: nameLimit(['spiffe://cluster.local/ns/shop/sa/web']),
    } as const;
    assert.deepEqual(noted(narrow(within)), []);
    assert.deepEqual(noted(local()), []);
  });

  it('asks for all names only when it says so', () => {
    const said = exceeds(local(), bundle(), (field) => field === 'spec.narrow.dnsNames');
    assert.deepEqual(said, [{ field: 'spec.narrow.dnsNames', actual: '*', allowed: 'none' }]);
  });

  it('reports of usages, issuers and service accounts that no rule has', () => {
    const bounds = {
      ...WIDE,
      usages: ['digitalSignature', 'serverAuth'],
      issuers: nameLimit(['prod-*']),
      serviceAccounts: nameLimit(['web']),
      ttl: { ...WIDE.ttl, defaultMs: HOUR_MS },
    } as const;
    const requested = narrow({
      usages: ['serverAuth', 'clientAuth'],
      issuers: nameLimit(['prod-1', 'test']),
      serviceAccounts: nameLimit(['w*']),
      ...ttl(Infinity, { defaultMs: 2 * HOUR_MS }),
    });
    assert.deepEqual(noted(requested, bundle({ rules: [rule({ bounds })] })), [
      'spec.narrow.serviceAccounts: w* > web',
      'spec.narrow.ttl.default: 2h > 1h',
      'spec.narrow.usages: clientAuth > digitalSignature serverAuth',
      'spec.narrow.issuer: test > prod-*',
    ]);
  });

  it('may ask for what one of several rules gives, unless another one binds them all', () => {
    const short = wide({ ...ttl(HOUR_MS) });
    const some = rule({ id: 'some', bounds: short, match: { namespaces: { labels: { tier: 'high' } } } });
    const all = rule({ id: 'all', bounds: short, match: { namespaces: { names: ['shop'] } } });
    const long = narrow(ttl(12 * HOUR_MS));
    assert.deepEqual(noted(long, bundle({ rules: [rule(), some] })), []);
    assert.deepEqual(noted(long, bundle({ rules: [rule(), all] })), ['spec.narrow.ttl.max: 12h > 1h']);
    assert.deepEqual(noted(long, bundle({ rules: [rule(), { ...all, mode: 'audit' }] })), [], 'it only audits');
    const keys = narrow({ keys: { 'ec-p256': 0, 'ec-p384': 0 } });
    const each = (['ec-p256', 'ec-p384'] as const).map((type) =>
      rule({ id: type, bounds: wide({ keys: { [type]: 0 } }), match: { namespaces: { labels: { key: type } } } }),
    );
    assert.deepEqual(noted(keys, bundle({ rules: each })), []);
  });

  it('is held to rules for its own classes only', () => {
    const gateways = rule({
      id: 'gateways',
      match: { classes: ['gateway'] },
      bounds: wide({ ...ttl(48 * HOUR_MS) }),
    });
    const long = narrow(ttl(48 * HOUR_MS));
    assert.deepEqual(noted(long, bundle({ rules: [rule(), gateways] })), ['spec.narrow.ttl.max: 48h > 24h']);
    const classes = [{ class: 'gateway', namespaces: ['shop'], serviceAccounts: ['edge'] }] as const;
    assert.deepEqual(noted(long, bundle({ rules: [rule(), gateways], classes })), []);
  });

  it('reports that no rule gives anybody in its namespace an identity', () => {
    const given = bundle({ rules: [rule({ match: { namespaces: { names: ['team-*', 'pay'] } } })] });
    assert.deepEqual(noted(local(), given), ['metadata.namespace: shop > pay team-*']);
    const wide = clusterWide({ namespaces: { names: ['team-a', 'shop*', '*y'] } });
    assert.deepEqual(exceeds(wide, given), [
      { field: 'spec.namespaces.names', actual: 'shop*', allowed: 'pay team-*' },
    ]);
  });

  it('cannot wait longer, renew more gently or issue more often than the bundle lets it', () => {
    const policy = local({
      conditions: [
        condition(HAS_INGRESS, { id: 'one', waitMs: 9_000, onRenew: { kind: 'warn' } }),
        condition(HAS_INGRESS, { id: 'two', waitMs: 9_000, onRenew: { kind: 'warn' }, mode: 'off' }),
        condition(HAS_INGRESS, { id: 'three', waitMs: 0, onRenew: { kind: 'grace', graceMs: HOUR_MS } }),
      ],
      quotas: { perNamespacePerMinute: 100, perIdentityPerMinute: 5 },
    });
    const namespaces = {
      ...bundle().namespaces,
      maxWaitMs: 3_000,
      onRenew: { kind: 'grace', graceMs: 2 * HOUR_MS },
      quotas: { perNamespacePerMinute: 50, perIdentityPerMinute: 5 },
    } as const;
    assert.deepEqual(noted(policy, bundle({ namespaces })), [
      'spec.conditions.one.waitFor: 9s > 3s',
      'spec.conditions.one.onRenew: warn > grace 2h',
      'spec.quotas.perNamespacePerMinute: 100 > 50',
    ]);
  });

  it('reports nothing while it is off', () => {
    assert.deepEqual(noted({ ...narrow(ttl(48 * HOUR_MS)), mode: 'off' }), []);
  });

  it('gets no more for all its asking', () => {
    const wishful = narrow({ ...ttl(48 * HOUR_MS), dnsNames: nameLimit(['*']), keys: { 'ec-p256': 0, ed25519: 0 } });
    assert.equal(exceeds(wishful, bundle()).length, 3);
    const policies = policySet(bundle(), [wishful]);
    assert.equal(evaluate(policies, request(), snapshot()).grant.ttl.maxMs, 24 * HOUR_MS);
    for (const asked of [request({ dnsNames: ['a'] }), request({ key: { type: 'ed25519', bits: 0 } })]) {
      assert.equal(evaluate(policies, asked, snapshot()).outcome, 'refused');
    }
  });
});
