import assert from 'node:assert/strict';
import { POD } from '../../../../src/adapters/kubernetes/api/kinds.ts';
import {
  followObjects,
  type CacheSettings,
  type FollowedObjects,
} from '../../../../src/adapters/kubernetes/api/object-cache.ts';
import type { ObjectChange } from '../../../../src/adapters/kubernetes/api/object-store.ts';
import { FakeClock, settle } from '../../../support/fakes/fake-clock.ts';
import { FakeKubernetesApi } from '../../../support/fakes/kubernetes/fake-kubernetes-api.ts';
import { recordEvents, type RecordedEvents } from '../../../support/fakes/recorded-events.ts';
import { SeededRandom } from '../../../support/fakes/seeded-random.ts';

const pod = (name: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'shop' },
  ...more,
});

describe('Followed objects', () => {
  let api: FakeKubernetesApi;
  let clock: FakeClock;
  let events: RecordedEvents;
  let end: AbortController;

  beforeEach(() => {
    [api, clock, events, end] = [new FakeKubernetesApi(), new FakeClock(), recordEvents(), new AbortController()];
  });
  afterEach(() => end.abort());

  const follow = async (settings: CacheSettings = {}) => {
    const random = new SeededRandom(1);
    const objects = followObjects({ api, clock, random, events, cluster: 'test-1' }, POD, {}, settings);
    const changes: string[] = [];
    objects.onChange((change) => changes.push(named(change)), end);
    objects.start(end);
    await settle();
    return { objects, changes };
  };

  it('are those of the list and then what the watch says', async () => {
    api.put(pod('a'));
    const { objects, changes } = await follow();
    assert.deepEqual(namesOf(objects), ['a']);
    api.put(pod('b'));
    api.put(pod('a', { spec: { nodeName: 'n' } }));
    api.remove(POD, { namespace: 'shop', name: 'b' });
    await settle();
    assert.deepEqual(changes, ['+a', '+b', '~a', '-b']);
    assert.deepEqual(objects.get('shop', 'a')?.['spec'], { nodeName: 'n' });
    assert.equal(objects.size, 1);
  });

  it('go on from where a watch ended in order, and miss nothing between', async () => {
    const { changes } = await follow();
    api.endWatches();
    await settle();
    api.put(pod('between'));
    assert.equal(api.watches, 0);
    await clock.advance(1_000);
    assert.deepEqual(changes, ['+between']);
    assert.equal(api.calls.filter((call) => call === 'list pods').length, 1);
    assert.deepEqual(events.log, []);
  });

  it('are listed anew when their version is too old, and what stayed the same is no change', async () => {
    api.put(pod('stays'));
    api.put(pod('goes'));
    const { objects, changes } = await follow();
    const before = objects.get('shop', 'stays');
    changes.length = 0;
    api.fail('watch', 0, 'Unreachable');
    await settle();
    api.remove(POD, { namespace: 'shop', name: 'goes' });
    api.put(pod('comes'));
    api.expire();
    api.mend();
    await clock.advance(1_000);
    assert.deepEqual(changes, ['+comes', '-goes']);
    assert.equal(objects.get('shop', 'stays'), before);
    assert.deepEqual(
      events.of('watchRestarted').map(({ reason }) => reason),
      ['unreachable', 'expired'],
    );
  });

  it('that were made anew under their name in the meantime are another object', async () => {
    api.put(pod('web'));
    const { objects } = await follow();
    const seen: ObjectChange[] = [];
    objects.onChange((change) => seen.push(change), end);
    api.fail('watch', 0, 'Unreachable');
    await settle();
    api.remove(POD, { namespace: 'shop', name: 'web' });
    api.put(pod('web'));
    api.expire();
    api.mend();
    await clock.advance(1_000);
    assert.equal(seen.length, 1);
    assert.notEqual(seen[0]?.before?.metadata.uid, seen[0]?.after?.metadata.uid);
  });

  it('stay as they were while the server cannot be reached, and say how old they are', async () => {
    api.put(pod('a'));
    const { objects } = await follow();
    assert.equal(objects.staleMs(), 0);
    api.goDown();
    await clock.advance(60_000);
    assert.deepEqual(namesOf(objects), ['a']);
    assert.equal(objects.staleMs(), 60_000);
    assert.match(objects.problem ?? '', /cannot be reached/);
    assert.equal(events.of('watchFailing').length, 1);
    api.mend();
    await clock.advance(30_000);
    assert.equal(objects.staleMs(), 0);
    assert.equal(objects.problem, undefined);
    assert.deepEqual(events.of('watchRecovered'), [{ cluster: 'test-1', kind: 'pods' }]);
  });

  it('are asked for more and more seldom, every ten seconds in the end', async () => {
    api.goDown();
    await follow();
    await clock.advance(10 * 60_000);
    const tries = api.calls.filter((call) => call === 'list pods').length;
    assert.ok(tries > 60 && tries < 130, String(tries));
  });

  it('are asked for every two seconds while a server that was away starts, and for no longer than a minute', async () => {
    api.goDown();
    await follow();
    await clock.advance(5 * 60_000);
    // It answers, and has not loaded its roles.
    api.fail('list', 403, 'Forbidden');
    const tries = async (ms: number): Promise<number> => {
      const before = api.calls.length;
      await clock.advance(ms);
      return api.calls.length - before;
    };
    await tries(10_000);
    const starting = await tries(40_000);
    assert.ok(starting >= 20 && starting <= 41, String(starting));
    await tries(20_000);
    const refusing = await tries(40_000);
    assert.ok(refusing >= 4 && refusing <= 9, String(refusing));
  });

  it('are asked for more and more seldom by a role that was taken away, on a server that was never away', async () => {
    api.fail('list', 403, 'Forbidden');
    await follow();
    await clock.advance(10 * 60_000);
    assert.ok(api.calls.length > 60 && api.calls.length < 130, String(api.calls.length));
  });

  it('are not asked for before the server says they may be', async () => {
    api.fail('list', 429, 'TooManyRequests', 20_000);
    await follow();
    await clock.advance(19_500);
    assert.equal(api.calls.length, 1);
    api.mend();
    await clock.advance(1_000);
    assert.deepEqual(api.calls, ['list pods', 'list pods', 'watch pods']);
  });

  it('are infinitely old before the first list', async () => {
    api.goDown();
    const { objects } = await follow();
    assert.equal(objects.staleMs(), Infinity);
    assert.equal(objects.synced, false);
  });

  it('are found by their indexes for as long as they have the key', async () => {
    const byNode = ({ spec }: Record<string, unknown>) => [(spec as { nodeName?: string } | undefined)?.nodeName ?? ''];
    const { objects } = await follow({ indexes: { node: byNode } });
    api.put(pod('a', { spec: { nodeName: 'one' } }));
    await settle();
    assert.equal([...objects.byIndex('node', 'one')].length, 1);
    api.put(pod('a', { spec: { nodeName: 'two' } }));
    await settle();
    assert.equal([...objects.byIndex('node', 'one')].length, 0);
    assert.equal([...objects.byIndex('node', 'two')].length, 1);
  });

  describe('of a namespace that has more than its share of memory', () => {
    const bounds = { total: 2_500, share: 1_000 };
    const large = (name: string, namespace = 'shop', size = 300) => ({
      ...pod(name, { spec: { hostname: 'h'.repeat(size) } }),
      metadata: { name, namespace },
    });

    it('are left out beyond it, which is said once, and those of others are kept', async () => {
      for (const name of ['a', 'b', 'c', 'd']) api.put(large(name));
      api.put(large('e', 'bank'));
      const { objects } = await follow({ bounds });
      assert.deepEqual(namesOf(objects), ['a', 'b', 'e']);
      assert.deepEqual([objects.synced, objects.problem, objects.leftOut], [true, undefined, ['shop']]);
      assert.deepEqual(events.of('objectsLeftOut'), [{ cluster: 'test-1', kind: 'pods', namespace: 'shop' }]);
    });

    it('go when they grow beyond it, and come when they shrink', async () => {
      for (const name of ['a', 'b']) api.put(large(name));
      const { objects, changes } = await follow({ bounds });
      api.put(large('b', 'shop', 700));
      await settle();
      assert.deepEqual(namesOf(objects), ['a']);
      api.put(large('b'));
      await settle();
      assert.deepEqual(changes, ['+a', '+b', '-b', '+b']);
      assert.deepEqual(objects.leftOut, []);
    });

    it('are listed anew once there is room for them', async () => {
      for (const name of ['a', 'b', 'c']) api.put(large(name));
      const { objects } = await follow({ bounds });
      api.remove(POD, { namespace: 'shop', name: 'a' });
      await settle();
      assert.deepEqual(namesOf(objects), ['b']);
      api.endWatches();
      await settle();
      await clock.advance(1_000);
      assert.deepEqual(namesOf(objects), ['b', 'c']);
      assert.deepEqual(objects.leftOut, []);
    });

    it('are not taken for absent while they are listed anew', async () => {
      for (const name of ['a', 'b', 'c']) api.put(large(name));
      const { objects, changes } = await follow({ bounds });
      const seen: (readonly [string | undefined, readonly string[]])[] = [];
      objects.onChange(
        ({ before, after }) => {
          seen.push([(after ?? before)?.metadata.name, objects.leftOut]);
        },
        { signal: new AbortController().signal },
      );
      api.remove(POD, { namespace: 'shop', name: 'a' });
      await settle();
      api.endWatches();
      await clock.advance(1_000);
      assert.deepEqual(changes.slice(-2), ['-a', '+c']);
      assert.deepEqual(seen, [
        ['a', ['shop']],
        ['c', ['shop']],
      ]);
      assert.deepEqual(objects.leftOut, []);
    });

    it('stay as they were when all namespaces together have more than is kept of a kind, which is looked at again in a minute', async () => {
      for (const namespace of ['one', 'two', 'three']) {
        for (const name of ['a', 'b']) api.put(large(name, namespace));
      }
      const { objects } = await follow({ bounds });
      assert.match(objects.problem ?? '', /more than 2500 bytes of Pod objects would have to be kept/);
      assert.equal(objects.synced, false, 'nobody is judged by a part of them');
      await clock.advance(59_000);
      assert.deepEqual(api.calls, ['list pods']);
      api.remove(POD, { namespace: 'three', name: 'b' });
      await clock.advance(1_000);
      assert.equal(objects.synced, true);
    });
  });

  it('are cut before they are kept, and listed anew when more of them is wanted', async () => {
    api.put(pod('a', { spec: { hostname: 'h' } }));
    const { objects, changes } = await follow({
      keep: ({ apiVersion, kind, metadata }) => ({ apiVersion, kind, metadata }),
    });
    assert.equal(objects.get('shop', 'a')?.['spec'], undefined);
    objects.keepOtherwise((object) => object);
    await settle();
    assert.deepEqual(objects.get('shop', 'a')?.['spec'], { hostname: 'h' });
    assert.deepEqual(changes, ['+a', '~a']);
    const kept = objects.get('shop', 'a')?.['spec'];
    api.endWatches();
    await settle();
    // Between two watches nobody is listening.
    objects.keepOtherwise(({ apiVersion, kind, metadata }) => ({ apiVersion, kind, metadata }));
    assert.equal(objects.isComplete, false);
    await clock.advance(1_000);
    assert.deepEqual([kept, objects.get('shop', 'a')?.['spec']], [{ hostname: 'h' }, undefined]);
    assert.equal(objects.isComplete, true);
  });
});

function named({ before, after }: ObjectChange): string {
  const sign = before === undefined ? '+' : after === undefined ? '-' : '~';
  return `${sign}${(after ?? before)?.metadata.name ?? ''}`;
}

function namesOf(objects: FollowedObjects): readonly string[] {
  return Array.from(objects.list(), ({ metadata }) => metadata.name);
}
