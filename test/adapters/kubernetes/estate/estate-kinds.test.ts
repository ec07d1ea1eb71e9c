// What is taken of an object in which a CA may lie: texts, what it names, who made it; and nothing of what has another shape.
import assert from 'node:assert/strict';
import type { KubernetesObject } from '../../../../src/domain/cluster/snapshot.ts';
import { ESTATE_KINDS } from '../../../../src/adapters/kubernetes/estate/estate-kinds.ts';
import { makerOf } from '../../../../src/adapters/kubernetes/estate/estate-object.ts';
import { Users } from '../../../../src/adapters/kubernetes/estate/users.ts';

const object = (fields: object, metadata: object = {}): KubernetesObject => ({
  ...{ apiVersion: 'v1', kind: 'Kind' },
  metadata: { name: 'name', namespace: 'shop', uid: '1', resourceVersion: '1', ...metadata },
  ...fields,
});
const kind = (name: string, group?: string) =>
  ESTATE_KINDS.find((one) => one.kind === name && (group === undefined || one.group === group))!;

describe('An object of a cluster', () => {
  for (const [title, name, fields, references] of [
    [
      'that is a pod names what it mounts, also in projected volumes',
      'Pod',
      {
        spec: {
          volumes: [
            { secret: { secretName: 'a' } },
            { configMap: { name: 'b' } },
            { projected: { sources: [{ secret: { name: 'c' } }] } },
            { emptyDir: {} },
          ],
        },
      },
      ['Secret shop/a', 'ConfigMap shop/b', 'Secret shop/c'],
    ],
    [
      'that is an Ingress names its Secrets',
      'Ingress',
      { spec: { tls: [{ secretName: 'a' }, { hosts: [] }] } },
      ['Secret shop/a'],
    ],
    [
      'that is a Certificate names its Secret and its issuer',
      'Certificate',
      { spec: { secretName: 'a', issuerRef: { name: 'b', kind: 'ClusterIssuer' } } },
      ['Secret shop/a', 'ClusterIssuer /b'],
    ],
    [
      'that is an Issuer names the Secret of its CA',
      'Issuer',
      { spec: { ca: { secretName: 'a' } } },
      ['Secret shop/a'],
    ],
    ['that has another shape names nothing', 'Pod', { spec: { volumes: 'none' } }, []],
  ] as const) {
    it(title, () => {
      const found = kind(name).names?.(object(fields)) ?? [];
      assert.deepEqual(
        found.map((one) => `${one.kind} ${one.namespace}/${one.name}`),
        references,
      );
    });
  }

  it("that is Istio's Gateway names a Secret wherever its workloads are", () => {
    const gateway = object({ spec: { servers: [{ tls: { credentialName: 'gate' } }] } });
    const [reference] = kind('Gateway', 'networking.istio.io').names?.(gateway) ?? [];
    const users = new Users();
    users.add(reference!, 'Gateway shop/name');
    assert.deepEqual(users.of('Secret', 'istio-ingress', 'gate'), ['Gateway shop/name']);
  });

  it('that is a ClusterIssuer has its Secret where cert-manager has its own', () => {
    const issuer = object({ spec: { ca: { secretName: 'ca' } } }, { namespace: undefined });
    assert.deepEqual(kind('ClusterIssuer').issuer?.(issuer), {
      does: 'signs with a Secret',
      secret: 'cert-manager/ca',
    });
  });

  it("that is Helm's record of a release holds no texts, and neither does what is no text", () => {
    const textsOf = (data: object) => kind('Secret').texts?.(object(data)) ?? [];
    assert.deepEqual(textsOf({ type: 'helm.sh/release.v1', data: { release: 'AAAA' } }), []);
    assert.deepEqual(textsOf({ data: { a: 1, b: null } }), []);
  });

  it('says who made it, for whom, and which issuer it comes from', () => {
    const metadata = {
      creationTimestamp: '2026-01-02T03:04:05Z',
      managedFields: [{ manager: 'kubectl-create' }, { manager: 'status', subresource: 'status' }, { manager: 'helm' }],
      ownerReferences: [{ kind: 'Certificate', name: 'web' }],
      annotations: { 'cert-manager.io/issuer-name': 'own' },
    };
    assert.equal(
      makerOf(object({}, metadata)),
      'kubectl-create, helm on 2026-01-02 03:04:05 UTC for Certificate web by Issuer own',
    );
    assert.equal(makerOf(object({})), 'somebody');
  });

  it('that many name keeps a few of them and counts the rest', () => {
    const users = new Users();
    for (let n = 0; n < 9; n += 1) users.add({ kind: 'Secret', namespace: 'shop', name: 'a' }, `Pod shop/${n}`);
    assert.deepEqual(users.of('Secret', 'shop', 'a'), ['Pod shop/0', 'Pod shop/1', 'Pod shop/2', '6 more']);
  });
});
