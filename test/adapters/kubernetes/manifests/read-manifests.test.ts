import assert from 'node:assert/strict';
import {
  joinManifests,
  readManifestFile,
  readManifests,
} from '../../../../src/adapters/kubernetes/manifests/read-manifests.ts';
import { formatPosition } from '../../../../src/domain/text/position.ts';

function read(files: Readonly<Record<string, string>>) {
  const { objects, problems } = readManifests(new Map(Object.entries(files)));
  return {
    objects: objects.map(({ object }) => object),
    at: objects.map(({ object, position }) => `${object.metadata.name} ${formatPosition(position)}`),
    problems: problems.map(({ position, path, problem }) =>
      [formatPosition(position), path, problem].filter(Boolean).join(' '),
    ),
  };
}

/** `kind ns/name` of each object, the cluster's own without a namespace. */
function namesIn(files: Readonly<Record<string, string>>): string[] {
  return read(files).objects.map(({ kind, metadata: { namespace, name } }) =>
    [kind, [namespace, name].filter((part) => part !== undefined).join('/')].join(' '),
  );
}

const SERVICE = 'apiVersion: v1\nkind: Service\nmetadata: { name: web, namespace: shop }\n';

describe('A manifest', () => {
  it('becomes an object with everything that it says', () => {
    const { objects, at } = read({
      'web.yaml': `# the shop\n${SERVICE}spec: { selector: { app: web } }\nstatus: {}\n`,
    });
    assert.deepEqual(at, ['web web.yaml:2:1']);
    const [object] = objects;
    assert.deepEqual(object?.['spec'], { selector: { app: 'web' } });
    assert.deepEqual(object['status'], {});
  });

  it('is in the namespace "default" when it names none, as kubectl has it', () =>
    assert.deepEqual(
      namesIn({ a: 'apiVersion: v1\nkind: Service\nmetadata: { name: web }', b: SERVICE.replace('shop', "''") }),
      ['Service default/web'],
    ));

  it('is in no namespace when its kind is the cluster’s own, whatever it names', () =>
    assert.deepEqual(
      namesIn({
        a: `apiVersion: v1\nkind: Namespace\nmetadata: { name: shop, namespace: shop }
---
apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: { name: reader }
---
apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: { name: istio }
---
apiVersion: example.com/v1\nkind: Node\nmetadata: { name: not-kubernetes-own }`,
      }),
      ['Namespace shop', 'ClusterRole reader', 'GatewayClass istio', 'Node default/not-kubernetes-own'],
    ));

  it('learns from a CustomResourceDefinition beside it that its kind is the cluster’s own', () => {
    const definition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: tiers.example.com }
spec: { group: example.com, scope: Cluster, names: { kind: Tier, plural: tiers } }`;
    const tier = 'apiVersion: example.com/v1\nkind: Tier\nmetadata: { name: gold }';
    assert.deepEqual(namesIn({ 'a.yaml': tier, 'b.yaml': definition }), [
      'Tier gold',
      'CustomResourceDefinition tiers.example.com',
    ]);
    assert.deepEqual(namesIn({ 'a.yaml': tier }), ['Tier default/gold']);
  });

  it('keeps the uid that a live cluster gave it, but not the version: an edit here would not change that', () => {
    const [object] = read({
      a: 'apiVersion: v1\nkind: Pod\nmetadata: { name: p, uid: 6f1e, resourceVersion: "812" }',
    }).objects;
    assert.equal(object?.metadata.uid, '6f1e');
    const [edited] = read({
      a: 'apiVersion: v1\nkind: Pod\nmetadata: { name: p, uid: 6f1e, resourceVersion: "812", labels: { a: b } }',
    }).objects;
    assert.notEqual(edited?.metadata.resourceVersion, object.metadata.resourceVersion);
  });

  it('has a uid by its name and a version by its contents when it has none of its own', () => {
    const [first] = read({ a: SERVICE }).objects;
    const [moved] = read({ b: `\n# elsewhere\n${SERVICE}` }).objects;
    const [edited] = read({ a: `${SERVICE}spec: {}` }).objects;
    assert.match(first?.metadata.uid ?? '', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    assert.match(first?.metadata.resourceVersion ?? '', /^[0-9a-f]{16}$/);
    assert.deepEqual(moved, first);
    assert.equal(edited?.metadata.uid, first?.metadata.uid);
    assert.notEqual(edited?.metadata.resourceVersion, first?.metadata.resourceVersion);
  });

  it('may leave the end of its name to the API server, which names two of them apart', () => {
    const job = 'apiVersion: batch/v1\nkind: Job\nmetadata: { generateName: migrate-, namespace: shop }\n';
    assert.deepEqual(namesIn({ a: `${job}---\n${job}` }), ['Job shop/migrate-*', 'Job shop/migrate-*']);
    assert.deepEqual(read({ a: `${job}---\n${job}` }).problems, []);
  });

  it('may carry labels and annotations that say nothing', () => {
    const [object] = read({
      a: 'apiVersion: v1\nkind: Pod\nmetadata: { name: p, labels: null, annotations: {} }',
    }).objects;
    assert.equal(object?.metadata.labels, undefined);
    assert.deepEqual(object?.metadata.annotations, {});
  });

  it('may lie beside policies, which are no business of the cluster view', () =>
    assert.deepEqual(
      read({ a: `apiVersion: capstan.dev/v1alpha1\nkind: IssuancePolicy\nspec: 7\n---\n${SERVICE}` }).problems,
      [],
    ));
});

describe('A list of manifests', () => {
  it('is unfolded, each item with its own place', () => {
    const { at, problems } = read({
      'all.yaml': `apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Service
    metadata: { name: one }
  - apiVersion: v1
    kind: List
    items:
      - { apiVersion: v1, kind: Service, metadata: { name: two } }
`,
    });
    assert.deepEqual(problems, []);
    assert.deepEqual(at, ['one all.yaml:4:5', 'two all.yaml:10:9']);
  });

  it('of one kind says for its items what they leave out', () =>
    assert.deepEqual(
      namesIn({ a: 'apiVersion: apps/v1\nkind: DeploymentList\nitems: [{ metadata: { name: web } }]' }),
      ['Deployment default/web'],
    ));

  it('is not everything whose kind ends like one', () =>
    assert.deepEqual(namesIn({ a: 'apiVersion: example.com/v1\nkind: AllowList\nmetadata: { name: ips }' }), [
      'AllowList default/ips',
    ]));

  it('may be empty', () => assert.deepEqual(namesIn({ a: 'apiVersion: v1\nkind: List\nitems:' }), []));
});

describe('A manifest that is no Kubernetes object', () => {
  const cases: readonly [why: string, text: string, told: readonly string[]][] = [
    ['is a word', 'hello', ['bad.yaml:1:1 is no Kubernetes object']],
    ['is a list', '- a', ['bad.yaml:1:1 is no Kubernetes object']],
    [
      'lacks what every object has',
      'spec: {}',
      ['bad.yaml:1:1 apiVersion is missing', 'bad.yaml:1:1 kind is missing', 'bad.yaml:1:1 metadata is missing'],
    ],
    ['has no name', 'apiVersion: v1\nkind: Pod\nmetadata:\n  labels: {}\n', ['bad.yaml:3:1 metadata.name is missing']],
    [
      'has a number for a name',
      'apiVersion: v1\nkind: Pod\nmetadata:\n  name: 7\n',
      ['bad.yaml:4:3 metadata.name must be text: put it in quotes'],
    ],
    [
      'has labels that are no text',
      'apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  labels:\n    tier: 1\n    mesh: true\n',
      [
        'bad.yaml:6:5 metadata.labels.tier must be text: put it in quotes',
        'bad.yaml:7:5 metadata.labels.mesh must be text: put it in quotes',
      ],
    ],
    [
      'has a list of labels',
      'apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  labels: [a]\n',
      ['bad.yaml:5:3 metadata.labels must be a mapping of names to text'],
    ],
    [
      'gives its pods labels that are no text',
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: d }\nspec:\n  template:\n    metadata:\n      labels: { v: 2 }\n',
      ['bad.yaml:7:17 spec.template.metadata.labels.v must be text: put it in quotes'],
    ],
    [
      'runs its pods as a number',
      'apiVersion: v1\nkind: Pod\nmetadata: { name: p }\nspec:\n  serviceAccountName: 7\n',
      ['bad.yaml:5:3 spec.serviceAccountName must be text: put it in quotes'],
    ],
    [
      'is wrong inside a list',
      'apiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: Pod\n    metadata: {}\n  - 7\n',
      ['bad.yaml:6:5 items.0.metadata.name is missing', 'bad.yaml:7:5 items.1 is no Kubernetes object'],
    ],
    ['is a list without a list', 'apiVersion: v1\nkind: List\nitems: 7\n', ['bad.yaml:3:1 items must be a list']],
  ];
  for (const [why, text, told] of cases) {
    it(`${why}: each problem has its place and field`, () =>
      assert.deepEqual(read({ 'bad.yaml': text }).problems, told));
  }
});

describe('Manifests together', () => {
  it('may not describe one object twice; both places are told and the first counts', () => {
    const { at, problems } = read({ 'b.yaml': SERVICE, 'a.yaml': `---\n${SERVICE}---\n${SERVICE}` });
    assert.deepEqual(at, ['web a.yaml:2:1']);
    assert.deepEqual(problems, [
      'a.yaml:6:1 Service shop/web is there twice: first at a.yaml:2:1',
      'b.yaml:1:1 Service shop/web is there twice: first at a.yaml:2:1',
    ]);
  });

  it('may use one kind of two groups: a Gateway is not always a Gateway', () => {
    const gateway = (group: string) => `apiVersion: ${group}/v1\nkind: Gateway\nmetadata: { name: public }`;
    const { objects, problems } = read({
      a: `${gateway('networking.istio.io')}\n---\n${gateway('gateway.networking.k8s.io')}`,
    });
    assert.deepEqual(problems, []);
    assert.equal(new Set(objects.map(({ metadata }) => metadata.uid)).size, 2);
  });

  it('are the same objects in whatever order the files come', () => {
    const files = { 'a.yaml': SERVICE, 'b.yaml': SERVICE.replace('web', 'api') };
    const backwards = Object.fromEntries(Object.entries(files).reverse());
    assert.deepEqual(read(backwards), read(files));
  });

  it('are bounded: the first object too many is told, and those after it are left out', () => {
    const file = readManifestFile([1, 2, 3, 4].map((name) => SERVICE.replace('web', `web-${name}`)).join('---\n'), 'a');
    const { objects, problems } = joinManifests([file], { maxObjects: 2 });
    assert.equal(objects.length, 2);
    assert.deepEqual(problems, [
      { position: { place: 'a', line: 9, column: 1 }, path: '', problem: 'is one more than 2 objects' },
    ]);
    assert.equal(joinManifests([file], { maxObjects: 4 }).problems.length, 0);
  });
});
