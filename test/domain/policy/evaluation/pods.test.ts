import assert from 'node:assert/strict';
import { compileExpression } from '../../../../src/adapters/policy/expression/expression.ts';
import { changeBetween, concerns } from '../../../../src/domain/cluster/cluster-change.ts';
import { unsyncedSnapshot, type KubernetesObject } from '../../../../src/domain/cluster/snapshot.ts';
import { evaluate } from '../../../../src/domain/policy/evaluation/evaluate.ts';
import type { ClassAssignment } from '../../../../src/domain/policy/documents.ts';
import type { PolicyDecision } from '../../../../src/domain/policy/policy-decision.ts';
import type { PolicySet } from '../../../../src/domain/policy/policy-set.ts';
import { subjectPodOf } from '../../../../src/domain/policy/subject-pods.ts';
import {
  bundle,
  condition,
  HAS_INGRESS,
  local,
  object,
  policySet,
  request,
  rule,
  snapshot,
  wide,
  HOUR_MS,
} from '../../../support/policy/policies.ts';

const GOOD = `sha256:${'ab'.repeat(32)}`;
const EVIL = `sha256:${'cd'.repeat(32)}`;

/** A pod of `shop/web` whose containers run these images. */
function pod(name: string, labels: Readonly<Record<string, string>>, ...images: readonly string[]): KubernetesObject {
  return object('Pod', 'shop', name, {
    metadata: { labels },
    spec: { containers: images.map((_, index) => ({ name: `c${index}`, image: 'web:1' })) },
    status: { containerStatuses: images.map((digest, index) => ({ name: `c${index}`, imageID: `r/web@${digest}` })) },
  });
}

const FRONT = pod('web-1', { tier: 'front' }, GOOD);
const BACK = pod('web-2', { tier: 'back' }, GOOD);
const ofPod = (name: string) => request({ claims: { podName: name } });
/** As ztunnel asks: for all pods of the account on its node. */
const relayed = (...names: readonly string[]) =>
  request({
    actor: 'istio-system/ztunnel',
    claims: { podName: 'ztunnel-a' },
    pods: names.map((name) => ({ name, uid: `uid-${name}` })),
  });

const reasons = ({ failures }: PolicyDecision): readonly string[] => failures.map(({ reason }) => reason);

describe('A rule for pods', () => {
  const impersonators = wide({ impersonators: [] });
  const byLabel = policySet(
    bundle({ rules: [rule({ bounds: impersonators, match: { pods: { labels: { tier: 'front' } } } })] }),
  );
  const byImage = policySet(bundle({ rules: [rule({ bounds: impersonators, match: { pods: { images: [GOOD] } } })] }));

  it('gives an identity to pods with the labels, and records which pod that was', () => {
    const decision = evaluate(byLabel, ofPod('web-1'), snapshot(FRONT, BACK));
    assert.equal(decision.outcome, 'approved');
    assert.deepEqual(decision.pods, [
      { name: 'web-1', uid: 'uid-web-1', resourceVersion: '1', labels: { tier: 'front' }, images: [GOOD] },
    ]);
    assert.deepEqual(
      decision.objects.map(({ kind, name, uid }) => [kind, name, uid]),
      [['Pod', 'web-1', 'uid-web-1']],
    );
  });

  it('gives none to other pods, and says what the pod lacks', () => {
    const decision = evaluate(byLabel, ofPod('web-2'), snapshot(FRONT, BACK));
    assert.deepEqual(reasons(decision), ['CAP-P01']);
    assert.match(decision.failures[0]?.actual ?? '', /in pod web-2 with labels tier=back/);
    assert.match(decision.failures[0]?.change ?? '', /have every pod of the identity be one labelled tier=front/);
  });

  it('gives none to what is no pod', () => {
    assert.deepEqual(reasons(evaluate(byLabel, request(), snapshot(FRONT))), ['CAP-P01']);
  });

  it('leaves it open, and refuses nobody, while the pod is not in the view', () => {
    for (const view of [snapshot(), unsyncedSnapshot('not read yet')]) {
      const { outcome, unavailable } = evaluate(byLabel, ofPod('web-1'), view);
      assert.deepEqual([outcome, unavailable?.reason], ['unavailable', 'CAP-S10']);
    }
  });

  it('leaves it open also where a rule that is on trial has asked for the pod before', () => {
    const match = { pods: { labels: { tier: 'front' } } };
    const enforced = rule({ id: 'b', deny: { namespaces: ['shop'], serviceAccounts: [] }, match });
    const policies = policySet(
      bundle({ rules: [rule({ id: 'a', mode: 'audit', match }), enforced, rule({ id: 'c' })] }),
    );
    assert.equal(evaluate(policies, ofPod('web-9'), snapshot(FRONT)).outcome, 'unavailable');
  });

  it('takes a star for any value of a label', () => {
    const any = policySet(bundle({ rules: [rule({ match: { pods: { labels: { tier: '*' } } } })] }));
    assert.equal(evaluate(any, ofPod('web-2'), snapshot(BACK)).outcome, 'approved');
    assert.equal(evaluate(any, ofPod('web-3'), snapshot(pod('web-3', {}))).outcome, 'refused');
  });

  it('gives an identity that several pods share only if every one of them fits', () => {
    const view = snapshot(FRONT, BACK, pod('web-3', { tier: 'front' }, GOOD));
    assert.equal(evaluate(byLabel, relayed('web-1', 'web-3'), view).outcome, 'approved');
    assert.deepEqual(reasons(evaluate(byLabel, relayed('web-1', 'web-2'), view)), ['CAP-P01']);
  });

  it('looks at the pods of the node, never at one of the tenant that is called like the proxy', () => {
    const decoy = pod('ztunnel-a', { tier: 'front' }, GOOD);
    assert.deepEqual(reasons(evaluate(byLabel, relayed('web-2'), snapshot(BACK, decoy))), ['CAP-P01']);
  });

  it('is not fooled by a pod of the same name that was made since', () => {
    const anew = { ...FRONT, metadata: { ...FRONT.metadata, uid: 'another' } };
    assert.equal(evaluate(byLabel, relayed('web-1'), snapshot(anew)).outcome, 'unavailable');
  });

  it('by images wants every container to run a listed one, a debugger that was attached included', () => {
    const view = snapshot(FRONT, pod('web-3', {}, GOOD, EVIL), debugged());
    assert.equal(evaluate(byImage, ofPod('web-1'), view).outcome, 'approved');
    for (const name of ['web-3', 'web-4']) assert.deepEqual(reasons(evaluate(byImage, ofPod(name), view)), ['CAP-P01']);
  });

  function debugged(): KubernetesObject {
    const { spec, status } = pod('web-4', {}, GOOD);
    return object('Pod', 'shop', 'web-4', {
      spec: { ...(spec as object), ephemeralContainers: [{ name: 'debugger', image: 'busybox' }] },
      status: {
        ...(status as object),
        ephemeralContainerStatuses: [{ name: 'debugger', imageID: `r/busybox@${EVIL}` }],
      },
    });
  }

  it('by images takes the digest that the spec pins for a container that has not begun, and else none', () => {
    const waiting = (image: string) =>
      object('Pod', 'shop', 'web-5', { spec: { containers: [{ name: 'web', image }] }, status: {} });
    assert.equal(evaluate(byImage, ofPod('web-5'), snapshot(waiting(`web@${GOOD}`))).outcome, 'approved');
    assert.deepEqual(reasons(evaluate(byImage, ofPod('web-5'), snapshot(waiting('web:1')))), ['CAP-P01']);
  });

  it('by images gives nothing to a pod of which no container is known', () => {
    const bare = object('Pod', 'shop', 'web-6');
    assert.deepEqual(reasons(evaluate(byImage, ofPod('web-6'), snapshot(bare))), ['CAP-P01']);
  });

  it('that only takes away applies when one of the pods fits', () => {
    const denied = rule({
      id: 'no-back',
      deny: { namespaces: ['shop'], serviceAccounts: [] },
      match: { pods: { labels: { tier: 'back' } } },
    });
    const policies = policySet(
      bundle({ rules: [rule({ bounds: impersonators }), { ...denied, bounds: impersonators }] }),
    );
    assert.deepEqual(reasons(evaluate(policies, relayed('web-1', 'web-2'), snapshot(FRONT, BACK))), ['CAP-P04']);
    assert.equal(evaluate(policies, relayed('web-1'), snapshot(FRONT, BACK)).outcome, 'approved');
  });

  it('narrows what others give when only some of the pods fit, and gives nothing then', () => {
    const ttl = { minMs: 0, maxMs: HOUR_MS, defaultMs: Infinity };
    const short = rule({
      id: 'short',
      bounds: { ...impersonators, ttl },
      match: { pods: { labels: { tier: 'front' } } },
    });
    const both = policySet(bundle({ rules: [rule({ bounds: impersonators }), short] }));
    assert.equal(evaluate(both, relayed('web-1', 'web-2'), snapshot(FRONT, BACK)).grant.ttl.maxMs, HOUR_MS);
    assert.equal(evaluate(both, relayed('web-2'), snapshot(FRONT, BACK)).grant.ttl.maxMs, 24 * HOUR_MS);
  });

  it('takes away, and gives nothing, where a registration authority asks and nobody knows for which pod', () => {
    const ttl = { minMs: 0, maxMs: HOUR_MS, defaultMs: Infinity };
    const short = rule({
      id: 'short',
      bounds: wide({ impersonators: [], ttl }),
      match: { pods: { labels: { tier: 'x' } } },
    });
    const asked = request({ actor: 'istio-system/istiod', claims: { authenticationMethod: 'kubernetes-csr' } });
    const both = policySet(bundle({ rules: [rule({ bounds: impersonators }), short] }));
    assert.equal(evaluate(both, asked, snapshot(FRONT)).grant.ttl.maxMs, HOUR_MS);
    assert.deepEqual(reasons(evaluate(byLabel, asked, snapshot(FRONT))), ['CAP-P01']);
  });

  it('is judged by what is on record where it is judged again', () => {
    const recorded = { ...ofPod('web-1'), recordedPods: [subjectPodOf(FRONT)] };
    assert.equal(evaluate(byLabel, recorded, snapshot()).outcome, 'approved');
  });

  it('is judged again when a pod of the namespace changes', () => {
    const relabelled = { ...FRONT, metadata: { ...FRONT.metadata, resourceVersion: '2', labels: { tier: 'back' } } };
    const change = changeBetween(snapshot(FRONT), snapshot(relabelled));
    assert.ok(concerns(change, byLabel.dependenciesFor('shop')));
    assert.ok(!concerns(change, policySet().dependenciesFor('shop')));
  });
});

describe('A class by labels of pods', () => {
  const WAYPOINT = { 'gateway.istio.io/managed': 'istio.io-mesh-controller' };
  const byLabels: ClassAssignment = {
    class: 'waypoint',
    namespaces: ['*'],
    serviceAccounts: ['*'],
    pods: { labels: WAYPOINT },
  };
  const ttl = (maxMs: number) => ({ minMs: 0, maxMs, defaultMs: Infinity });
  const view = snapshot(FRONT, pod('waypoint-1', WAYPOINT));
  const policies = (waypointMaxMs: number, ...more: readonly ClassAssignment[]): PolicySet =>
    policySet(
      bundle({
        classes: [byLabels, ...more],
        rules: [
          rule({ bounds: wide({ ttl: ttl(8 * HOUR_MS) }) }),
          rule({ id: 'waypoints', match: { classes: ['waypoint'] }, bounds: wide({ ttl: ttl(waypointMaxMs) }) }),
        ],
      }),
    );

  it('is of the pods that have them, and of no others', () => {
    const decide = (name: string) => evaluate(policies(HOUR_MS), ofPod(name), view);
    assert.equal(decide('waypoint-1').class, 'waypoint');
    assert.equal(decide('web-1').class, 'workload');
  });

  it('takes away what the rules of the class take away', () => {
    assert.equal(evaluate(policies(HOUR_MS), ofPod('waypoint-1'), view).grant.ttl.maxMs, HOUR_MS);
  });

  it('gives no more than a workload has, to whoever labels a pod of its own', () => {
    assert.equal(evaluate(policies(24 * HOUR_MS), ofPod('waypoint-1'), view).grant.ttl.maxMs, 8 * HOUR_MS);
  });

  it('gives nothing where a workload would have nothing', () => {
    const only = rule({ match: { classes: ['waypoint'] } });
    const decision = evaluate(policySet(bundle({ classes: [byLabels], rules: [only] })), ofPod('waypoint-1'), view);
    assert.deepEqual(reasons(decision), ['CAP-P01']);
    assert.match(decision.failures[0]?.allowed ?? '', /rules\.mesh for class waypoint/);
  });

  it('that namespace and account give already stays what it is', () => {
    const named: ClassAssignment = { class: 'waypoint', namespaces: ['shop'], serviceAccounts: ['web'] };
    assert.equal(evaluate(policies(24 * HOUR_MS, named), ofPod('waypoint-1'), view).grant.ttl.maxMs, 24 * HOUR_MS);
  });

  it('is added as soon as one of the pods that share the certificate has the labels', () => {
    const decision = evaluate(policies(HOUR_MS), { ...relayed('web-1', 'waypoint-1') }, view);
    assert.equal(decision.class, 'waypoint');
  });
});

describe('A condition on pods that share a certificate', () => {
  const holds = (source: string, ...names: readonly string[]): boolean | string => {
    const compiled = compileExpression(source, 'request');
    if ('problem' in compiled) assert.fail(compiled.problem);
    const check = { kind: 'expression', expression: compiled } as const;
    const policies = policySet(
      bundle({ rules: [rule({ bounds: wide({ impersonators: [] }), conditions: [condition(check)] })] }),
    );
    const view = snapshot(
      FRONT,
      BACK,
      pod('web-3', { tier: 'front', app: 'web' }, EVIL),
      object('Namespace', undefined, 'shop', { metadata: { labels: { mesh: 'on' } } }),
    );
    const { outcome } = evaluate(policies, names.length === 0 ? request() : relayed(...names), view);
    return outcome === 'unavailable' ? outcome : outcome === 'approved';
  };

  it('reads the labels that all of them have, their images, and the labels of the namespace', () => {
    assert.equal(holds("request.podLabels['tier'] == 'front'", 'web-1', 'web-3'), true);
    assert.equal(holds("request.podLabels['tier'] == 'front'", 'web-1', 'web-2'), false);
    assert.equal(holds("'app' in request.podLabels", 'web-1', 'web-3'), false);
    assert.equal(holds(`request.images.all(i, i == '${GOOD}')`, 'web-1', 'web-2'), true);
    assert.equal(holds(`request.images.all(i, i == '${GOOD}')`, 'web-1', 'web-3'), false);
    assert.equal(holds("request.namespaceLabels['mesh'] == 'on'", 'web-1'), true);
  });

  it('finds nothing where there is no pod, and leaves it open where the pod is not in the view', () => {
    assert.equal(holds('size(request.images) > 0'), false);
    assert.equal(holds("request.podLabels['tier'] == 'front'", 'web-9'), 'unavailable');
  });

  it('is judged again when what it reads changes, and not when anything else does', () => {
    const kindsOf = (source: string): readonly string[] => {
      const compiled = compileExpression(source, 'request');
      if ('problem' in compiled) assert.fail(compiled.problem);
      const conditions = [condition({ kind: 'expression', expression: compiled })];
      const policies = policySet(bundle({ rules: [rule({ conditions })] }));
      return [...(policies.dependenciesFor('shop').get('shop') ?? [])];
    };
    assert.deepEqual(kindsOf("request.podLabels['tier'] == 'front'"), ['Pod']);
    assert.deepEqual(kindsOf('size(request.images) > 0'), ['Pod']);
    assert.deepEqual(kindsOf("request.namespaceLabels['mesh'] == 'on'"), ['Namespace']);
    assert.deepEqual(kindsOf("request.namespace == 'shop'"), []);
  });

  it('on labels of the pod wants them of every one', () => {
    const check = { kind: 'matches', target: 'pod', labels: { tier: 'front' } } as const;
    const policies = policySet(bundle({ rules: [rule({ bounds: wide({ impersonators: [] }) })] }), [
      local({ conditions: [condition(check)] }),
    ]);
    assert.equal(evaluate(policies, relayed('web-1'), snapshot(FRONT, BACK)).outcome, 'approved');
    const refused = evaluate(policies, relayed('web-1', 'web-2'), snapshot(FRONT, BACK));
    assert.match(refused.failures[0]?.actual ?? '', /labels tier=back/);
  });

  it('on what selects the pod wants one object that selects every one', () => {
    const policies = policySet(bundle({ rules: [rule({ bounds: wide({ impersonators: [] }) })] }), [
      local({ conditions: [condition({ ...HAS_INGRESS, objectKind: 'Service', selectsPod: true })] }),
    ]);
    const service = object('Service', 'shop', 'front', { spec: { selector: { tier: 'front' } } });
    assert.equal(evaluate(policies, relayed('web-1'), snapshot(FRONT, BACK, service)).outcome, 'approved');
    assert.equal(evaluate(policies, relayed('web-1', 'web-2'), snapshot(FRONT, BACK, service)).outcome, 'refused');
  });
});
