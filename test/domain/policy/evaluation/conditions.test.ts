// Conditions are pure functions over a snapshot of the cluster and the request.
import assert from 'node:assert/strict';
import type { ConditionCheck } from '../../../../src/domain/policy/condition.ts';
import { evaluate } from '../../../../src/domain/policy/evaluation/evaluate.ts';
import type { OnRenew } from '../../../../src/domain/policy/documents.ts';
import type { PolicyRequest } from '../../../../src/domain/policy/request.ts';
import { IndexedSnapshot } from '../../../../src/domain/cluster/indexed-snapshot.ts';
import type { KubernetesObject } from '../../../../src/domain/cluster/snapshot.ts';
import {
  bundle,
  condition,
  expression,
  HAS_INGRESS,
  HOUR_MS,
  local,
  NEEDS_INGRESS,
  NOW_MS,
  object,
  policySet,
  request,
  rule,
  snapshot,
} from '../../../support/policy/policies.ts';

function holds(
  check: ConditionCheck,
  objects: readonly KubernetesObject[] = [],
  asked: PolicyRequest = request(),
): boolean {
  const policies = policySet(bundle(), [local({ conditions: [condition(check)] })]);
  const { outcome, failures } = evaluate(policies, asked, snapshot(...objects));
  assert.ok(failures.every(({ reason }) => reason === 'CAP-P12'));
  return outcome === 'approved';
}

const ingress = (name: string, more: object = {}): KubernetesObject => object('Ingress', 'shop', name, more);
const podLabels = { app: 'web' };
const asPod = request({ claims: { podName: 'web-1' } });
const pod = object('Pod', 'shop', 'web-1', { metadata: { labels: podLabels } });

describe('A view of the cluster that lacks a file', () => {
  const lacking = (...objects: readonly KubernetesObject[]) =>
    new IndexedSnapshot('1', objects, { incomplete: 'a.yaml cannot be read' });
  const askingForIngress = policySet(bundle(), [NEEDS_INGRESS]);

  it('says nothing of what is not found in it, and is believed in what is', () => {
    const { outcome, unavailable } = evaluate(askingForIngress, request(), lacking());
    assert.equal(outcome, 'unavailable');
    assert.deepEqual(unavailable, { reason: 'CAP-S10', why: 'a.yaml cannot be read' });
    assert.equal(evaluate(askingForIngress, request(), lacking(ingress('front'))).outcome, 'approved');
  });

  it('makes nothing wider: a rule for the labels of a namespace that is not found may apply', () => {
    const labels = { tier: 'closed' };
    const closed = rule({
      id: 'closed',
      match: { namespaces: { labels } },
      deny: { namespaces: [], serviceAccounts: ['*'] },
    });
    const policies = policySet(bundle({ rules: [rule(), closed] }));
    const shop = (metadata: object) => object('Namespace', undefined, 'shop', { metadata });
    assert.equal(evaluate(policies, request(), lacking()).outcome, 'unavailable');
    assert.equal(evaluate(policies, request(), lacking(shop({ labels: {} }))).outcome, 'approved');
    assert.equal(evaluate(policies, request(), lacking(shop({ labels }))).outcome, 'refused');
  });
});

describe('A condition that an object exists', () => {
  it('holds once there is one in the own namespace', () => {
    assert.equal(holds(HAS_INGRESS), false);
    assert.equal(holds(HAS_INGRESS, [object('Ingress', 'pay', 'front')]), false);
    assert.equal(holds(HAS_INGRESS, [ingress('front')]), true);
  });

  it('may ask for a name, labels and API version', () => {
    const check = { ...HAS_INGRESS, names: ['front*'], labels: { tier: 'edge' }, apiVersion: 'networking.k8s.io/v1' };
    const fits = { apiVersion: 'networking.k8s.io/v1', metadata: { labels: { tier: 'edge' } } };
    assert.equal(holds(check, [ingress('front-1', fits)]), true);
    assert.equal(holds(check, [ingress('back', fits)]), false);
    assert.equal(holds(check, [ingress('front-1', { ...fits, apiVersion: 'extensions/v1beta1' })]), false);
    assert.equal(holds(check, [ingress('front-1', { apiVersion: fits.apiVersion })]), false);
  });

  it('may look at another namespace, or at the cluster itself, where its author may', () => {
    const elsewhere = { ...HAS_INGRESS, inNamespace: { in: 'named', namespace: 'pay' } } as const;
    assert.equal(holds(elsewhere, [object('Ingress', 'pay', 'front')]), true);
    const node = { ...HAS_INGRESS, objectKind: 'Node', inNamespace: { in: 'none' } } as const;
    assert.equal(holds(node, [object('Node', undefined, 'n1')]), true);
  });

  it('may ask more of the object in an expression, and fails when that has no answer', () => {
    const where = expression(({ object: seen }) => seen?.['spec'] === 'good' || { problem: 'no spec' });
    assert.equal(
      holds({ ...HAS_INGRESS, where }, [ingress('a', { spec: 'bad' }), ingress('b', { spec: 'good' })]),
      true,
    );
    assert.equal(holds({ ...HAS_INGRESS, where }, [ingress('a', { spec: 'bad' })]), false);
  });

  const selecting: [why: string, kind: string, spec: object, expected: boolean][] = [
    ['a NetworkPolicy by labels', 'NetworkPolicy', { podSelector: { matchLabels: podLabels } }, true],
    ['a NetworkPolicy for all pods', 'NetworkPolicy', { podSelector: {} }, true],
    ['a NetworkPolicy for others', 'NetworkPolicy', { podSelector: { matchLabels: { app: 'api' } } }, false],
    ['a Service', 'Service', { selector: podLabels }, true],
    ['a Service without selector', 'Service', { selector: {} }, false],
    [
      'an expression that fits',
      'PodDisruptionBudget',
      { selector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['web'] }] } },
      true,
    ],
    [
      'an expression that does not',
      'PodDisruptionBudget',
      { selector: { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['web'] }] } },
      false,
    ],
    [
      'an operator that Kubernetes does not have',
      'NetworkPolicy',
      { podSelector: { matchExpressions: [{ key: 'app', operator: 'Near' }] } },
      false,
    ],
    ['labels that are a list', 'NetworkPolicy', { podSelector: { matchLabels: ['app=web'] } }, false],
    [
      'values that are no list',
      'NetworkPolicy',
      { podSelector: { matchExpressions: [{ key: 'app', operator: 'NotIn', values: 'x' }] } },
      false,
    ],
    ['an object without selector', 'ConfigMap', {}, false],
  ];
  for (const [why, objectKind, spec, expected] of selecting) {
    it(`that selects the pod ${expected ? 'holds' : 'fails'} for ${why}`, () => {
      const check = { ...HAS_INGRESS, objectKind, selectsPod: true };
      assert.equal(holds(check, [pod, object(objectKind, 'shop', 'x', { spec })], asPod), expected);
    });
  }

  it('that selects the pod fails while the pod is not known', () => {
    const check = { ...HAS_INGRESS, objectKind: 'NetworkPolicy', selectsPod: true };
    const all = object('NetworkPolicy', 'shop', 'all', { spec: { podSelector: {} } });
    assert.equal(holds(check, [all], asPod), false);
    assert.equal(holds(check, [pod, all]), false);
  });

  it('asks an expression of no more than a hundred objects', () => {
    const check = { ...HAS_INGRESS, where: expression(() => true) };
    const many = Array.from({ length: 101 }, (_, index) => ingress(`i${index}`));
    assert.equal(holds(check, many), false);
    assert.equal(holds({ ...check, names: ['i1*'] }, many), true);
  });

  it('asks no more than so many objects in one decision, however many conditions there are', () => {
    let asked = 0;
    const counting = expression(() => (asked += 1) < 0);
    const check = { ...HAS_INGRESS, where: counting };
    const many = Array.from({ length: 100 }, (_, index) => ingress(`i${index}`));
    const conditions = Array.from({ length: 50 }, (_, index) => condition(check, { id: `c${index}` }));
    const { outcome } = evaluate(policySet(bundle(), [local({ conditions })]), request(), snapshot(...many));
    assert.deepEqual([outcome, asked], ['refused', 200]);
  });

  it('gives up on objects that do not answer', () => {
    let asked = 0;
    const failing = expression(() => {
      asked += 1;
      return { problem: 'no such field' };
    });
    const many = Array.from({ length: 100 }, (_, index) => ingress(`i${index}`));
    assert.equal(holds({ ...HAS_INGRESS, where: failing }, many), false);
    assert.equal(asked, 20);
  });

  it('records the object that decided, however many it looked at before', () => {
    const where = expression(({ object: seen }) => seen?.metadata.name === 'i99');
    const many = Array.from({ length: 100 }, (_, index) => ingress(`i${index}`));
    const policies = policySet(bundle(), [local({ conditions: [condition({ ...HAS_INGRESS, where })] })]);
    const { objects } = evaluate(policies, request(), snapshot(...many));
    assert.ok(objects.some(({ name }) => name === 'i99'));
  });

  it('does not take an object of another group for a Pod', () => {
    const evil = object('Pod', 'shop', 'web-1', { apiVersion: 'evil.example/v1', metadata: { labels: { team: 'a' } } });
    const check = { kind: 'matches', target: 'pod', labels: { team: 'a' } } as const;
    assert.equal(holds(check, [pod, evil], asPod), false);
  });

  it('looks at no more than a thousand objects one by one', () => {
    const many = Array.from({ length: 1_001 }, (_, index) => ingress(`i${index}`));
    assert.equal(holds(HAS_INGRESS, many), false);
    assert.equal(holds(HAS_INGRESS, many.slice(1)), true);
  });

  it('records which objects it looked at, and which state of them', () => {
    const policies = policySet(bundle(), [NEEDS_INGRESS]);
    const { objects } = evaluate(policies, request(), snapshot(ingress('front')));
    assert.deepEqual(objects, [
      { kind: 'Ingress', namespace: 'shop', name: 'front', uid: 'uid-front', resourceVersion: '1' },
    ]);
  });
});

describe('A condition on the subject', () => {
  it('may ask for labels and annotations of its namespace, service account or pod', () => {
    const marked = { metadata: { labels: { team: 'a' }, annotations: { owner: 'b' } } };
    const wanted = { kind: 'matches', labels: { team: 'a' }, annotations: { owner: 'b' } } as const;
    const objects = [
      object('Namespace', undefined, 'shop', marked),
      object('ServiceAccount', 'shop', 'web', marked),
      object('Pod', 'shop', 'web-1', marked),
    ];
    for (const target of ['namespace', 'serviceAccount', 'pod'] as const) {
      assert.equal(holds({ ...wanted, target }, objects, asPod), true);
      assert.equal(holds({ ...wanted, target }, [], asPod), false);
      assert.equal(holds({ ...wanted, target, labels: { team: 'z' } }, objects, asPod), false);
    }
  });

  it('may ask for what its credential claims', () => {
    const check = { kind: 'claim', claim: 'nodeName', in: ['gpu-*'] } as const;
    assert.equal(holds(check, [], request({ claims: { nodeName: 'gpu-7' } })), true);
    assert.equal(holds(check, [], request({ claims: { nodeName: 'cpu-7' } })), false);
    assert.equal(holds(check), false);
  });

  it('may be any expression on the request', () => {
    const short = expression(({ request: asked }) => asked.requestedTtlMs <= HOUR_MS);
    assert.equal(holds({ kind: 'expression', expression: short }), true);
    assert.equal(holds({ kind: 'expression', expression: short }, [], request({ requestedTtlMs: 2 * HOUR_MS })), false);
  });
});

describe('A condition that turned false', () => {
  const currentCertificate = { issuedMs: NOW_MS - HOUR_MS, notAfterMs: NOW_MS + HOUR_MS, waived: {} };
  const KEY = 'shop/local spec.conditions.condition';

  function renewal(
    onRenew: OnRenew,
    changes: Partial<typeof currentCertificate> = {},
    ceiling: OnRenew = { kind: 'warn' },
  ) {
    const policies = policySet(bundle({ namespaces: { ...bundle().namespaces, onRenew: ceiling } }), [
      local({ conditions: [condition(HAS_INGRESS, { onRenew })] }),
    ]);
    return evaluate(policies, request({ currentCertificate: { ...currentCertificate, ...changes } }), snapshot());
  }

  it('refuses a renewal at once where it is enforced', () => {
    assert.equal(renewal({ kind: 'enforce' }).outcome, 'refused');
  });

  it('is waived for the grace that it gives, from when it last held', () => {
    const grace = { kind: 'grace', graceMs: 2 * HOUR_MS } as const;
    const { outcome, audits, waived } = renewal(grace);
    assert.equal(outcome, 'approved');
    assert.deepEqual(waived, [{ key: KEY, sinceMs: currentCertificate.issuedMs }]);
    assert.equal(audits[0]?.reason, 'CAP-P12');
    const longAgo = { waived: { [KEY]: NOW_MS - 2 * HOUR_MS } };
    assert.equal(renewal(grace, longAgo).outcome, 'refused');
  });

  it('is waived for one lifetime of the certificate when it says nothing', () => {
    assert.equal(renewal({ kind: 'grace' }).outcome, 'approved');
    assert.equal(renewal({ kind: 'grace' }, { waived: { [KEY]: NOW_MS - 2 * HOUR_MS } }).outcome, 'refused');
  });

  it('is never waived by what another pod or another request brought', () => {
    const pod = { kind: 'matches', target: 'pod', labels: { app: 'web' } } as const;
    const reading = { ...expression(() => false), source: "request.key.type == 'ec-p384'" };
    const own: readonly ConditionCheck[] = [
      { kind: 'claim', claim: 'podName', in: ['good-*'] },
      { kind: 'expression', expression: reading },
      pod,
      { ...HAS_INGRESS, selectsPod: true },
      { ...HAS_INGRESS, where: reading },
    ];
    for (const check of own) {
      const conditions = [condition(check, { onRenew: { kind: 'warn' } })];
      const policies = policySet(bundle(), [local({ conditions })]);
      const front = snapshot(object('Ingress', 'shop', 'front'));
      assert.equal(evaluate(policies, request({ currentCertificate }), front).outcome, 'refused', check.kind);
    }
  });

  it('only warns, for ever, where it says so', () => {
    assert.equal(renewal({ kind: 'warn' }, { waived: { [KEY]: 0 } }).outcome, 'approved');
  });

  it('is enforced where the bundle forces it', () => {
    assert.equal(renewal({ kind: 'warn' }, {}, { kind: 'enforce' }).outcome, 'refused');
  });

  it('is enforced for an identity whose certificate has expired: that is a first request', () => {
    assert.equal(renewal({ kind: 'warn' }, { notAfterMs: NOW_MS }).outcome, 'refused');
  });
});

describe('A condition that may turn true', () => {
  const waitOf = (waits: readonly number[], asked = request(), maxWaitMs = 10_000): number => {
    const conditions = waits.map((waitMs, index) => condition(HAS_INGRESS, { id: `c${index}`, waitMs }));
    const policies = policySet(bundle({ namespaces: { ...bundle().namespaces, maxWaitMs } }), [local({ conditions })]);
    return evaluate(policies, asked, snapshot()).waitMs;
  };

  it('is worth waiting for on a first request, no longer than the least patient and the bundle allow', () => {
    assert.equal(waitOf([3_000]), 3_000);
    assert.equal(waitOf([3_000, 1_000]), 1_000);
    assert.equal(waitOf([3_000], request(), 500), 500);
  });

  it('is not worth waiting for when something else fails too, or on a renewal', () => {
    assert.equal(waitOf([3_000], request({ key: { type: 'ed25519', bits: 0 } })), 0);
    const currentCertificate = {
      issuedMs: NOW_MS - 9 * HOUR_MS,
      notAfterMs: NOW_MS + 1,
      waived: { 'shop/local spec.conditions.c0': 0 },
    };
    assert.equal(waitOf([3_000], request({ currentCertificate })), 0);
  });
});
