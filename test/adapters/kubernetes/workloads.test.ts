import assert from 'node:assert/strict';
import { readManifests } from '../../../src/adapters/kubernetes/read-manifests.ts';
import { workloadsIn, type Workload } from '../../../src/adapters/kubernetes/workloads.ts';
import { selectorSelects } from '../../../src/domain/policy/pod-selector.ts';

function workloads(text: string): readonly Workload[] {
  const { objects, problems } = readManifests(new Map([['all.yaml', text]]));
  assert.deepEqual(problems, []);
  return workloadsIn(objects).workloads;
}

function names(text: string): string[] {
  return workloads(text).map(
    ({ kind, namespace, name, serviceAccount }) => `${kind} ${namespace}/${name} as ${serviceAccount}`,
  );
}

const POD = '{ metadata: { labels: { app: web } }, spec: { serviceAccountName: web, containers: [] } }';

describe('A workload in a manifest', () => {
  const kinds: readonly [apiVersion: string, kind: string, spec: string][] = [
    ['apps/v1', 'Deployment', `{ template: ${POD} }`],
    ['apps/v1', 'StatefulSet', `{ template: ${POD} }`],
    ['apps/v1', 'DaemonSet', `{ template: ${POD} }`],
    ['apps/v1', 'ReplicaSet', `{ template: ${POD} }`],
    ['v1', 'ReplicationController', `{ template: ${POD} }`],
    ['batch/v1', 'Job', `{ template: ${POD} }`],
    ['batch/v1', 'CronJob', `{ jobTemplate: { spec: { template: ${POD} } } }`],
    ['argoproj.io/v1alpha1', 'Rollout', `{ template: ${POD} }`],
  ];
  for (const [apiVersion, kind, spec] of kinds) {
    it(`of kind ${kind} runs pods as the service account of its template`, () => {
      const [workload] = workloads(
        `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: w, namespace: shop }\nspec: ${spec}\n`,
      );
      assert.equal(workload?.kind, kind);
      assert.equal(workload.serviceAccount, 'web');
      assert.deepEqual(workload.podLabels, { app: 'web' });
      assert.equal(workload.pod?.metadata.name, 'w-example');
      assert.equal(workload.pod.metadata.namespace, 'shop');
      assert.deepEqual(workload.pod['spec'], { serviceAccountName: 'web', containers: [] });
    });
  }

  it('may be a pod, which is then its own example', () => {
    const [workload] = workloads(
      'apiVersion: v1\nkind: Pod\nmetadata: { name: p, namespace: shop, labels: { app: p } }\nspec: { serviceAccountName: api }',
    );
    assert.equal(workload?.serviceAccount, 'api');
    assert.deepEqual(workload.podLabels, { app: 'p' });
    assert.equal(workload.pod?.metadata.name, 'p');
  });

  it('runs as "default" unless it says otherwise', () => {
    const job = (spec: string) =>
      names(`apiVersion: batch/v1\nkind: Job\nmetadata: { name: j }\nspec: { template: { spec: ${spec} } }`);
    assert.deepEqual(job('{}'), ['Job default/j as default']);
    assert.deepEqual(job("{ serviceAccountName: '' }"), ['Job default/j as default']);
    assert.deepEqual(job('{ serviceAccount: old }'), ['Job default/j as old']);
  });

  it('does not vanish because its template does', () =>
    assert.deepEqual(names('apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: d }'), [
      'Deployment default/d as default',
    ]));

  it('is told at its line', () => {
    const [, second] = workloads(
      [1, 2].map((n) => `apiVersion: v1\nkind: Pod\nmetadata: { name: p${n} }\n`).join('---\n'),
    );
    assert.deepEqual(second?.position, { place: 'all.yaml', line: 5, column: 1 });
  });

  it('gives a pod that selectors select before anything runs', () => {
    const [workload] = workloads(
      `apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: w }\nspec: { template: ${POD} }`,
    );
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', uid: '1', resourceVersion: '1' },
      spec: { selector: { app: 'web' } },
    };
    assert.equal(selectorSelects(service, workload!.pod!), true);
    assert.equal(selectorSelects({ ...service, spec: { selector: { app: 'api' } } }, workload!.pod!), false);
  });
});

describe('Among the objects of a cluster', () => {
  const owned = (kind: string, name: string, owner: string) =>
    `apiVersion: ${kind === 'Pod' ? 'v1' : 'apps/v1'}
kind: ${kind}
metadata:
  name: ${name}
  ownerReferences: [${owner}]
`;
  const DEPLOYMENT = 'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\n';
  const OF_DEPLOYMENT = '{ apiVersion: apps/v1, kind: Deployment, name: web, controller: true }';

  it('a workload is listed once, not again as the pods and sets that its controller made', () => {
    const all = [
      owned('Pod', 'web-1-a', '{ apiVersion: apps/v1, kind: ReplicaSet, name: web-1, controller: true }'),
      owned('ReplicaSet', 'web-1', OF_DEPLOYMENT),
      DEPLOYMENT,
    ];
    assert.deepEqual(names(all.join('---\n')), ['Deployment default/web as default']);
  });

  it('a pod is listed whose controller is not among them', () =>
    assert.deepEqual(names(owned('Pod', 'web-1-a', OF_DEPLOYMENT)), ['Pod default/web-1-a as default']));

  it('an owner of another namespace owns nothing here', () => {
    const elsewhere = DEPLOYMENT.replace('name: web', 'name: web, namespace: elsewhere');
    assert.equal(names(`${elsewhere}---\n${owned('Pod', 'p', OF_DEPLOYMENT)}`).length, 2);
  });

  it('what runs no pods is no workload', () =>
    assert.deepEqual(
      names('apiVersion: v1\nkind: Service\nmetadata: { name: s }\nspec: { selector: { app: web } }\n'),
      [],
    ));
});
