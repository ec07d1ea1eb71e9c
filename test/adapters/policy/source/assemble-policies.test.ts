import assert from 'node:assert/strict';
import { assemble, type LocalDocument } from '../../../../src/adapters/policy/source/assemble-policies.ts';
import { parsePolicyDocuments } from '../../../../src/adapters/policy/source/parse-documents.ts';
import type { PolicySet } from '../../../../src/domain/policy/policy-set.ts';
import { formatPosition } from '../../../../src/domain/text/position.ts';
import { bundle, CLUSTER } from '../../../support/policy/policies.ts';

function policy(metadata: string, kind = 'IssuancePolicy', spec = '{}'): string {
  return `apiVersion: capstan.dev/v1alpha1\nkind: ${kind}\nmetadata: ${metadata}\nspec: ${spec}\n`;
}

function documentsOf(files: Readonly<Record<string, string>>): readonly LocalDocument[] {
  return Object.entries(files).flatMap(([file, text]) => {
    const { documents, problems } = parsePolicyDocuments(text, `/policies/${file}`);
    assert.deepEqual(problems, []);
    return documents.map((document) => ({ ...document, file }));
  });
}

function assembled(documents: readonly LocalDocument[], bundleDigest = 'd1', cluster = CLUSTER) {
  return assemble({ bundle: bundle(), bundleDigest, documents, cluster });
}

function accepted(files: Readonly<Record<string, string>>): PolicySet {
  const set = assembled(documentsOf(files));
  assert.ok(!('problems' in set), JSON.stringify(set));
  return set;
}

function problemsOf(files: Readonly<Record<string, string>>): readonly string[] {
  const set = assembled(documentsOf(files));
  if (!('problems' in set)) return [];
  return set.problems.map(({ position, path, problem }) => `${formatPosition(position)} ${path} ${problem}`);
}

const SHOP = policy('{ name: api, namespace: shop }');
const TEAM = policy('{ name: api, namespace: team-a }');
const PLATFORM = policy('{ name: api }', 'ClusterIssuancePolicy');

describe('A revision of all policies', () => {
  it('is the bundle alone when there are no local policies', () => {
    const { local, bundleName } = accepted({});
    assert.deepEqual([local, bundleName], [[], 'corp@1']);
  });

  it('has each local policy with the digest of what was written', () => {
    const { local } = accepted({ 'shop/api.yaml': SHOP });
    assert.deepEqual(
      local.map(({ policy: { kind, name }, digest }) => [kind, name, digest]),
      [['IssuancePolicy', 'api', documentsOf({ 'shop/api.yaml': SHOP })[0]?.digest]],
    );
  });

  it('is the same whatever the files are called and in whatever order they come', () => {
    const { revision } = accepted({ 'a.yaml': SHOP, 'b.yaml': TEAM, 'c.yaml': PLATFORM });
    assert.equal(accepted({ 'c.yaml': PLATFORM, 'shop/x.yaml': SHOP, 'team-a/y.yaml': TEAM }).revision, revision);
    assert.equal(accepted({ 'all.yaml': [PLATFORM, TEAM, SHOP].join('---\n') }).revision, revision);
    assert.equal(accepted({ 'all.yaml': `# a note\n${[TEAM, SHOP, PLATFORM].join('---\n')}` }).revision, revision);
  });

  it('is another when anything in it is', () => {
    const documents = documentsOf({ 'a.yaml': SHOP });
    const other = documentsOf({
      'a.yaml': policy('{ name: api, namespace: shop }', 'IssuancePolicy', '{ mode: audit }'),
    });
    const sets = [
      assembled(documents),
      assembled([]),
      assembled(other),
      assembled(documents, 'd2'),
      assembled(documents, 'd1', { ...CLUSTER, id: 'test-2' }),
      assembled(documents, 'd1', { ...CLUSTER, labels: {} }),
    ];
    assert.equal(new Set(sets.map((set) => ('revision' in set ? set.revision : 'none'))).size, sets.length);
  });

  it('may have policies of one name in different namespaces, and one for the cluster', () => {
    assert.equal(accepted({ 'a.yaml': SHOP, 'b.yaml': TEAM, 'c.yaml': PLATFORM }).local.length, 3);
  });

  it('has no policy twice, and names both places', () => {
    const text = `${PLATFORM}---\n${SHOP}`;
    assert.deepEqual(problemsOf({ 'a.yaml': text, 'shop/b.yaml': SHOP, 'c.yaml': PLATFORM }), [
      '/policies/shop/b.yaml:3:13 metadata.name repeats the IssuancePolicy shop/api of /policies/a.yaml:6:1',
      '/policies/c.yaml:3:13 metadata.name repeats the ClusterIssuancePolicy api of /policies/a.yaml:1:1',
    ]);
  });

  it('takes a folder named like a namespace as that namespace and no other', () => {
    const files = {
      'shop/deep/a.yaml': SHOP,
      'team-a/b.yaml': `${PLATFORM}---\n${SHOP.replace('name: api', 'name: web')}`,
    };
    assert.deepEqual(problemsOf(files), [
      '/policies/team-a/b.yaml:2:1 kind is a ClusterIssuancePolicy, but a file below team-a/ belongs to the namespace team-a only',
      '/policies/team-a/b.yaml:8:24 metadata.namespace is shop, but a file below team-a/ belongs to the namespace team-a only',
    ]);
  });

  it('leaves top-level files and folders that name no namespace free', () => {
    assert.deepEqual(problemsOf({ 'shop.yaml': TEAM, '_shared/a.yaml': SHOP, 'Platform/b.yaml': PLATFORM }), []);
  });

  it('has no second bundle among the local policies', () => {
    const text = `apiVersion: capstan.dev/v1alpha1
kind: PolicyBundle
metadata: { name: mine, sequence: 99 }
owner: { team: me, contact: me@corp.example }
rules: []
`;
    assert.deepEqual(problemsOf({ 'a.yaml': SHOP, 'b.yaml': text }), [
      '/policies/b.yaml:2:1 kind is a PolicyBundle, which no local policy can be',
    ]);
  });

  it('tells all problems at once', () => {
    assert.equal(problemsOf({ 'a.yaml': SHOP, 'b.yaml': SHOP, 'team-a/c.yaml': SHOP }).length, 3);
  });

  it('has at most 10,000 local policies', () => {
    const [one] = documentsOf({ 'a.yaml': SHOP });
    assert.ok(one?.document.kind === 'IssuancePolicy');
    const { document } = one;
    const many = Array.from({ length: 10_001 }, (_, n) => ({ ...one, document: { ...document, name: `p${n}` } }));
    assert.ok('revision' in assembled(many.slice(1)));
    const set = assembled(many);
    assert.deepEqual('problems' in set && set.problems.map(({ problem }) => problem), ['is beyond 10,000 policies']);
  });
});
