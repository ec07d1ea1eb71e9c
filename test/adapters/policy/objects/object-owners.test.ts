import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { PolicyBundleSource } from '../../../../src/adapters/policy/bundle/sources/bundle-source.ts';
import { AssembledPolicySource } from '../../../../src/adapters/policy/source/assembled-policy-source.ts';
import { KeptRevisions } from '../../../../src/adapters/policy/source/kept-revisions.ts';
import { localPolicyHealth } from '../../../../src/adapters/policy/source/local-policy-health.ts';
import { ObjectOwners } from '../../../../src/adapters/policy/objects/object-owners.ts';
import { NAMESPACE_BOUNDS } from '../../../../src/adapters/policy/source/read-owners.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';
import { FakePolicyObjects } from '../../../support/fakes/local-policy-objects.ts';
import { recordEvents } from '../../../support/fakes/recorded-events.ts';
import { bundle, CLUSTER } from '../../../support/policy/policies.ts';

const MAX_30M = { narrow: { ttl: { max: '30m' } } };
const MAX_20M = { narrow: { ttl: { max: '20m' } } };
const BROKEN = { narrow: { ttl: { max: '1.5h' } } };

const BUNDLES: PolicyBundleSource = {
  current: () => ({ bundle: bundle(), digest: 'digest', place: 'bundle', signedBy: [] }),
  timeMs: () => 0,
  onChange: () => undefined,
};

const turn = async (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

async function started(objects: FakePolicyObjects, more: { kept?: KeptRevisions; signal?: AbortSignal } = {}) {
  const { kept, signal = new AbortController().signal } = more;
  const clock = new FakeClock();
  const events = recordEvents();
  const documents = new ObjectOwners({ objects, clock, running: signal });
  const parts = { bundles: BUNDLES, documents, objects: true, clock, events, ...(kept !== undefined && { kept }) };
  const source = new AssembledPolicySource(parts, { cluster: CLUSTER });
  await source.start({ signal });
  const settle = async (ms = 1_000): Promise<void> => {
    for (let step = 0; step < 20; step += 1) {
      await turn();
      await clock.advance(ms / 20);
    }
    for (let step = 0; step < 50; step += 1) await turn();
  };
  await settle();
  /** Each policy in force, with the longest lifetime that it allows. */
  const inForce = () =>
    source
      .current()
      .local.map(({ policy }) => [
        policy.kind === 'IssuancePolicy' ? `${policy.namespace}/${policy.name}` : policy.name,
        policy.narrow.ttl.maxMs / 60_000,
      ])
      .map(([name, minutes]) => `${name} ${minutes}`);
  return { source, clock, events, settle, inForce };
}

describe('Local policies that are objects', () => {
  it('are in force beside the bundle, those of namespaces and those of the cluster', async () => {
    const objects = new FakePolicyObjects();
    objects.write('shop', 'web', MAX_30M);
    objects.write(undefined, 'platform', MAX_20M);
    const { inForce, source } = await started(objects);
    assert.deepEqual(inForce(), ['platform 20', 'shop/web 30']);
    assert.deepEqual(localPolicyHealth(source), { state: 'ready' });
  });

  it('follow what is written and deleted', async () => {
    const objects = new FakePolicyObjects();
    objects.write('shop', 'web', MAX_30M);
    const { inForce, settle } = await started(objects);
    objects.write('shop', 'web', MAX_20M);
    objects.write('shop', 'api', MAX_30M);
    await settle();
    assert.deepEqual(inForce(), ['shop/api 30', 'shop/web 20']);
    objects.delete('shop', 'api');
    objects.delete('shop', 'web');
    await settle(500);
    assert.deepEqual(inForce(), [], 'at the next look, for they are no folder that may come back');
  });

  it('of a namespace that has none any more are forgotten by the next start', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'capstan-objects-'));
    const kept = () => new KeptRevisions(folder, 'kubernetes');
    const objects = new FakePolicyObjects();
    objects.write('shop', 'web', MAX_30M);
    const first = new AbortController();
    await started(objects, { kept: kept(), signal: first.signal });
    first.abort();
    const { source, inForce } = await started(new FakePolicyObjects(), { kept: kept() });
    assert.deepEqual([inForce(), source.troubles], [[], []]);
    assert.deepEqual(await kept().owners(), ['*']);
  });

  it('stay as they were good last where one is broken, and a broken one stops no edit of another', async () => {
    const objects = new FakePolicyObjects();
    objects.write('shop', 'web', MAX_30M);
    objects.write('shop', 'api', MAX_30M);
    const { inForce, settle, source } = await started(objects);
    objects.write('shop', 'web', BROKEN);
    objects.write('shop', 'api', MAX_20M);
    objects.write('shop', 'new', BROKEN);
    await settle();
    assert.deepEqual(inForce(), ['shop/api 20', 'shop/web 30']);
    const [trouble] = source.troubles;
    assert.deepEqual([trouble?.owner, trouble?.state], ['namespace shop', 'last good']);
    assert.match(trouble?.problem ?? '', /issuancepolicies\/shop\/web:1:1 spec\.narrow\.ttl\.max/);
    objects.delete('shop', 'web');
    objects.write('shop', 'new', MAX_20M);
    await settle();
    assert.deepEqual(inForce(), ['shop/api 20', 'shop/new 20']);
    assert.deepEqual(source.troubles, []);
  });

  it('leave nobody served while it is not known which there are, and nobody is told that there are none', async () => {
    const objects = new FakePolicyObjects();
    objects.isUnknown = true;
    const { source, settle, inForce } = await started(objects);
    assert.match(source.current().missingFor('shop') ?? '', /cluster layer/);
    assert.equal(localPolicyHealth(source).state, 'not ready');
    objects.isUnknown = false;
    objects.write('shop', 'web', MAX_30M);
    await settle();
    assert.equal(source.current().missingFor('shop'), undefined);
    assert.deepEqual(inForce(), ['shop/web 30']);
  });

  it('outlive a restart while the API server is away', async () => {
    const kept = () => new KeptRevisions(path.join(folder, 'kept'), 'kubernetes');
    const folder = mkdtempSync(path.join(tmpdir(), 'capstan-objects-'));
    const objects = new FakePolicyObjects();
    objects.write('shop', 'web', MAX_30M);
    objects.write(undefined, 'platform', MAX_20M);
    const first = new AbortController();
    await started(objects, { kept: kept(), signal: first.signal });
    first.abort();
    const away = new FakePolicyObjects();
    away.isUnknown = true;
    const { inForce, source } = await started(away, { kept: kept() });
    assert.deepEqual(inForce(), ['platform 20', 'shop/web 30']);
    assert.equal(localPolicyHealth(source).state, 'degraded');
  });

  it('are refused beyond the bounds of a namespace, which keeps its last good ones; others are as before', async () => {
    const objects = new FakePolicyObjects();
    objects.write('shop', 'web', MAX_30M);
    const { inForce, settle, source } = await started(objects);
    for (let index = 0; index < NAMESPACE_BOUNDS.maxFiles; index += 1) {
      objects.write('shop', `flood-${index}`, MAX_20M, { kept: false });
    }
    objects.write('data', 'etl', MAX_20M);
    await settle();
    assert.deepEqual(inForce(), ['data/etl 20', 'shop/web 30']);
    assert.match(source.troubles[0]?.problem ?? '', /namespace shop has more than 256 policies/);
    assert.equal(objects.reads, 0);
  });

  it('are fetched one by one once there are few enough again', async () => {
    const objects = new FakePolicyObjects();
    objects.write('shop', 'web', MAX_30M, { kept: false });
    objects.isAway = true;
    const { source, settle, inForce } = await started(objects);
    assert.match(source.troubles[0]?.problem ?? '', /the API server is away/);
    objects.isAway = false;
    await settle(120_000);
    assert.deepEqual(inForce(), ['shop/web 30']);
  });

  it('are put together a few times a second at most, however often somebody writes', async () => {
    const objects = new FakePolicyObjects();
    objects.write('shop', 'web', MAX_30M);
    const { source, clock } = await started(objects);
    let revisions = 0;
    source.onChange(() => (revisions += 1), { signal: new AbortController().signal });
    for (let write = 0; write < 100; write += 1) {
      objects.write('shop', 'web', { narrow: { ttl: { max: `${write + 1}m` } } });
      await clock.advance(10);
      await turn();
    }
    assert.ok(revisions >= 1 && revisions <= 3, String(revisions));
  });
});
