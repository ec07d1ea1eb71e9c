import assert from 'node:assert/strict';
import { ISSUANCE_POLICY } from '../../../../src/adapters/kubernetes/objects/policy-kinds.ts';
import { PolicyKeeper, type KeptPolicy } from '../../../../src/adapters/kubernetes/objects/kept-policy.ts';
import type { JudgedPolicy } from '../../../../src/adapters/kubernetes/objects/status/policy-status.ts';
import { PolicyStatusWriter } from '../../../../src/adapters/kubernetes/objects/status/status-writer.ts';
import { followObjects } from '../../../../src/adapters/kubernetes/api/object-cache.ts';
import { AuthorityError } from '../../../../src/domain/errors.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';
import { FakeKubernetesApi } from '../../../support/fakes/kubernetes/fake-kubernetes-api.ts';
import { recordEvents } from '../../../support/fakes/recorded-events.ts';
import { SeededRandom } from '../../../support/fakes/seeded-random.ts';

const GOOD: JudgedPolicy = {
  problems: [],
  exceeding: [],
  warnings: [],
  effective: new Map([
    ['ttl.max', '30m'],
    ['keys', 'ec-p256'],
  ]),
  isInForce: true,
  bundle: 'corp@1',
};

function policy(name: string, { generation = 1, namespace = 'shop' } = {}) {
  const { apiVersion, kind } = ISSUANCE_POLICY;
  return { apiVersion, kind, metadata: { name, namespace, generation }, spec: {} };
}

interface Status {
  readonly observedGeneration: number;
  readonly conditions: readonly Readonly<Record<string, unknown>>[];
  readonly effective: object;
  readonly lastDay: object;
}

async function started(...names: readonly string[]) {
  const api = new FakeKubernetesApi();
  const clock = new FakeClock();
  for (const name of names) api.put(policy(name));
  const keeper = new PolicyKeeper({ maxObjects: 100, maxBytes: 100_000 });
  const parts = { api, clock, random: new SeededRandom(1), events: recordEvents(), cluster: 'default' };
  const cache = followObjects(parts, ISSUANCE_POLICY, {}, { keep: keeper.keep });
  const end = new AbortController();
  const judged = new Map<string, JudgedPolicy>();
  let issued = 0;
  const asked = { down: false };
  const writer = new PolicyStatusWriter({
    api,
    clock,
    objects: {
      kept: () => [...cache.list()] as KeptPolicy[],
      find: (namespace, name) => cache.get(namespace, name) as KeptPolicy | undefined,
      onObject: (listener, options) =>
        cache.onChange(({ after }) => {
          if (after !== undefined) listener(after as KeptPolicy);
        }, options),
    },
    judge: ({ metadata }) => judged.get(metadata.name) ?? GOOD,
    counts: {
      of: async (title) => {
        if (asked.down) throw new AuthorityError('CAP-S04', { detail: 'the supervisor does not answer' });
        return { issued: title === 'namespace shop/web' ? issued : 0, refused: 0, auditHits: 0 };
      },
    },
  });
  cache.start(end);
  const settle = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 100) {
      for (let turn = 0; turn < 6; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      await clock.advance(Math.min(100, left));
    }
    for (let turn = 0; turn < 6; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  await settle(100);
  void writer.run(end);
  const writes = () => api.calls.filter((call) => call.startsWith('apply'));
  const statusOf = (name: string, namespace = 'shop') =>
    api.stored(ISSUANCE_POLICY, { namespace, name })?.['status'] as Status;
  const conditionOf = (name: string, type: string) => {
    const found = statusOf(name).conditions.find((condition) => condition['type'] === type);
    return [found?.['status'], found?.['reason'], found?.['message']];
  };
  return { api, clock, writer, judged, asked, settle, writes, statusOf, conditionOf, issue: () => (issued += 1), end };
}

describe('The status of a policy object', () => {
  it('says that it is in force, within which bounds, and how often it applied', async () => {
    const { settle, statusOf, conditionOf, issue } = await started('web');
    issue();
    await settle(3_000);
    const status = statusOf('web');
    assert.equal(status.observedGeneration, 1);
    assert.deepEqual(conditionOf('web', 'Accepted'), ['True', 'InForce', 'in force as written']);
    assert.deepEqual(conditionOf('web', 'ExceedsCentral'), ['False', 'WithinCentral', 'within corp@1']);
    assert.equal(conditionOf('web', 'SnapshotSynced')[0], 'True');
    assert.deepEqual(status.effective, { bundle: 'corp@1', ttlMax: '30m', keys: 'ec-p256' });
    assert.deepEqual(status.lastDay, { issued: 1, refused: 0, auditHits: 0 });
  });

  it('keeps the counts that it has while nobody can be asked for others, and says the rest', async () => {
    const { asked, judged, writer, settle, statusOf, conditionOf, issue } = await started('web');
    await settle(3_000);
    asked.down = true;
    issue();
    judged.set('web', { ...GOOD, unsynced: 'listing' });
    writer.reevaluate();
    await settle(310_000);
    assert.deepEqual(statusOf('web').lastDay, { issued: 0, refused: 0, auditHits: 0 });
    assert.equal(conditionOf('web', 'SnapshotSynced')[0], 'False');
    asked.down = false;
    await settle(11_000);
    assert.deepEqual(statusOf('web').lastDay, { issued: 1, refused: 0, auditHits: 0 });
  });

  it('says which field is wrong, which one exceeds the bundle, and what the cluster does not say', async () => {
    const { settle, judged, conditionOf } = await started('broken', 'greedy');
    judged.set('broken', {
      ...GOOD,
      isInForce: false,
      problems: [{ field: 'spec.narrow.keys', problem: 'must not be empty' }],
    });
    judged.set('greedy', {
      ...GOOD,
      exceeding: [{ field: 'spec.narrow.ttl.max', actual: '48h', allowed: '24h' }],
      unsynced: 'the role lacks watch on ingresses',
    });
    await settle(3_000);
    assert.deepEqual(conditionOf('broken', 'Accepted'), ['False', 'Invalid', 'spec.narrow.keys must not be empty']);
    assert.equal(conditionOf('broken', 'ExceedsCentral')[0], 'Unknown');
    assert.deepEqual(conditionOf('greedy', 'ExceedsCentral'), [
      'True',
      'Exceeds',
      'what exceeds has no effect: spec.narrow.ttl.max is 48h, corp@1 gives 24h',
    ]);
    assert.deepEqual(conditionOf('greedy', 'SnapshotSynced'), [
      'False',
      'NotSynced',
      'the role lacks watch on ingresses',
    ]);
  });

  it('is written once for one change: our own writing is no change', async () => {
    const { settle, writes } = await started('web');
    await settle(4_000);
    const first = writes().length;
    assert.ok(first >= 1 && first <= 2, String(first));
    await settle(60_000);
    assert.equal(writes().length, first);
  });

  it('is not written again by who leads next, where it says the same', async () => {
    const { settle, writes, writer, end, api } = await started('web');
    await settle(4_000);
    const before = writes().length;
    end.abort();
    const next = new AbortController();
    void writer.run(next);
    await settle(4_000);
    assert.equal(writes().length, before);
    next.abort();
    assert.ok(api.calls.length > 0);
  });

  it('follows a new bundle, and keeps the time of what stays', async () => {
    const { settle, writer, judged, statusOf, conditionOf } = await started('web');
    await settle(3_000);
    const since = statusOf('web').conditions.map((condition) => condition['lastTransitionTime']);
    judged.set('web', { ...GOOD, bundle: 'corp@2' });
    writer.reevaluate();
    await settle(3_000);
    assert.deepEqual(conditionOf('web', 'ExceedsCentral'), ['False', 'WithinCentral', 'within corp@2']);
    assert.deepEqual(
      statusOf('web').conditions.map((condition) => condition['lastTransitionTime']),
      since,
    );
  });

  it('has its counts brought up to date every five minutes, if they are others', async () => {
    const { settle, writes, statusOf, issue } = await started('web', 'api');
    await settle(4_000);
    const before = writes().length;
    issue();
    await settle(300_000);
    assert.deepEqual(writes().slice(before), ['apply issuancepolicies/shop/web/status']);
    assert.deepEqual(statusOf('web').lastDay, { issued: 1, refused: 0, auditHits: 0 });
  });

  it('is written ten times a second at most', async () => {
    const { settle, writes } = await started(...Array.from({ length: 50 }, (_, index) => `p${index}`));
    await settle(2_000);
    assert.ok(writes().length <= 20, String(writes().length));
    await settle(20_000);
    assert.ok(writes().length >= 50);
  });

  it('waits for those of its own namespace, and for no flood of another', async () => {
    const { api, settle, statusOf, writes } = await started(...Array.from({ length: 300 }, (_, index) => `p${index}`));
    await settle(5_000);
    api.put(policy('web', { namespace: 'data' }));
    await settle(1_000);
    assert.ok(writes().length < 100, String(writes().length));
    assert.equal(statusOf('web', 'data').observedGeneration, 1);
  });

  it('waits while the API server refuses to take it, says so, and goes on', async () => {
    const { api, settle, writer, writes, statusOf } = await started('web');
    api.fail('apply', 403, 'Forbidden');
    await settle(25_000);
    assert.match(writer.problem ?? '', /the status of policies is not written: 403/);
    assert.ok(writes().length <= 4);
    api.mend();
    await settle(25_000);
    assert.equal(writer.problem, undefined);
    assert.equal(statusOf('web').observedGeneration, 1);
  });

  it('that the API server does not take of one object keeps no other waiting, nor the counts, and is said', async () => {
    const { api, settle, writer, writes, statusOf, issue } = await started('large', 'web', 'api');
    api.refuse('apply issuancepolicies/shop/large/status', 500, 'InternalError');
    await settle(3_000);
    assert.equal(statusOf('web').observedGeneration, 1);
    assert.equal(statusOf('api').observedGeneration, 1);
    assert.equal(writer.problem, 'the status of IssuancePolicy shop/large is not written: 500 InternalError');
    const before = writes().length;
    issue();
    await settle(300_000);
    assert.deepEqual(statusOf('web').lastDay, { issued: 1, refused: 0, auditHits: 0 });
    assert.ok(writes().length - before <= 3, String(writes().length - before));
    api.remove(ISSUANCE_POLICY, { namespace: 'shop', name: 'large' });
    await settle(100);
    writer.reevaluate();
    await settle(3_000);
    assert.equal(writer.problem, undefined);
  });

  it('waits as long as a busy API server asks', async () => {
    const { api, settle, writes, statusOf } = await started('web');
    api.fail('apply', 429, 'TooManyRequests', 40_000);
    await settle(39_000);
    assert.equal(writes().length, 1);
    api.mend();
    await settle(5_000);
    assert.equal(statusOf('web').observedGeneration, 1);
  });
});
