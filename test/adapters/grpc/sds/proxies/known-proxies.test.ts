import assert from 'node:assert/strict';
import {
  KnownProxies,
  MAX_AWAY,
  MAX_AWAY_OF_NAMESPACE,
  MAX_AWAY_OF_WORKLOAD,
  type Membership,
  type ProxyFacts,
} from '../../../../../src/adapters/grpc/sds/proxies/known-proxies.ts';
import type { Rejection } from '../../../../../src/adapters/grpc/sds/proxies/known-proxy.ts';
import type { BundleContent, Availability } from '../../../../../src/adapters/grpc/sds/secret-content.ts';
import { content } from '../session/story.ts';

const SHOP: ProxyFacts = { workload: 'shop', namespace: 'default', nodeId: 'sidecar', connection: '10.0.0.1:1' };
const BUNDLE: BundleContent = { ...(content('bundle', 'b1') as BundleContent), preamble: '' };
const named = (kind: 'svid' | 'bundle', version: string) => [{ name: kind, content: content(kind, version) }];
const versionOf = (availability: Availability) => ('unavailable' in availability ? undefined : availability.version);

const REJECTION: Rejection = {
  streamId: 'abc',
  caller: 'spiffe://cluster.local/ns/default/sa/shop',
  protocol: 'sotw',
  nodeId: 'sidecar',
  remoteAddress: '10.0.0.1:1',
  secrets: [{ name: 'default', version: 'bad', serial: 'a1' }],
  message: 'bad key',
  rejectedAtMs: 1,
};

describe('What is known of a proxy', () => {
  let proxies: KnownProxies;
  let told: number;
  const join = (facts: Partial<ProxyFacts> = {}): Membership =>
    proxies.join({ ...SHOP, ...facts }, { proxyChanged: () => (told += 1) });

  beforeEach(() => {
    proxies = new KnownProxies();
    told = 0;
  });

  it('is one for the streams of one connection, and for those of one workload and node id', () => {
    const { proxy } = join();
    assert.equal(join({ nodeId: 'other' }).proxy, proxy);
    assert.equal(join({ connection: '10.0.0.1:2' }).proxy, proxy);
    assert.notEqual(join({ connection: '10.0.0.1:3', nodeId: 'other' }).proxy, proxy);
  });

  it('is never shared by two workloads, whatever node id they say and whoever relays them', () => {
    const { proxy } = join();
    assert.notEqual(join({ workload: 'cart' }).proxy, proxy);
  });

  it('tells all its streams when a certificate is rejected, and when a good one heals that', () => {
    const { proxy } = join();
    join({ connection: '10.0.0.1:2' });
    proxy.rejects(named('svid', 'bad'), REJECTION);
    assert.deepEqual([proxy.bundleOnHold, told], [true, 2]);
    proxy.acknowledged(named('svid', 'good'), 1);
    assert.deepEqual([proxy.bundleOnHold, told], [false, 4]);
  });

  it('does not take rejected bytes for good when they are called accepted later', () => {
    const { proxy } = join();
    proxy.rejects(named('svid', 'bad'), REJECTION);
    proxy.acknowledged(named('svid', 'bad'), 1);
    assert.equal(proxy.bundleOnHold, true);
  });

  it('offers a rejected bundle in other bytes after a good certificate, once for each', () => {
    const { proxy } = join();
    proxy.rejects(named('bundle', 'b1'), REJECTION);
    assert.equal(versionOf(proxy.sendable(BUNDLE)), 'b1');
    proxy.acknowledged(named('svid', 'good'), 1);
    const reissued = proxy.sendable(BUNDLE);
    assert.notEqual(versionOf(reissued), 'b1');
    assert.equal(proxy.sendable(BUNDLE), reissued);
    proxy.rejects(named('bundle', versionOf(reissued)!), REJECTION);
    assert.equal(proxy.sendable(BUNDLE), reissued);
    proxy.acknowledged(named('svid', 'better'), 1);
    assert.notEqual(versionOf(proxy.sendable(BUNDLE)), versionOf(reissued));
    proxy.acknowledged(named('bundle', versionOf(proxy.sendable(BUNDLE))!), 1);
    const accepted = versionOf(proxy.sendable(BUNDLE));
    proxy.acknowledged(named('svid', 'best'), 1);
    assert.equal(versionOf(proxy.sendable(BUNDLE)), accepted);
  });

  it('has the bundle of before when one of its streams rejects what another acknowledged, in either order', () => {
    for (const isRejectedFirst of [false, true]) {
      const { proxy } = join({ workload: String(isRejectedFirst) });
      proxy.acknowledged(named('bundle', 'old'), 1);
      const steps = [
        () => proxy.acknowledged(named('bundle', 'new'), 2),
        () => proxy.rejects(named('bundle', 'new'), REJECTION),
      ];
      for (const step of isRejectedFirst ? steps.toReversed() : steps) step();
      const { standing } = proxy;
      assert.deepEqual([standing?.bundle, standing?.rejected?.message], ['old', 'bad key']);
    }
    const { proxy } = join({ workload: 'a new one' });
    proxy.acknowledged(named('bundle', 'new'), 1);
    proxy.rejects(named('bundle', 'new'), REJECTION);
    assert.deepEqual(proxy.standing, { timeMs: 1, rejected: { message: 'bad key', timeMs: 1 } });
  });

  it('leaves every other bundle as it is', () => {
    const { proxy } = join();
    proxy.rejects(named('bundle', 'b1'), REJECTION);
    proxy.acknowledged(named('svid', 'good'), 1);
    const other = { ...BUNDLE, version: 'b2' };
    assert.equal(proxy.sendable(other), other);
  });

  it('outlives its streams when something was rejected, and offers other bytes to whoever comes back', () => {
    const before = join();
    before.proxy.rejects(named('bundle', 'b1'), REJECTION);
    before.leave();
    const { proxy } = join({ connection: '10.0.0.1:9' });
    assert.equal(proxy, before.proxy);
    assert.notEqual(versionOf(proxy.sendable(BUNDLE)), 'b1');
  });

  it('sends a rejected certificate again to a proxy that has nothing, which may be a new process', () => {
    const { proxy } = join();
    proxy.rejects([...named('svid', 'bad'), ...named('bundle', 'b1')], REJECTION);
    assert.deepEqual(proxy.rejected(false), ['b1']);
    assert.deepEqual(proxy.rejected(true), ['bad', 'b1']);
  });

  it('is forgotten with its last stream when nothing was rejected', () => {
    const [one, other] = [join(), join()];
    one.leave();
    assert.equal(proxies.size, 1);
    other.leave();
    assert.equal(proxies.size, 0);
  });

  it('is bounded, and one workload cannot push out what is known of another', () => {
    const victim = join({ workload: 'victim' });
    victim.proxy.rejects(named('bundle', 'b1'), REJECTION);
    victim.leave();
    for (let index = 0; index < 3 * MAX_AWAY_OF_WORKLOAD; index += 1) {
      const hostile = join({ nodeId: `node-${index}`, connection: `10.0.0.1:${index}` });
      hostile.proxy.rejects(named('bundle', 'b1'), REJECTION);
      hostile.leave();
    }
    assert.equal(proxies.size, 1 + MAX_AWAY_OF_WORKLOAD);
    assert.equal(join({ workload: 'victim' }).proxy, victim.proxy);
  });

  it('is not forgotten for the proxies of another namespace, however many of them reject and leave', () => {
    const ours = join({ namespace: 'quiet', workload: 'quiet' });
    ours.proxy.rejects(named('svid', 'bad'), REJECTION);
    ours.leave();
    for (let index = 0; index < MAX_AWAY_OF_NAMESPACE + 100; index += 1) {
      const theirs = join({ workload: `noisy-${index}`, connection: `10.0.0.2:${index}` });
      theirs.proxy.rejects(named('svid', 'bad'), REJECTION);
      theirs.leave();
    }
    assert.equal(proxies.size, 1 + MAX_AWAY_OF_NAMESPACE);
    assert.equal(join({ namespace: 'quiet', workload: 'quiet' }).proxy, ours.proxy);
  });

  it('is bounded for all, and costs no more for each when there are many', () => {
    const count = 3 * MAX_AWAY;
    for (let index = 0; index < count; index += 1) {
      const { proxy, leave } = join({
        namespace: `ns-${index % 10}`,
        workload: `w-${index}`,
        connection: `c-${index}`,
      });
      proxy.rejects(named('svid', 'bad'), REJECTION);
      leave();
    }
    assert.equal(proxies.size, MAX_AWAY);
    const { proxy: oldest } = join({ namespace: 'ns-0', workload: `w-${count - MAX_AWAY}`, connection: 'new' });
    assert.equal(oldest.rejections.length, 1);
  });

  it('shows a rejection until a secret of its kind is accepted, also while the proxy is away', () => {
    const { proxy, leave } = join();
    proxy.rejects(named('svid', 'bad'), REJECTION);
    proxy.rejects(named('bundle', 'b1'), { ...REJECTION, message: 'bad bundle' });
    const shown = () => proxies.rejections().map(({ message, connected }) => [message, connected]);
    assert.deepEqual(shown(), [
      ['bad key', true],
      ['bad bundle', true],
    ]);
    leave();
    assert.deepEqual(shown(), [
      ['bad key', false],
      ['bad bundle', false],
    ]);
    const back = join({ connection: '10.0.0.1:2' });
    back.proxy.acknowledged(named('svid', 'bad'), 1);
    assert.equal(shown().length, 2);
    back.proxy.acknowledged(named('svid', 'good'), 1);
    assert.deepEqual(shown(), [['bad bundle', true]]);
    back.proxy.acknowledged(named('bundle', 'b2'), 1);
    assert.deepEqual(shown(), []);
  });
});
