import assert from 'node:assert/strict';
import {
  changeBetween,
  CLUSTER_ITSELF,
  concerns,
  type ClusterChange,
} from '../../../src/domain/cluster/cluster-change.ts';
import { IndexedSnapshot } from '../../../src/domain/cluster/indexed-snapshot.ts';
import { unsyncedSnapshot, type ClusterSnapshot, type KubernetesObject } from '../../../src/domain/cluster/snapshot.ts';
import { object, snapshot } from '../../support/policy/policies.ts';

const INGRESS = object('Ingress', 'shop', 'front');
const edited = (one: KubernetesObject): KubernetesObject => ({
  ...one,
  metadata: { ...one.metadata, resourceVersion: '2' },
});

/** As `kind/namespace`, or `everything`. */
function changed(before: ClusterSnapshot, after: ClusterSnapshot): readonly string[] {
  const change = changeBetween(before, after);
  if (change === 'everything') return [change];
  return [...change].flatMap(([namespace, kinds]) => [...kinds].map((kind) => `${kind}/${namespace}`)).sort();
}

describe('What changed in a cluster', () => {
  const other = object('Pod', 'pay', 'api');
  const table: readonly [
    what: string,
    before: readonly KubernetesObject[],
    after: readonly KubernetesObject[],
    string[],
  ][] = [
    ['is nothing when the same objects are read again', [INGRESS, other], [{ ...INGRESS }, other], []],
    ['is the kind and namespace of an object that comes', [other], [other, INGRESS], ['Ingress/shop']],
    ['is the kind and namespace of an object that goes', [INGRESS, other], [other], ['Ingress/shop']],
    [
      'is the kind and namespace of an object that differs',
      [INGRESS, other],
      [edited(INGRESS), other],
      ['Ingress/shop'],
    ],
    ['is told apart by API version', [INGRESS], [{ ...INGRESS, apiVersion: 'networking.k8s.io/v1' }], ['Ingress/shop']],
    [
      'is the cluster itself for an object without a namespace',
      [],
      [object('GatewayClass', undefined, 'istio')],
      ['GatewayClass/'],
    ],
    [
      'is a namespace too, for its Namespace object',
      [object('Namespace', undefined, 'pay'), object('Namespace', undefined, 'shop')],
      [object('Namespace', undefined, 'pay'), edited(object('Namespace', undefined, 'shop'))],
      ['Namespace/', 'Namespace/shop'],
    ],
  ];
  for (const [what, before, after, expected] of table) {
    it(what, () => assert.deepEqual(changed(snapshot(...before), snapshot(...after)), expected));
  }

  it('is everything when a view syncs or becomes incomplete, for what is missing may be anywhere', () => {
    const synced = snapshot(INGRESS);
    const incomplete = new IndexedSnapshot('1', [INGRESS], { incomplete: 'a.yaml cannot be read' });
    for (const [before, after] of [
      [unsyncedSnapshot('listing'), synced],
      [synced, incomplete],
      [incomplete, synced],
    ] as const) {
      assert.deepEqual(changed(before, after), ['everything']);
    }
  });

  it('concerns who depends on a kind in a namespace in which it changed, and nobody else', () => {
    const change: ClusterChange = new Map([
      ['shop', new Set(['Pod'])],
      [CLUSTER_ITSELF, new Set(['GatewayClass'])],
    ]);
    const of = (namespace: string, ...kinds: readonly string[]) => new Map([[namespace, new Set(kinds)]]);
    assert.equal(concerns(change, of('shop', 'Ingress', 'Pod')), true);
    assert.equal(concerns(change, of(CLUSTER_ITSELF, 'GatewayClass')), true);
    assert.equal(concerns(change, of('shop', 'Ingress')), false);
    assert.equal(concerns(change, of('pay', 'Pod')), false);
    assert.equal(concerns(change, new Map()), false);
    assert.equal(concerns('everything', new Map()), true);
  });
});

describe('The version of a namespace', () => {
  const first = new IndexedSnapshot('v1', [INGRESS, object('Pod', 'pay', 'api')]);
  const next = (before: ClusterSnapshot, version: string, ...objects: readonly KubernetesObject[]) =>
    new IndexedSnapshot(version, objects, { before });

  it('stays through changes elsewhere, also of a namespace that has nothing', () => {
    const second = next(first, 'v2', INGRESS);
    const third = next(second, 'v3', INGRESS, object('GatewayClass', undefined, 'istio'));
    assert.deepEqual(
      ['shop', 'pay', 'empty', CLUSTER_ITSELF].map((namespace) => third.versions.of(namespace)),
      ['v1', 'v2', 'v1', 'v3'],
    );
  });

  it('changes with the labels of its Namespace object', () => {
    const second = next(first, 'v2', INGRESS, object('Pod', 'pay', 'api'), object('Namespace', undefined, 'pay'));
    assert.deepEqual([second.versions.of('shop'), second.versions.of('pay')], ['v1', 'v2']);
  });

  it('changes everywhere when a view syncs', () => {
    const synced = next(unsyncedSnapshot('listing'), 'v1', INGRESS);
    assert.deepEqual([synced.versions.of('shop'), synced.versions.of('pay')], ['v1', 'v1']);
  });
});
