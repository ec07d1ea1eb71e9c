// Policy decides who gets which certificate: the bundle gives, every other layer can only take away.
import assert from 'node:assert/strict';
import type { FailedClause } from '../../../../src/domain/policy/policy-decision.ts';
import { UNBOUNDED } from '../../../../src/domain/policy/bounds.ts';
import { evaluate } from '../../../../src/domain/policy/evaluation/evaluate.ts';
import { nameLimit } from '../../../../src/domain/policy/name-patterns.ts';
import type { PolicySet } from '../../../../src/domain/policy/policy-set.ts';
import type { PolicyRequest } from '../../../../src/domain/policy/request.ts';
import { unsyncedSnapshot } from '../../../../src/domain/cluster/snapshot.ts';
import {
  bundle,
  clusterWide,
  condition,
  EMPTY,
  HAS_INGRESS,
  HOUR_MS,
  local,
  narrowed,
  NEEDS_INGRESS,
  NOW_MS,
  object,
  policySet,
  request,
  rule,
  snapshot,
  WIDE,
  wide,
} from '../../../support/policy/policies.ts';

function refused(policies: PolicySet, asked: PolicyRequest = request(), seen = EMPTY): readonly FailedClause[] {
  const decision = evaluate(policies, asked, seen);
  assert.equal(decision.outcome, 'refused');
  return decision.failures;
}

function onlyReason(policies: PolicySet, asked?: PolicyRequest): [reason: string, policy: string, field: string] {
  const [clause, ...more] = refused(policies, asked);
  assert.ok(clause !== undefined && more.length === 0, JSON.stringify(more));
  return [clause.reason, clause.policy, clause.field];
}

describe('Policy', () => {
  it('gives an identity that a rule of the bundle grants, within the bounds of the rule', () => {
    const decision = evaluate(policySet(), request(), EMPTY);
    assert.equal(decision.outcome, 'approved');
    assert.deepEqual(decision.applied, ['central corp@1 mesh']);
    assert.equal(decision.grant.ttl.maxMs, 24 * HOUR_MS);
  });

  it('judges a subject by objects of its own cluster: one of the same name in another opens nothing, and nothing is denied', () => {
    const policies = policySet(bundle({ rules: [rule()] }), [NEEDS_INGRESS]);
    const seen = snapshot(object('Ingress', 'shop', 'web'));
    const here = request();
    assert.equal(evaluate(policies, here, seen).outcome, 'approved');
    const there = { ...here, subject: { ...here.subject, remoteCluster: 'west' } };
    const { outcome, unavailable } = evaluate(policies, there, seen);
    assert.deepEqual([outcome, unavailable?.reason], ['unavailable', 'CAP-S10']);
    assert.equal(evaluate(policySet(), there, seen).outcome, 'approved', 'what asks for no object is judged');
    const seenThere = Object.assign(snapshot(object('Ingress', 'shop', 'web')), { remoteCluster: 'west' });
    assert.equal(evaluate(policies, there, seenThere).outcome, 'approved');
    assert.equal(evaluate(policies, here, seenThere).unavailable?.reason, 'CAP-S10');
    const further = { ...here, subject: { ...here.subject, remoteCluster: 'east' } };
    assert.equal(evaluate(policies, further, seenThere).unavailable?.reason, 'CAP-S10');
  });

  it('refuses whom no rule names: default deny', () => {
    const policies = policySet(bundle({ rules: [rule({ match: { namespaces: { names: ['pay', 'team-*'] } } })] }));
    const [clause] = refused(policies);
    assert.equal(clause?.reason, 'CAP-P01');
    assert.equal(clause.actual, 'workload shop/web');
    assert.equal(clause.allowed, 'namespaces pay team-*');
    assert.equal(clause.contact, '#pki');
  });

  it('grants by namespace label, and says which label is missing', () => {
    const policies = policySet(bundle({ rules: [rule({ match: { namespaces: { labels: { mesh: 'true' } } } })] }));
    const labelled = snapshot(object('Namespace', undefined, 'shop', { metadata: { labels: { mesh: 'true' } } }));
    const decision = evaluate(policies, request(), labelled);
    assert.equal(decision.outcome, 'approved');
    assert.deepEqual(decision.objects, [{ kind: 'Namespace', name: 'shop', uid: 'uid-shop', resourceVersion: '1' }]);
    const [clause] = refused(policies);
    assert.equal(clause?.actual, 'workload shop/web, in a namespace that is not known');
    assert.equal(clause.allowed, 'rules.mesh for namespaces labelled mesh=true');
    assert.equal(clause.change, 'label the namespace mesh=true');
    const off = snapshot(object('Namespace', undefined, 'shop', { metadata: { labels: { mesh: 'false' } } }));
    assert.equal(
      refused(policies, request(), off)[0]?.actual,
      'workload shop/web, in a namespace with labels mesh=false',
    );
    assert.equal(
      refused(policies, request(), snapshot(object('Namespace', undefined, 'shop')))[0]?.actual,
      'workload shop/web, in a namespace with no such label',
    );
  });

  it('differs by cluster label, so that one bundle serves every environment', () => {
    const rules = ['prod', 'test'].map((env) => rule({ id: env, match: { clusters: { labels: { env } } } }));
    assert.deepEqual(evaluate(policySet(bundle({ rules })), request(), EMPTY).applied, ['central corp@1 test']);
  });

  it('takes what all matching rules allow together, in no order of precedence', () => {
    const short = rule({ id: 'short', bounds: wide({ ttl: { ...WIDE.ttl, maxMs: HOUR_MS } }) });
    for (const rules of [
      [rule(), short],
      [short, rule()],
    ]) {
      assert.equal(evaluate(policySet(bundle({ rules })), request(), EMPTY).grant.ttl.maxMs, HOUR_MS);
    }
  });

  it('judges gateways by rules for gateways only', () => {
    const classes = [{ class: 'gateway', namespaces: ['shop'], serviceAccounts: ['edge'] }] as const;
    const rules = [rule({ match: { classes: ['gateway'] } })];
    const policies = policySet(bundle({ classes, rules }));
    assert.equal(evaluate(policies, request({ serviceAccount: 'edge' }), EMPTY).outcome, 'approved');
    assert.deepEqual(onlyReason(policies), ['CAP-P01', 'corp@1', 'rules']);
  });

  const bounded: [why: string, bounds: object, asked: PolicyRequest, reason: string, field: string][] = [
    ['a key type', { keys: { rsa: 3072 } }, request(), 'CAP-P02', 'keys'],
    [
      'an RSA key that is too short',
      { keys: { rsa: 3072 } },
      request({ key: { type: 'rsa', bits: 2048 } }),
      'CAP-P02',
      'keys',
    ],
    ['a trust domain', { trustDomains: nameLimit(['corp.example']) }, request(), 'CAP-P03', 'trustDomains'],
    ['a SPIFFE ID', { spiffeIds: nameLimit(['spiffe://{trustDomain}/{namespace}']) }, request(), 'CAP-P03', 'spiffeId'],
    ['a service account', { serviceAccounts: nameLimit(['api']) }, request(), 'CAP-P03', 'serviceAccounts'],
    [
      'a lifetime that is too short',
      { ttl: { ...WIDE.ttl, minMs: HOUR_MS } },
      request({ requestedTtlMs: 1000 }),
      'CAP-P05',
      'ttl.min',
    ],
    ['a DNS name', {}, request({ dnsNames: ['web.shop.example'] }), 'CAP-P06', 'dnsNames'],
    ['the last usage', { usages: ['keyEncipherment'] }, request(), 'CAP-P07', 'usages'],
    ['an issuer', { issuers: nameLimit(['prod-high']) }, request(), 'CAP-P08', 'issuer'],
    ['who asks for another', {}, request({ actor: 'istio-system/ztunnel' }), 'CAP-P09', 'impersonators'],
  ];
  for (const [why, bounds, asked, reason, field] of bounded) {
    it(`refuses ${why} beyond the bounds, naming ${field}`, () => {
      const policies = policySet(bundle({ rules: [rule({ bounds: wide(bounds) })] }));
      assert.deepEqual(onlyReason(policies, asked), [reason, 'corp@1', `rules.mesh.bounds.${field}`]);
    });
  }

  it('refuses whom a rule denies, whatever else grants', () => {
    const deny = { namespaces: [], serviceAccounts: ['default'] };
    const policies = policySet(bundle({ rules: [rule(), rule({ id: 'no-default', bounds: undefined!, deny })] }));
    const asked = request({ serviceAccount: 'default' });
    assert.deepEqual(onlyReason(policies, asked), ['CAP-P04', 'corp@1', 'rules.no-default.deny.serviceAccounts']);
  });

  it('lets a namespace narrow what it was given, and a cluster too', () => {
    const locals = [
      local({ narrow: narrowed({ ttl: { ...UNBOUNDED.ttl, maxMs: HOUR_MS } }) }),
      clusterWide({ narrow: narrowed({ usages: ['digitalSignature', 'serverAuth', 'clientAuth'] }) }),
    ];
    const { grant, applied } = evaluate(policySet(bundle(), locals), request(), EMPTY);
    assert.equal(grant.ttl.maxMs, HOUR_MS);
    assert.deepEqual(grant.usages, ['digitalSignature', 'serverAuth', 'clientAuth']);
    assert.deepEqual(applied, ['central corp@1 mesh', 'cluster platform', 'namespace shop/local']);
  });

  it('gives a namespace nothing for asking for more', () => {
    const greedy = local({
      narrow: wide({ keys: { ed25519: 0, 'ec-p256': 0 }, ttl: { minMs: 0, maxMs: 1e12, defaultMs: 1e12 } }),
    });
    const { grant } = evaluate(policySet(bundle(), [greedy]), request(), EMPTY);
    assert.equal(grant.ttl.maxMs, 24 * HOUR_MS);
    const asked = request({ key: { type: 'ed25519', bits: 0 } });
    assert.deepEqual(onlyReason(policySet(bundle(), [greedy]), asked), ['CAP-P02', 'corp@1', 'rules.mesh.bounds.keys']);
  });

  it('refuses everybody where two layers leave no lifetime between them, naming the one that took the last', () => {
    const long = local({ narrow: narrowed({ ttl: { ...UNBOUNDED.ttl, minMs: 48 * HOUR_MS } }) });
    assert.deepEqual(onlyReason(policySet(bundle(), [long])), ['CAP-P05', 'shop/local', 'spec.narrow.ttl']);
  });

  it('leaves a namespace without a policy of its own with nothing, where the bundle says so', () => {
    const strict = bundle({ namespaces: { ...bundle().namespaces, requireLocal: true } });
    assert.deepEqual(onlyReason(policySet(strict)), ['CAP-P10', 'corp@1', 'namespaces.requireLocal']);
    assert.equal(evaluate(policySet(strict, [local()]), request(), EMPTY).outcome, 'approved');
  });

  it('only records what an audited policy would have refused', () => {
    const audited = local({ mode: 'audit', deny: { namespaces: [], serviceAccounts: ['web'] } });
    const { outcome, audits } = evaluate(policySet(bundle(), [audited]), request(), EMPTY);
    assert.equal(outcome, 'approved');
    assert.deepEqual(
      audits.map(({ reason, policy }) => [reason, policy]),
      [['CAP-P04', 'shop/local']],
    );
  });

  it('is gentle in namespaces that the bundle audits, but for rules that are locked', () => {
    const namespaces = { ...bundle().namespaces, audit: [{ names: ['shop'] }] };
    const deny = { namespaces: [], serviceAccounts: ['web'] };
    const gentle = policySet(bundle({ namespaces, rules: [rule({ deny })] }));
    assert.equal(evaluate(gentle, request(), EMPTY).outcome, 'approved');
    const locked = policySet(bundle({ namespaces, rules: [rule({ deny, locked: true })] }));
    assert.equal(evaluate(locked, request(), EMPTY).outcome, 'refused');
  });

  it('refuses a policy that leaves one end of TLS alone, which no X509-SVID may, wherever it stands', () => {
    for (const usages of [
      ['digitalSignature', 'clientAuth'],
      ['digitalSignature', 'serverAuth'],
      ['serverAuth', 'clientAuth'],
    ] as const) {
      const narrowing = policySet(bundle(), [local({ narrow: narrowed({ usages }) })]);
      assert.deepEqual(onlyReason(narrowing), ['CAP-P07', 'shop/local', 'spec.narrow.usages']);
      const central = policySet(bundle({ rules: [rule({ bounds: wide({ usages }) })] }));
      assert.deepEqual(onlyReason(central), ['CAP-P07', 'corp@1', 'rules.mesh.bounds.usages']);
    }
  });

  it('gives no other usage than a rule says, where the rule is only audited', () => {
    const namespaces = { ...bundle().namespaces, audit: [{ names: ['shop'] }] };
    const usages = ['digitalSignature', 'serverAuth', 'clientAuth'] as const;
    const client = policySet(bundle({ namespaces, rules: [rule({ bounds: wide({ usages }) })] }));
    assert.deepEqual(evaluate(client, request(), EMPTY).grant.usages, usages);
  });

  it('still cuts lifetimes to what a rule gives, where the rule is only audited', () => {
    const namespaces = { ...bundle().namespaces, audit: [{ names: ['shop'] }] };
    const { grant } = evaluate(policySet(bundle({ namespaces })), request(), EMPTY);
    assert.equal(grant.ttl.maxMs, WIDE.ttl.maxMs);
  });

  it('records that an audited policy would leave no lifetime, or no usage', () => {
    const ttl = { ...UNBOUNDED.ttl, minMs: 48 * HOUR_MS };
    const trial = local({ mode: 'audit', narrow: narrowed({ ttl, usages: ['keyEncipherment'] }) });
    const { outcome, audits, grant } = evaluate(policySet(bundle(), [trial]), request(), EMPTY);
    assert.equal(outcome, 'approved');
    assert.equal(grant.ttl.minMs, 0);
    assert.deepEqual(
      audits.map(({ reason, field }) => [reason, field]),
      [
        ['CAP-P07', 'spec.narrow.usages'],
        ['CAP-P05', 'spec.narrow.ttl'],
      ],
    );
  });

  it('says so when no rule is for this cluster', () => {
    const policies = policySet(bundle({ rules: [rule({ match: { clusters: { ids: ['prod-*'] } } })] }));
    assert.equal(refused(policies)[0]?.allowed, 'namespaces none in cluster test-1');
  });

  it('takes a policy that is off for absent, also where it would give', () => {
    assert.deepEqual(onlyReason(policySet(bundle({ rules: [rule({ mode: 'off' })] }))), ['CAP-P01', 'corp@1', 'rules']);
  });

  it('gives nobody an identity by a rule that is only audited', () => {
    assert.deepEqual(onlyReason(policySet(bundle({ rules: [rule({ mode: 'audit' })] }))), [
      'CAP-P01',
      'corp@1',
      'rules',
    ]);
  });

  it('tells every clause that failed, central ones first', () => {
    const deny = { namespaces: [], serviceAccounts: ['web'] };
    const policies = policySet(bundle({ rules: [rule({ deny, bounds: wide({ keys: { rsa: 2048 } }) })] }), [
      local({ name: 'b', deny }),
      local({ name: 'a', conditions: [condition(HAS_INGRESS)] }),
      clusterWide({ deny }),
    ]);
    const told = refused(policies).map(({ layer, policy, reason }) => `${layer} ${policy} ${reason}`);
    assert.deepEqual(told, [
      'central corp@1 CAP-P04',
      'central corp@1 CAP-P02',
      'cluster platform CAP-P04',
      'namespace shop/a CAP-P12',
      'namespace shop/b CAP-P04',
    ]);
  });

  it('pins the anchor of an issuer', () => {
    const issuers = [{ name: 'default', anchor: 'aa'.repeat(32), minRemainingMs: 0 }];
    const policies = policySet(bundle({ issuers }));
    assert.deepEqual(onlyReason(policies), ['CAP-P08', 'corp@1', 'issuers.default.anchor']);
    const under = request({ issuer: { name: 'default', anchors: ['aa'.repeat(32)], remainingMs: HOUR_MS } });
    assert.equal(evaluate(policies, under, EMPTY).outcome, 'approved');
  });

  it('takes no issuer that allows more CAs below it than the bundle does, or does not say how many', () => {
    const policies = policySet(bundle({ issuers: [{ name: 'default', minRemainingMs: 0, maxPathLength: 1 }] }));
    const by = (more: object) =>
      evaluate(policies, request({ issuer: { name: 'default', anchors: [], remainingMs: HOUR_MS, ...more } }), EMPTY);
    for (const more of [{ pathLength: 0 }, { pathLength: 1 }, {}]) assert.equal(by(more).outcome, 'approved');
    for (const [pathLength, actual] of [
      [2, 'pathlen:2'],
      [Infinity, 'no path length'],
    ] as const) {
      assert.deepEqual(
        by({ pathLength }).failures.map((one) => [one.reason, one.field, one.actual, one.allowed]),
        [['CAP-P08', 'issuers.default.maxPathLength', actual, 'at most pathlen:1']],
      );
    }
  });

  it('cannot be judged with an issuer that ends too soon', () => {
    const issuers = [{ name: 'default', minRemainingMs: 2 * HOUR_MS }];
    const ending = request({ issuer: { name: 'default', anchors: [], remainingMs: HOUR_MS } });
    assert.equal(evaluate(policySet(bundle({ issuers })), ending, EMPTY).unavailable?.reason, 'CAP-S01');
  });

  it('is unavailable, and denies nothing, while the view of the cluster has not synced', () => {
    const policies = policySet(bundle(), [NEEDS_INGRESS]);
    const { outcome, unavailable } = evaluate(policies, request(), unsyncedSnapshot('still listing'));
    assert.equal(outcome, 'unavailable');
    assert.deepEqual(unavailable, { reason: 'CAP-S10', why: 'still listing' });
    assert.equal(evaluate(policySet(), request(), unsyncedSnapshot('not asked')).outcome, 'approved');
  });

  it('is not made unavailable by what is only audited', () => {
    const unsynced = unsyncedSnapshot('still listing');
    const trial = condition(HAS_INGRESS, { mode: 'audit' });
    const labelled = rule({ id: 'trial', mode: 'audit', match: { namespaces: { labels: { a: 'b' } } } });
    for (const policies of [
      policySet(bundle(), [local({ conditions: [trial] })]),
      policySet(bundle(), [local({ mode: 'audit', conditions: [condition(HAS_INGRESS)] })]),
      policySet(bundle({ rules: [rule(), labelled] })),
    ]) {
      const { outcome, audits } = evaluate(policies, request(), unsynced);
      assert.deepEqual([outcome, audits], ['approved', []]);
    }
  });

  it('is refused, for good, where the cluster could not help', () => {
    const deny = { namespaces: [], serviceAccounts: ['web'] };
    const policies = policySet(bundle({ rules: [rule({ deny })] }), [NEEDS_INGRESS]);
    assert.equal(evaluate(policies, request(), unsyncedSnapshot('still listing')).outcome, 'refused');
  });

  describe('past the hard expiry of the bundle', () => {
    const validity = { ...bundle().validity, hardExpiryMs: NOW_MS };
    const currentCertificate = { issuedMs: NOW_MS - HOUR_MS, notAfterMs: NOW_MS + HOUR_MS, waived: {} };

    it('gives nobody new an identity, and does not call it a denial', () => {
      assert.equal(evaluate(policySet(bundle({ validity })), request(), EMPTY).unavailable?.reason, 'CAP-S11');
    });

    it('goes on renewing when the bundle said so', () => {
      const kind = policySet(bundle({ validity: { ...validity, renewAfterHardExpiry: true } }));
      assert.equal(evaluate(kind, request({ currentCertificate }), EMPTY).outcome, 'approved');
      assert.equal(
        evaluate(policySet(bundle({ validity })), request({ currentCertificate }), EMPTY).outcome,
        'unavailable',
      );
    });
  });

  it('has the same revision in whatever order files are read, and another after any change', () => {
    const [one, two] = [local({ name: 'one' }), local({ name: 'two' })];
    const { revision } = policySet(bundle(), [one, two]);
    assert.match(revision, /^[0-9a-f]{16}$/);
    assert.equal(policySet(bundle(), [two, one]).revision, revision);
    assert.notEqual(policySet(bundle(), [one]).revision, revision);
    assert.notEqual(policySet(bundle(), [one, two], 'd2').revision, revision);
  });
});
