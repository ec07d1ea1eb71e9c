import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { KeptRevisions } from '../../../../src/adapters/policy/source/kept-revisions.ts';
import { LocalPolicies } from '../../../../src/adapters/policy/source/local-policies.ts';
import { AuthorityError } from '../../../../src/domain/errors.ts';
import { ownersOf } from '../../../support/policy/owned-documents.ts';

const policy = (namespace: string, name = 'own'): string =>
  `apiVersion: capstan.dev/v1alpha1\nkind: IssuancePolicy\nmetadata: { name: ${name}, namespace: ${namespace} }\nspec: {}\n`;

describe('The last good policies of an owner', () => {
  let root: string;
  beforeEach(async () => (root = await mkdtemp(path.join(tmpdir(), 'capstan-kept-'))));
  afterEach(async () => rm(root, { recursive: true }));

  const at = (folder: string): string => path.join(root, folder);
  const started = (kept = new KeptRevisions(at('kept'), '/policies')): LocalPolicies =>
    new LocalPolicies({ kept, placeOf: (name) => `/policies/${name}` });
  const look = async (policies: LocalPolicies, files: Readonly<Record<string, string>>, nowMs = 0): Promise<void> =>
    policies.look(async () => ownersOf(new Map(Object.entries(files))), nowMs);
  const namesOf = (policies: LocalPolicies): readonly string[] =>
    policies.documents.map(({ document }) => document.name);

  it('are durable before they come in force', async () => {
    const order: string[] = [];
    const kept = new KeptRevisions(at('kept'), '/policies');
    const policies = started(kept);
    const keep = kept.keep.bind(kept);
    kept.keep = async (owner, revision) => {
      order.push(`${owner}: ${namesOf(policies).join()}`);
      await keep(owner, revision);
    };
    await look(policies, { 'shop/a.yaml': policy('shop', 'first') });
    await look(policies, { 'shop/a.yaml': policy('shop', 'second') });
    assert.deepEqual(order.toSorted(), ['*: ', 'shop: ', 'shop: first']);
    assert.deepEqual(namesOf(policies), ['second']);
  });

  it('come in force when they cannot be kept, leave no older copy, and are told until they are kept', async () => {
    await look(started(), { 'shop/a.yaml': policy('shop', 'older') });
    const kept = new KeptRevisions(at('kept'), '/policies');
    const policies = started(kept);
    // What cannot be replaced stands in the way of writing.
    await mkdir(at('kept/namespace-shop.json.new/full'), { recursive: true });
    await look(policies, { 'shop/a.yaml': policy('shop', 'newer') });
    assert.deepEqual(namesOf(policies), ['newer']);
    assert.deepEqual(
      policies.troubles.map(({ owner, state }) => [owner, state]),
      [['namespace shop', 'not kept']],
    );
    assert.ok(!(await readdir(at('kept'))).includes('namespace-shop.json'));
    const next = started();
    await look(next, { 'shop/a.yaml': '{' });
    assert.deepEqual(
      next.troubles.map(({ state }) => state),
      ['refused'],
    );
    await rm(at('kept/namespace-shop.json.new'), { recursive: true });
    await look(policies, { 'shop/a.yaml': policy('shop', 'newer') });
    assert.deepEqual(policies.troubles, []);
  });

  it('are kept by one process of several, and recalled by each', async () => {
    await look(started(), { 'shop/a.yaml': policy('shop', 'first') });
    const other = (): LocalPolicies => started(new KeptRevisions(at('kept'), '/policies', { writes: false }));
    const policies = other();
    await look(policies, { 'shop/a.yaml': policy('shop', 'second') });
    await look(policies, {});
    assert.deepEqual(policies.troubles, []);
    const next = other();
    await look(next, { 'shop/a.yaml': '{' });
    assert.deepEqual(namesOf(next), ['first']);
  });

  it('of another directory say nothing of this one', async () => {
    await look(started(), { 'shop/a.yaml': policy('shop'), 'pay/a.yaml': policy('pay') });
    const moved = started(new KeptRevisions(at('kept'), '/elsewhere'));
    await look(moved, { 'shop/a.yaml': '{' });
    assert.deepEqual(
      moved.troubles.map(({ owner, state }) => [owner, state]),
      [['namespace shop', 'refused']],
    );
    assert.deepEqual([...moved.missing.namespaces.keys()], ['shop']);
    const lost = started(new KeptRevisions(at('kept'), '/nowhere'));
    const problem = new AuthorityError('CAP-X03', { detail: '/nowhere does not exist' });
    await assert.rejects(
      lost.look(async () => Promise.reject(problem), 0),
      problem,
    );
  });

  it('stay for two seconds after the folder went, and are forgotten then', async () => {
    const policies = started();
    const both = { 'shop/a.yaml': policy('shop'), 'pay/a.yaml': policy('pay', 'paid') };
    const { 'pay/a.yaml': gone, ...one } = both;
    assert.ok(gone);
    await look(policies, both, 0);
    await look(policies, one, 10_000);
    assert.deepEqual([namesOf(policies).toSorted(), policies.unsureUntilMs], [['own', 'paid'], 12_000]);
    await look(policies, one, 11_999);
    await look(policies, both, 12_000);
    await look(policies, one, 20_000);
    assert.equal(namesOf(policies).length, 2);
    await look(policies, one, 22_000);
    assert.deepEqual([namesOf(policies), policies.unsureUntilMs], [['own'], undefined]);
    assert.ok(!(await readdir(at('kept'))).includes('namespace-pay.json'));
  });

  it('were there none, an owner who is refused gets nothing by emptying the folder or putting a file there', async () => {
    const policies = started();
    await look(policies, { 'shop/a.yaml': '{' });
    for (const found of [{ texts: new Map() }, { problem: new AuthorityError('CAP-X03'), unlessNew: true as const }]) {
      await policies.look(
        async () =>
          new Map([
            ['*', { texts: new Map() }],
            ['shop', found],
          ]),
        0,
      );
      assert.deepEqual([...policies.missing.namespaces.keys()], ['shop']);
    }
  });
});
