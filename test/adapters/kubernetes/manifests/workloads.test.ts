import assert from 'node:assert/strict';
import { readKindTable } from '../../../../src/adapters/kubernetes/manifests/kind-table.ts';
import { readManifests } from '../../../../src/adapters/kubernetes/manifests/read-manifests.ts';
import { workloadsIn, type Workload } from '../../../../src/adapters/kubernetes/manifests/workloads.ts';
import { formatPosition } from '../../../../src/domain/text/position.ts';
import { selectorSelects } from '../../../../src/domain/policy/evaluation/pod-selector.ts';

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

describe('Of a kind that is not known', () => {
  const custom = (kind: string, spec: string): string =>
    `apiVersion: example.dev/v1\nkind: ${kind}\nmetadata: { name: c, namespace: shop }\nspec: ${spec}\n`;
  const found = (text: string, table?: string) => {
    const { objects, problems } = readManifests(new Map([['all.yaml', text]]));
    assert.deepEqual(problems, []);
    const read = table === undefined ? { kinds: new Map() } : readKindTable(table, 'kinds.yaml');
    assert.ok('kinds' in read, JSON.stringify(read));
    const { workloads: judged, unjudged } = workloadsIn(objects, read.kinds);
    return [
      ...judged.map(
        ({ kind, serviceAccount, pod }) => `${kind} as ${serviceAccount}${pod === undefined ? '' : ', a pod'}`,
      ),
      ...unjudged.map(({ kind, why }) => `${kind} ${why}`),
    ];
  };

  it('an account that is named outside of pod templates is judged', () => {
    assert.deepEqual(
      found(custom('Spark', '{ driver: { serviceAccount: spark }, executor: { serviceAccount: spark } }')),
      ['Spark as spark'],
    );
    assert.deepEqual(found(custom('Collector', '{ serviceAccount: otel }')), ['Collector as otel']);
    assert.deepEqual(found(custom('Mount', '{ volumes: [{ serviceAccount: { serviceAccountName: disk } }] }')), [
      'Mount as disk',
    ]);
  });

  const hints: readonly (readonly [spec: string, named: string, at: string])[] = [
    ['{ serviceAccount: { create: true, name: web } }', 'web', 'spec.serviceAccount'],
    ['{ auth: { serviceAccountRef: { name: web } } }', 'web', 'spec.auth.serviceAccountRef'],
    ['{ jobs: [{ executorServiceAccount: web }] }', 'web', 'spec.jobs.0.executorServiceAccount'],
    ['{ pod_service_account_name: web }', 'web', 'spec.pod_service_account_name'],
  ];
  for (const [spec, named, at] of hints) {
    it(`a field that seems to name an account is listed: ${spec}`, () =>
      assert.deepEqual(found(custom('Thing', spec)), [
        `Thing names ${named} in ${at}: what runs as it is not known (--kinds)`,
      ]));
  }

  it('a field that seems to name an account is not listed beside a pod that runs as it', () =>
    assert.deepEqual(found(custom('Thing', `{ serviceAccount: { name: web }, template: ${POD} }`)), [
      'Thing as web, a pod',
    ]));

  it('what is no name of a service account is left alone', () => {
    for (const spec of [
      '{ serviceAccount: someone@project.iam.gserviceaccount.com }',
      '{ serviceAccount: { create: true } }',
      '{ automountServiceAccountToken: true, serviceAccountToken: { path: t } }',
      '{ serviceAccountIssuer: https://issuer.example }',
      '{ serviceAccounts: [web] }',
    ])
      assert.deepEqual(found(custom('Thing', spec)), [], spec);
  });

  it('whose pods another object describes is listed, with the name of that', () =>
    assert.deepEqual(
      found(
        'apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: { name: r, namespace: shop }\n' +
          'spec: { workloadRef: { apiVersion: apps/v1, kind: Deployment, name: api } }\n',
      ),
      ['Rollout runs the pods of api, which its workloadRef names'],
    ));

  describe('that a table tells of', () => {
    const TABLE = `kinds:
  - { group: example.dev, kind: Farm, podTemplate: "spec.workers[].pod" }
  - { group: example.dev, kind: Farm, serviceAccount: spec.runAs.account }
  - { apiVersion: example.dev/v1alpha1, kind: Walker, serviceAccount: "spec.legs[][].who" }
`;

    it('pods and accounts are judged where it says, and nowhere else', () => {
      assert.deepEqual(
        found(
          custom(
            'Farm',
            `{ workers: [{ pod: ${POD} }, { pod: { spec: {} } }], runAs: { account: farmer }, serviceAccount: no }`,
          ),
          TABLE,
        ),
        ['Farm as web, a pod', 'Farm as default, a pod', 'Farm as farmer'],
      );
      assert.deepEqual(found(custom('Walker', '{ legs: [[{ who: left }], [{ who: right }]] }'), TABLE), [
        'Walker as left',
        'Walker as right',
      ]);
    });

    it('an object that has nothing there is listed', () => {
      for (const spec of ['{}', '{ workers: [] }', '{ workers: {} }', '{ runAs: { account: null } }'])
        assert.deepEqual(found(custom('Farm', spec), TABLE), ['Farm has nothing where the table of kinds says']);
      assert.deepEqual(found(custom('Farm', '{ workers: [{ pod: text }], runAs: { account: 7 } }'), TABLE), [
        'Farm has no pod template at spec.workers.0.pod',
        'Farm has no service account at spec.runAs.account',
      ]);
    });

    it('an object is judged that otherwise refers to other objects', () =>
      assert.deepEqual(
        found(
          'apiVersion: kyverno.io/v1\nkind: Job\nmetadata: { name: j, namespace: shop }\nspec: { pod: { spec: { serviceAccountName: own } } }\n',
          'kinds: [{ group: kyverno.io, kind: Job, podTemplate: spec.pod }]',
        ),
        ['Job as own, a pod'],
      ));
  });

  describe('a table that is wrong is refused', () => {
    const wrong: readonly (readonly [table: string, ...problems: string[]])[] = [
      ['', 'kinds.yaml:1:1  must be one document with a list of kinds'],
      ['kinds: []\n---\nkinds: []\n', 'kinds.yaml:3:1  must be one document with a list of kinds'],
      ['[]', 'kinds.yaml:1:1  must be a mapping with a list of kinds'],
      ['kinds: []', 'kinds.yaml:1:1 kinds must not be empty'],
      ['kind: x', 'kinds.yaml:1:1 kinds is missing', 'kinds.yaml:1:1 kind is no field of this table'],
      [
        'kinds:\n  - { kind: A, podTemplate: spec.x }\n  - { group: a.dev, kind: B }\n  - C\n',
        'kinds.yaml:2:5 kinds.0 must have apiVersion or group',
        'kinds.yaml:3:5 kinds.1 must have podTemplate or serviceAccount',
        'kinds.yaml:4:5 kinds.2 must be a mapping',
      ],
      [
        'kinds:\n  - { group: apps, kind: Deployment, podTemplate: spec.x }\n',
        'kinds.yaml:2:5 kinds.0 is of a kind of Kubernetes, which is known',
      ],
      [
        'kinds:\n  - { group: a.dev, kind: 7, podTemplate: "spec..x", more: 1 }\n',
        'kinds.yaml:2:21 kinds.0.kind must be text',
        'kinds.yaml:2:30 kinds.0.podTemplate must be a path such as spec.template or spec.tasks[].template',
        'kinds.yaml:2:54 kinds.0.more is no field of this table',
      ],
      [
        `kinds: [{ group: a.dev, kind: A, podTemplate: ${'a.'.repeat(16)}b }]`,
        'kinds.yaml:1:34 kinds.0.podTemplate must have no more than 16 steps',
      ],
      ['kinds: [', 'kinds.yaml:1:9  '],
    ];
    for (const [table, ...expected] of wrong) {
      it(`naming each problem at its place: ${JSON.stringify(table.slice(0, 60))}`, () => {
        const read = readKindTable(table, 'kinds.yaml');
        assert.ok('problems' in read);
        const told = read.problems.map(
          ({ position, path, problem }) => `${formatPosition(position)} ${path} ${problem}`,
        );
        assert.equal(told.length, expected.length, told.join('\n'));
        for (const [index, words] of expected.entries()) assert.equal(told[index]?.slice(0, words.length), words);
      });
    }

    it('when it has more than 1,000 entries', () => {
      const entries = Array.from({ length: 1_001 }, (_, n) => ({ group: 'a.dev', kind: `K${n}`, podTemplate: 'spec' }));
      const read = readKindTable(JSON.stringify({ kinds: entries }), 'kinds.json');
      assert.ok('problems' in read);
      assert.equal(read.problems[0]?.problem, 'must have no more than 1000 entries');
    });
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

  it('what says that it is owned is listed when it runs as somebody else, or owns itself in the end', () => {
    const evil = `${owned('Pod', 'evil', OF_DEPLOYMENT)}spec: { serviceAccountName: evil }\n`;
    assert.deepEqual(names(`${DEPLOYMENT}---\n${evil}`), [
      'Deployment default/web as default',
      'Pod default/evil as evil',
    ]);
    const of = (name: string): string => `{ apiVersion: v1, kind: Pod, name: ${name} }`;
    assert.deepEqual(names(owned('Pod', 'p', of('p'))), ['Pod default/p as default']);
    const circle = [owned('Pod', 'p', of('q')), owned('Pod', 'q', of('p'))].join('---\n');
    assert.deepEqual(names(circle), ['Pod default/p as default', 'Pod default/q as default']);
  });

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
