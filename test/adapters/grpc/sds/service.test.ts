import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { AuthorityError } from '../../../../src/domain/errors.ts';
import type { Caller } from '../../../../src/domain/identity/caller.ts';
import { kubernetesIdentity, type KubernetesIdentity } from '../../../../src/domain/identity/kubernetes-identity.ts';
import { good, TEST_TRUST_DOMAIN, testAuthority } from '../../../support/certificates.ts';
import { settle } from '../../../support/fakes/fake-clock.ts';
import { NODE, pemOf, secretsOf, type SdsClient, type SotwClientStream } from '../../../support/clients/sds-client.ts';
import { workloadSvid } from '../../../support/workload-svid.ts';
import { openMutely } from './mute-client.ts';
import { DEMO, OTHER, Scene, uriOf } from './scene.ts';

const MINUTE_MS = 60_000;

describe('The secret discovery service', () => {
  let scene: Scene;
  let client: SdsClient;

  beforeEach(async () => {
    scene = await Scene.open();
    client = scene.client();
  });

  afterEach(async () => {
    await scene[Symbol.asyncDispose]();
  });

  describe('serves', () => {
    it('a sidecar its certificate and its anchors, on a stream for each', async () => {
      const svid = await scene.renew();
      const [certificate, anchors] = [client.sotw(), client.sotw()];
      certificate.subscribe('default');
      anchors.subscribe('ROOTCA');
      const [first] = secretsOf(await certificate.accept());
      const [second] = secretsOf(await anchors.accept());
      assert.equal(first!.name, 'default');
      assert.equal(pemOf(first!), svid.certificateChainPem);
      assert.equal(second!.name, 'ROOTCA');
      assert.equal(pemOf(second!), scene.authority.bundle.pem);
    });

    it('the same over delta, with the version of each resource', async () => {
      const svid = await scene.renew();
      const stream = client.delta();
      stream.subscribe('default', DEMO);
      const response = await stream.accept();
      assert.deepEqual(secretsOf(response).map(pemOf), [svid.certificateChainPem, svid.certificateChainPem]);
      assert.equal(response.resources[0]!.version, response.resources[1]!.version);
    });

    it('every renewed certificate and every new bundle to whoever follows it', async () => {
      await scene.renew();
      const stream = client.sotw();
      stream.subscribe('default', 'ROOTCA');
      while (stream.responses.flatMap(secretsOf).length < 2) await stream.accept();
      const svid = await scene.renew();
      assert.equal(pemOf(secretsOf(await stream.accept())[0]!), svid.certificateChainPem);
      const { bundle } = await testAuthority();
      scene.secrets.bundle.set(bundle);
      assert.equal(pemOf(secretsOf(await stream.accept())[0]!), bundle.pem);
    });

    it('all streams of one identity from one watch, and watches nothing that nobody named', async () => {
      await scene.renew();
      const streams = Array.from({ length: 10 }, () => client.sotw());
      for (const stream of streams) stream.subscribe('default');
      await Promise.all(streams.map(async (stream) => stream.accept()));
      assert.deepEqual(scene.secrets.watched, [DEMO]);
      assert.equal(scene.secrets.svid(DEMO).watchers, 1);
      assert.equal(scene.secrets.bundle.watchers, 0);
      for (const stream of streams) stream.cancel();
      while (scene.events.of('streamClosed').length < 10) await settle();
      assert.equal(scene.secrets.svid(DEMO).watchers, 0);
    });

    it('a push to more streams than fit one turn of the loop', async () => {
      const streams = Array.from({ length: 450 }, () => client.sotw());
      for (const stream of streams) stream.subscribe('ROOTCA');
      await Promise.all(streams.map(async (stream) => stream.accept()));
      const { bundle } = await testAuthority();
      scene.secrets.bundle.set(bundle);
      const pushed = await Promise.all(streams.map(async (stream) => stream.accept()));
      assert.ok(pushed.every((response) => pemOf(secretsOf(response)[0]!) === bundle.pem));
      assert.equal(new Set(pushed.map(({ nonce }) => nonce)).size, 450);
    });

    it('the same version after a restart', async () => {
      const svid = await scene.renew();
      const versions = async (from: SdsClient) => {
        const stream = from.sotw();
        stream.subscribe('default');
        return (await stream.accept()).versionInfo;
      };
      const before = await versions(client);
      await using restarted = await Scene.open();
      restarted.secrets.serve(svid);
      assert.equal(await versions(restarted.client()), before);
    });

    it('a bundle for the SPIFFE validator to the proxy that wishes so, and to no other', async () => {
      const stream = client.sotw();
      stream.send({ node: { ...NODE, metadata: { disable_spiffe_cert_validation: false } }, resourceNames: ['ALL'] });
      const { type } = secretsOf(await stream.accept())[0]!;
      assert.ok(type.case === 'validationContext' && type.value.customValidatorConfig !== undefined);
      const plain = client.sotw();
      plain.subscribe('ALL');
      const response = await plain.accept();
      assert.equal(pemOf(secretsOf(response)[0]!), scene.authority.bundle.pem);
      assert.notEqual(response.versionInfo, stream.responses[0]!.versionInfo);
    });

    it('plain anchors to the proxy that wishes so, where the validator is the rule', async () => {
      await using ruled = await Scene.open({ spiffeValidator: true });
      const metadata = { disable_spiffe_cert_validation: 'true' };
      const { resources } = await ruled.client().fetch({ node: { ...NODE, metadata }, resourceNames: ['ROOTCA'] });
      const byDefault = await ruled.client().fetch({ node: NODE, resourceNames: ['ROOTCA'] });
      assert.notDeepEqual(resources, byDefault.resources);
    });
  });

  describe('keeps identities apart', () => {
    it("never sends another identity's key, whatever is asked, and records the attempt", async () => {
      const secret = await scene.renew(OTHER);
      await scene.renew(DEMO);
      const frames: string[] = [];
      const [sotw, delta] = [client.sotw(), client.delta()];
      for (const names of [[OTHER], ['*'], [], [OTHER, 'default']]) {
        const stream = client.sotw();
        stream.subscribe(...names);
        await scene.quiet(client);
        frames.push(JSON.stringify(stream.responses.map((response) => secretsOf(response).map(pemOf))));
      }
      sotw.subscribe('default');
      await sotw.accept();
      delta.subscribe(OTHER, '*');
      assert.deepEqual((await delta.accept()).removedResources, [OTHER]);
      await assert.rejects(client.fetch({ resourceNames: [OTHER] }), { code: status.NOT_FOUND });
      const otherPem = JSON.stringify(secret.certificateChainPem).slice(1, -1);
      assert.ok(!frames.join('').includes(otherPem));
      assert.ok(frames.at(-1)!.length > 100, 'the own secret came all the same');
      assert.ok(scene.events.of('secretUnavailable').some(({ name, caller }) => name === OTHER && caller === DEMO));
      assert.deepEqual(scene.secrets.watched.includes(OTHER), false);
    });

    it('gives each caller its own under the same name', async () => {
      const [mine, theirs] = [await scene.renew(DEMO), await scene.renew(OTHER)];
      const other = scene.client('other');
      for (const [who, svid] of [
        [client, mine],
        [other, theirs],
      ] as const) {
        const stream = who.sotw();
        stream.subscribe('default');
        assert.equal(pemOf(secretsOf(await stream.accept())[0]!), svid.certificateChainPem);
      }
    });

    it('and pods of one identity, whoever of them is first', async () => {
      const [one, two] = [scene.client('demo/one'), scene.client('demo/two')];
      for (const pod of [one, two]) pod.sotw().subscribe('default');
      while (scene.secrets.watches.length < 2) await settle();
      assert.deepEqual(
        scene.secrets.watches.map((watchers) => watchers.proven()?.caller.pod?.podName),
        ['one', 'two'],
      );
    });

    it('and has each certificate asked for by who came last and is still proven', async () => {
      await scene.renew();
      const [first, second] = [client.sotw(), client.sotw()];
      const expiries = [scene.clock.nowMs() + MINUTE_MS, scene.clock.nowMs() + 2 * MINUTE_MS];
      scene.secrets.authentication = async (caller) => ({ ...caller, expiresAtMs: expiries.shift()! });
      for (const stream of [first, second]) {
        stream.subscribe('default');
        await stream.accept();
      }
      const [watchers] = scene.secrets.watches;
      const until = (): number | undefined => watchers?.proven()?.caller.expiresAtMs;
      assert.equal(until(), scene.clock.nowMs() + 2 * MINUTE_MS);
      second.cancel();
      while (scene.events.of('streamClosed').length < 1) await settle();
      assert.equal(until(), scene.clock.nowMs() + MINUTE_MS);
      scene.clock.jumpTo(scene.clock.nowMs() + MINUTE_MS);
      assert.equal(until(), undefined);
    });
  });

  describe('refuses', () => {
    it('a caller that proves nothing, once, with the reason', async () => {
      scene.secrets.authentication = async () => Promise.reject(new AuthorityError('CAP-A01'));
      for (const stream of [client.sotw(), client.delta()]) {
        const { code, details } = await stream.ended;
        assert.equal(code, status.UNAUTHENTICATED);
        assert.match(details, /^CAP-A01 /);
      }
      assert.equal(scene.secrets.presented.length, 2);
      assert.equal(scene.secrets.presented[0]!.socketPath, scene.socketPath);
    });

    it('to wait for an authentication that does not end', async () => {
      scene.secrets.authentication = async () => new Promise(() => undefined);
      const stream = client.sotw();
      while (scene.secrets.presented.length === 0) await settle();
      await scene.clock.advance(5_000);
      const { code, details } = await stream.ended;
      assert.equal(code, status.UNAVAILABLE);
      assert.match(details, /^CAP-S07 /);
    });

    it('messages that it cannot read: no node, another type, rubbish, too many names', async () => {
      const bad: readonly [init: object, code: status, reason: RegExp][] = [
        [{ resourceNames: ['default'] }, status.INVALID_ARGUMENT, /^CAP-M03 .*node/],
        [{ node: NODE, typeUrl: 'type.googleapis.com/x.Y' }, status.INVALID_ARGUMENT, /^CAP-M03 .*type_url/],
        [
          { node: NODE, resourceNames: Array.from({ length: 5000 }, (_, at) => `n${at}`) },
          status.RESOURCE_EXHAUSTED,
          /^CAP-Q02 .*5000.*100/,
        ],
      ];
      for (const [init, code, reason] of bad) {
        const stream = client.sotw();
        stream.send(init);
        const ended = await stream.ended;
        assert.equal(ended.code, code);
        assert.match(ended.details, reason);
      }
      for (const stream of [client.sotw(), client.delta()]) {
        stream.call.write(Buffer.from('rubbish'));
        const { code, details } = await stream.ended;
        assert.equal(code, status.INVALID_ARGUMENT);
        assert.match(details, /^CAP-M03 /);
      }
    });

    it('more streams than a namespace has a share in, and counts the workloads of an account apart', async () => {
      await using small = await Scene.open({ maxStreamsPerCaller: 1, maxStreamsPerNamespace: 2 });
      const clients = ['demo/one', 'demo/two', 'other'].map((name) => small.client(name));
      for (const each of clients.slice(0, 2)) {
        const stream = each.sotw();
        stream.subscribe('ROOTCA');
        await stream.accept();
      }
      assert.match((await clients[0]!.sotw().ended).details, /^CAP-Q01 .*the caller has too many/);
      const { code, details } = await clients[2]!.delta().ended;
      assert.equal(code, status.RESOURCE_EXHAUSTED);
      assert.match(details, /^CAP-Q01 .*namespace default has 2 streams open, its share/);
    });

    it('more streams than there may be, in all and for one caller', async () => {
      await using small = await Scene.open({ maxStreams: 3, maxStreamsPerCaller: 2 });
      const [demo, other] = [small.client(), small.client('other')];
      const open = [demo.sotw(), demo.sotw()];
      for (const stream of open) stream.subscribe('ROOTCA');
      await Promise.all(open.map(async (stream) => stream.accept()));
      assert.match((await demo.sotw().ended).details, /^CAP-Q01 .*caller/);
      const third = other.sotw();
      third.subscribe('ROOTCA');
      await third.accept();
      const { code, details } = await other.delta().ended;
      assert.equal(code, status.RESOURCE_EXHAUSTED);
      assert.match(details, /^CAP-Q01 too many/);
      const requestDropped = small.events.of('requestDropped').map(({ listener, reason }) => [listener, reason]);
      assert.deepEqual(requestDropped, [
        ['unix', 'CAP-Q01'],
        ['unix', 'CAP-Q01'],
      ]);
      open[0]!.cancel();
      while (small.events.of('streamClosed').length < 1) await settle();
      const next = demo.sotw();
      next.subscribe('ROOTCA');
      await next.accept();
    });
  });

  describe('checks before it sends', () => {
    it('stops a broken certificate, raises the alarm, and goes on with the last good one', async () => {
      const svid = await scene.renew();
      const stream = client.sotw();
      stream.subscribe('default');
      await stream.accept();
      const broken = await workloadSvid(scene.authority, DEMO);
      scene.secrets.serve({ ...broken, privateKeyPem: 'rubbish' });
      await scene.quiet(client);
      assert.equal(stream.responses.length, 1);
      assert.deepEqual(scene.events.of('secretInvalid'), [{ identity: DEMO, problem: 'the key does not parse' }]);
      const late = client.sotw();
      late.subscribe('default');
      assert.equal(pemOf(secretsOf(await late.accept())[0]!), svid.certificateChainPem);
      const next = await scene.renew();
      assert.equal(pemOf(secretsOf(await stream.accept())[0]!), next.certificateChainPem);
    });

    it('never sends a certificate that has expired meanwhile', async () => {
      const svid = await workloadSvid(scene.authority, DEMO, { notAfterMs: scene.clock.nowMs() + MINUTE_MS });
      scene.secrets.serve(svid);
      const held = client.sotw();
      held.subscribe('default');
      await held.accept();
      scene.clock.jumpTo(scene.clock.nowMs() + 2 * MINUTE_MS);
      const late = client.delta();
      late.subscribe('default');
      assert.deepEqual((await late.next()).removedResources, ['default']);
    });

    it('never sends a certificate from the future, made before the clock was set back', async () => {
      await scene.renew();
      const held = client.sotw();
      held.subscribe('default');
      await held.accept();
      scene.clock.jumpTo(scene.clock.nowMs() - 2 * 60 * MINUTE_MS);
      const late = client.delta();
      late.subscribe('default');
      assert.deepEqual((await late.next()).removedResources, ['default']);
    });
  });

  describe('meets an unavailable secret', () => {
    it('with silence on a state-of-the-world stream, until it comes', async () => {
      scene.secrets.makeUnavailable(DEMO);
      const stream = client.sotw();
      stream.subscribe('default');
      while (scene.events.of('secretUnavailable').length === 0) await settle();
      await scene.quiet(client);
      assert.equal(stream.responses.length, 0);
      const svid = await scene.renew();
      assert.equal(pemOf(secretsOf(await stream.accept())[0]!), svid.certificateChainPem);
    });

    it('with removed_resources on a delta stream, until it comes', async () => {
      scene.secrets.makeUnavailable(DEMO);
      const stream = client.delta();
      stream.subscribe('default');
      assert.deepEqual((await stream.accept()).removedResources, ['default']);
      const svid = await scene.renew();
      assert.equal(pemOf(secretsOf(await stream.accept())[0]!), svid.certificateChainPem);
    });

    it('by ending the streams of an identity that cannot be watched', async () => {
      scene.secrets.watchSvid = () => {
        throw new AuthorityError('CAP-Q01');
      };
      const stream = client.sotw();
      stream.subscribe('default', 'ROOTCA');
      assert.equal((await stream.ended).code, status.RESOURCE_EXHAUSTED);
      scene.secrets.watchSvid = (watchers, options) => scene.secrets.svid(uriOf(watchers)).watch(options);
      const svid = await scene.renew();
      const later = client.sotw();
      later.subscribe('default');
      assert.equal(pemOf(secretsOf(await later.accept())[0]!), svid.certificateChainPem);
    });
  });

  describe('hears the client', () => {
    it('and records acceptance with its latency, and rejection with its text', async () => {
      await scene.renew();
      const stream = client.sotw();
      stream.subscribe('default');
      const first = await stream.next();
      await scene.clock.advance(250);
      stream.ack(first);
      await scene.quiet(client);
      assert.equal(scene.events.of('secretAcknowledged')[0]!['latencyMs'], 250);
      await scene.renew();
      stream.nack(await stream.next(), 'bad key');
      await scene.quiet(client);
      const { message, caller, protocol } = scene.events.of('secretRejected')[0]!;
      assert.deepEqual({ message, caller, protocol }, { message: 'bad key', caller: DEMO, protocol: 'sotw' });
    });

    it('and never sends again what it rejected', async () => {
      const svid = await scene.renew();
      for (const stream of [client.sotw(), client.delta()]) {
        stream.subscribe('default');
        const response = await stream.next();
        stream.nack(response as never);
        scene.secrets.serve(svid);
        await scene.quiet(client);
        scene.secrets.serve({ ...svid });
        await scene.quiet(client);
        assert.equal(stream.responses.length, 1);
      }
    });

    for (const protocol of ['sotw', 'delta'] as const) {
      it(`and pushes no changed bundle while its certificate is rejected, also on a stream of its own (${protocol})`, async () => {
        await scene.renew();
        const certificates = client[protocol]();
        const bundles = client[protocol]();
        certificates.subscribe('default');
        bundles.subscribe('ROOTCA');
        await bundles.accept();
        certificates.nack((await certificates.next()) as never);
        await scene.quiet(client);
        // 1. The successor waits, on this stream and on one that another connection brings.
        const successor = await scene.addAnchor();
        const elsewhere = scene.client();
        const back = elsewhere[protocol]();
        back.comeBack('ROOTCA', 'before');
        await scene.quiet(client);
        await scene.quiet(elsewhere);
        assert.deepEqual([bundles.responses.length, back.responses.length], [1, 0]);
        // 2. A certificate that is accepted lets it go to both.
        await scene.renew();
        await certificates.accept();
        for (const stream of [bundles, back]) assert.equal(anchorsOf(await stream.accept()), successor.pem);
      });

      it(`and offers a bundle that it blamed anew in other bytes, after a good certificate and when it comes back (${protocol})`, async () => {
        await scene.renew();
        const certificates = client[protocol]();
        const bundles = client[protocol]();
        certificates.subscribe('default');
        bundles.subscribe('ROOTCA');
        await certificates.accept();
        await bundles.accept();
        // 1. It is not repeated, not to one who comes back either, until a certificate was accepted.
        const successor = await scene.addAnchor();
        bundles.nack((await bundles.next()) as never);
        await scene.quiet(client);
        assert.equal(bundles.responses.length, 2);
        // 2. The same anchors in other bytes; rejected once more, they wait for the next occasion.
        await scene.renew();
        await certificates.accept();
        const anew = await bundles.next();
        assert.notEqual(anchorsOf(anew), successor.pem);
        assert.deepEqual(pemBlocks(anchorsOf(anew)), pemBlocks(successor.pem));
        bundles.nack(anew as never);
        await scene.quiet(client);
        assert.equal(bundles.responses.length, 3);
        // 3. A proxy that comes back is such an occasion.
        for (const stream of [certificates, bundles]) {
          stream.cancel();
          await stream.ended;
        }
        await scene.quiet(client);
        const back = scene.client()[protocol]();
        back.comeBack('ROOTCA', 'before');
        const again = anchorsOf(await back.next());
        assert.ok(![successor.pem, anchorsOf(anew)].includes(again));
        assert.deepEqual(pemBlocks(again), pemBlocks(successor.pem));
      });
    }

    it('and holds the newest secret back until it has answered', async () => {
      await scene.renew();
      const stream = client.sotw();
      stream.subscribe('default');
      const first = await stream.next();
      await scene.renew();
      await scene.quiet(client);
      const newest = await scene.renew();
      await scene.quiet(client);
      assert.equal(stream.responses.length, 1);
      stream.ack(first);
      assert.equal(pemOf(secretsOf(await stream.accept())[0]!), newest.certificateChainPem);
    });
  });

  describe('ends a stream', () => {
    it('of a workload that is gone at once, whatever it watches, and no other', async () => {
      await scene.renew();
      const [gone, goneToo, stays] = [
        scene.client('demo/pod-1').sotw(),
        scene.client('demo/pod-1').delta(),
        scene.client('demo/pod-2').sotw(),
      ];
      gone.subscribe('default');
      goneToo.subscribe('ROOTCA');
      stays.subscribe('default');
      await Promise.all([gone.accept(), goneToo.accept(), stays.accept()]);
      const error = new AuthorityError('CAP-A11', { detail: 'pod default/pod-1 is gone' });
      const concerns = ({ pod }: Caller): boolean => pod?.podName === 'pod-1';
      scene.secrets.gone.notify({ namespace: 'default', concerns, error });
      for (const stream of [gone, goneToo]) {
        const { code, details } = await stream.ended;
        assert.equal(code, status.UNAUTHENTICATED);
        assert.equal(details, 'CAP-A11 the pod of the credential is not there any more: pod default/pod-1 is gone');
      }
      scene.secrets.gone.notify({ namespace: 'elsewhere', concerns: () => true, error });
      await scene.renew();
      assert.equal((await stays.accept()).resources.length, 1);
      assert.equal(scene.events.of('streamClosed').length, 2);
    });

    it('that does not answer within 30 s, and one that never asks', async () => {
      await scene.renew();
      const [mute, silent, answering] = [client.sotw(), client.sotw(), client.sotw()];
      mute.subscribe('default');
      answering.subscribe('default');
      await mute.next();
      await answering.accept();
      await scene.quiet(client);
      while (scene.events.of('streamOpened').length < 3) await settle();
      await scene.clock.advance(29_000);
      assert.equal(scene.events.of('streamClosed').length, 0);
      await scene.clock.advance(2_000);
      for (const stream of [mute, silent]) {
        const { code, details } = await stream.ended;
        assert.equal(code, status.UNAVAILABLE);
        assert.match(details, /^CAP-S08 /);
      }
      assert.equal(scene.events.of('streamClosed').length, 2);
    });

    for (const [jitter, age] of [
      [0, 30 * MINUTE_MS],
      [0.5, 28.5 * MINUTE_MS],
    ] as const) {
      it(`at its maximum age, less ${jitter * 10} % of it by lot, and never right after a message`, async () => {
        scene.random.fraction = () => jitter;
        await scene.renew();
        const stream = client.sotw();
        stream.subscribe('default');
        await stream.accept();
        await scene.quiet(client);
        await scene.clock.advance(age - 2_000);
        assert.equal(scene.events.of('streamClosed').length, 0);
        await scene.renew();
        await stream.accept();
        await scene.quiet(client);
        await scene.clock.advance(4_000);
        assert.equal(scene.events.of('streamClosed').length, 0);
        await scene.clock.advance(1_000);
        const { code, details } = await stream.ended;
        assert.equal(code, status.UNAVAILABLE);
        assert.match(details, /^CAP-S09 /);
      });
    }

    it('that is never quiet, some time after its age', async () => {
      scene.random.fraction = () => 0;
      const stream = client.sotw();
      stream.subscribe('default');
      await scene.quiet(client);
      await scene.clock.advance(29 * MINUTE_MS);
      const renewAndWait = async (ms: number): Promise<void> => {
        await scene.renew();
        await stream.accept();
        await scene.quiet(client);
        await scene.clock.advance(ms);
      };
      for (let turn = 0; turn < 22; turn += 1) await renewAndWait(4_000);
      assert.equal(scene.events.of('streamClosed').length, 0);
      await renewAndWait(3_000);
      assert.match((await stream.ended).details, /^CAP-S09 /);
    });

    it('before the proof of its caller ends', async () => {
      const expiresAtMs = scene.clock.nowMs() + MINUTE_MS;
      scene.secrets.authentication = async (caller) => ({ ...caller, expiresAtMs });
      const stream = client.sotw();
      stream.subscribe('ROOTCA');
      await stream.accept();
      await scene.quiet(client);
      await scene.clock.advance(MINUTE_MS - 11_000);
      assert.equal(scene.events.of('streamClosed').length, 0);
      await scene.clock.advance(2_000);
      assert.match((await stream.ended).details, /^CAP-S09 /);
    });

    it('rather than send anything on a proof that is over', async () => {
      const expiresAtMs = scene.clock.nowMs() + MINUTE_MS;
      scene.secrets.authentication = async (caller) => ({ ...caller, expiresAtMs });
      await scene.renew();
      const stream = client.sotw();
      stream.subscribe('default');
      await stream.accept();
      scene.clock.jumpTo(expiresAtMs);
      await scene.renew();
      assert.match((await stream.ended).details, /^CAP-S09 /);
      assert.equal(stream.responses.length, 1);
    });

    it('with OK when the client has finished, and forgets one that went away', async () => {
      await scene.renew();
      const [finishing, leaving] = [client.sotw(), client.delta()];
      for (const stream of [finishing, leaving]) {
        stream.subscribe('default');
        await stream.accept();
      }
      finishing.finish();
      assert.equal((await finishing.ended).code, status.OK);
      leaving.cancel();
      while (scene.events.of('streamClosed').length < 2) await settle();
      assert.equal(scene.secrets.svid(DEMO).watchers, 0);
      assert.deepEqual(
        scene.events.of('streamClosed').map(({ why }) => why),
        ['the client ended the stream', 'the client cancelled the stream'],
      );
    });

    it('of a client whose connection closes, and says that it was the client', async () => {
      const leaving = await openMutely(scene.socketPath);
      while (scene.events.of('streamOpened').length < 1) await settle();
      leaving.destroy();
      while (scene.events.of('streamClosed').length < 1) await settle();
      assert.equal(scene.events.of('streamClosed')[0]!['why'], 'the client closed the connection');
    });

    it('of a client that answers no keepalive ping, and does not say that it ended the stream', async () => {
      await using strict = await Scene.open({}, { quietMs: 20, answerWithinMs: 20 });
      const mute = await openMutely(strict.socketPath);
      while (strict.events.of('streamClosed').length < 1) await settle();
      mute.destroy();
      assert.equal(strict.events.of('streamClosed')[0]!['why'], 'the client did not answer a keepalive ping');
    });

    it('when the listener drains, and opens none afterwards', async () => {
      await scene.renew();
      const stream = client.sotw();
      stream.subscribe('default');
      await stream.accept();
      await scene.drain();
      const { code, details } = await stream.ended;
      assert.equal(code, status.UNAVAILABLE);
      assert.match(details, /^CAP-S03 /);
      assert.equal((await client.sotw().ended).code, status.UNAVAILABLE);
    });
  });

  describe('answers a client that asks once and closes its half at once', () => {
    for (const way of ['sotw', 'delta'] as const) {
      it(`with all that it named, as it comes, and then OK, over ${way}`, async () => {
        const stream = client[way]();
        stream.subscribe('default', 'ROOTCA');
        stream.finish();
        assert.deepEqual(secretsOf(await stream.next()).map(pemOf), [scene.authority.bundle.pem]);
        await scene.quiet(client);
        assert.equal(scene.events.of('streamClosed').length, 0);
        const svid = await scene.renew();
        assert.deepEqual(secretsOf(await stream.next()).map(pemOf), [svid.certificateChainPem]);
        assert.equal((await stream.ended).code, status.OK);
        assert.equal(stream.responses.length, 2);
        assert.equal(scene.secrets.svid(DEMO).watchers, 0);
      });

      it(`with the reason when there will be no answer in time, over ${way}`, async () => {
        const stream = client[way]();
        stream.subscribe('default');
        stream.finish();
        await scene.quiet(client);
        await scene.clock.advance(31_000);
        const { code, details } = await stream.ended;
        assert.equal(code, status.UNAVAILABLE);
        assert.match(details, /^CAP-S07 /);
      });
    }

    it('with the reason of a refusal, where nothing else can say that there is none', async () => {
      scene.secrets.makeUnavailable(DEMO);
      const [sotw, delta, foreign] = [client.sotw(), client.delta(), client.sotw()];
      for (const stream of [sotw, delta]) stream.subscribe('default');
      foreign.subscribe(OTHER);
      for (const stream of [sotw, delta, foreign]) stream.finish();
      assert.equal((await sotw.ended).code, status.PERMISSION_DENIED);
      assert.match((await sotw.ended).details, /^CAP-P01 /);
      assert.deepEqual((await delta.next()).removedResources, ['default']);
      assert.equal((await delta.ended).code, status.OK);
      assert.match((await foreign.ended).details, /^CAP-M04 /);
    });

    it('and one that asks nothing, with OK', async () => {
      const stream = client.sotw();
      stream.finish();
      assert.equal((await stream.ended).code, status.OK);
    });
  });

  describe('reads what one namespace says at a pace', () => {
    /** With what it takes to say, 31 of them are all that may be said at once. */
    const heavy = (name: string) => ({
      node: { ...NODE, metadata: { filler: 'x'.repeat(250 * 1024) } },
      resourceNames: [name],
    });
    const AT_ONCE = 31;
    const read = (): number => scene.events.of('secretUnavailable').length;

    /** Whoever is called so is of a namespace of its own. */
    function setApart({ secrets }: Scene): void {
      secrets.authentication = async (caller) =>
        caller.identity.serviceAccount === 'quiet'
          ? { ...caller, identity: good<KubernetesIdentity>(kubernetesIdentity(TEST_TRUST_DOMAIN, 'other', 'quiet')) }
          : caller;
    }

    beforeEach(() => setApart(scene));

    async function useUp(stream: SotwClientStream, messages: number): Promise<void> {
      for (let n = 0; n < messages; n += 1) stream.send(heavy(`n${n}`));
      while (read() < AT_ONCE) await settle();
      await scene.quiet(scene.client('quiet'));
    }

    for (const way of ['a stream', 'a fetch'] as const) {
      it(`and has ${way} that is over it wait for its turn, while another namespace is answered`, async () => {
        const flood = client.sotw();
        await useUp(flood, AT_ONCE + 9);
        assert.equal(read(), AT_ONCE);
        const answers: unknown[] = [];
        const late = scene.client();
        const answer = (
          way === 'a fetch' ? late.fetch({ node: NODE, resourceNames: ['ROOTCA'] }) : askOnce(late.sotw())
        ).then((got) => answers.push(got));
        await scene.quiet(scene.client('quiet'));
        assert.deepEqual(answers, []);
        while (answers.length === 0 || read() < AT_ONCE + 9) await scene.clock.advance(50);
        await answer;
        assert.ok(scene.clock.monotonicMs() >= 1_000, `${scene.clock.monotonicMs()}`);
        flood.cancel();
      });
    }

    for (const protocol of ['sotw', 'delta'] as const) {
      it(`but hears the answer to a push at once, and nothing else in its stead (${protocol})`, async () => {
        const follower = client[protocol]();
        follower.subscribe('ROOTCA');
        await follower.accept();
        await useUp(scene.client().sotw(), AT_ONCE + 9);
        // One response at a time: the next is sent because the last was read as accepted.
        for (let push = 0; push < 3; push += 1) {
          const bundle = await scene.addAnchor();
          assert.equal(pemOf(secretsOf(await follower.accept())[0]!), bundle.pem);
        }
        await scene.renew();
        follower.subscribe('default');
        const { length } = follower.responses;
        await scene.quiet(scene.client('quiet'));
        assert.equal(scene.secrets.svid(DEMO).watchers, 0);
        while (follower.responses.length === length) await scene.clock.advance(50);
        assert.equal(secretsOf(await follower.next())[0]!.name, 'default');
      });
    }

    it('and ends no stream for being silent that it did not hear', async () => {
      const acknowledgeWithinMs = 5_000;
      await scene[Symbol.asyncDispose]();
      const hasty = (scene = await Scene.open({ acknowledgeWithinMs }));
      setApart(hasty);
      const [patient, flood] = [hasty.client().sotw(), hasty.client().sotw()];
      patient.subscribe('ROOTCA');
      const response = await patient.next();
      await useUp(flood, AT_ONCE);
      // Each has one message before the turn of the next comes: some 7 seconds.
      for (let n = 0; n < 60; n += 1) hasty.client().sotw().send(heavy('late'));
      while (hasty.events.of('streamOpened').length < 62) await settle();
      await scene.quiet(scene.client('quiet'));
      // Longer than what is heard at once as the answer to a push.
      patient.nack(response, 'n'.repeat(1024));
      while (hasty.events.of('secretRejected').length === 0) await hasty.clock.advance(50);
      assert.ok(hasty.clock.monotonicMs() > acknowledgeWithinMs + 1_000, `${hasty.clock.monotonicMs()}`);
      assert.deepEqual(hasty.events.of('streamClosed'), []);
    });

    it('and forgets one that goes away while it waits', async () => {
      const [flood, waiting] = [client.sotw(), client.sotw()];
      await useUp(flood, AT_ONCE + 1);
      waiting.subscribe('ROOTCA');
      await scene.quiet(scene.client('quiet'));
      for (const stream of [flood, waiting]) stream.cancel();
      while (scene.events.of('streamClosed').length < 2) await settle();
      // What watches the times of streams, and nothing else.
      assert.equal(scene.clock.sleepers, 1);
    });
  });

  describe('fetches', () => {
    it('the named secrets once, in one response', async () => {
      const svid = await scene.renew();
      const response = await client.fetch({ node: NODE, resourceNames: ['default', 'ROOTCA', 'default'] });
      const [first, second] = secretsOf(response);
      assert.equal(pemOf(first!), svid.certificateChainPem);
      assert.equal(pemOf(second!), scene.authority.bundle.pem);
      assert.equal(response.nonce, '');
      assert.equal(scene.secrets.svid(DEMO).watchers, 0);
    });

    it('nothing for a name that is not the caller’s, none at all, or too many', async () => {
      const cases: readonly [names: string[], code: status, reason: RegExp][] = [
        [['default', OTHER], status.NOT_FOUND, /CAP-M04/],
        [['nonsense'], status.NOT_FOUND, /CAP-M04/],
        [[], status.INVALID_ARGUMENT, /CAP-M03/],
        [Array.from({ length: 101 }, (_, at) => `n${at}`), status.RESOURCE_EXHAUSTED, /CAP-Q02/],
      ];
      for (const [resourceNames, code, message] of cases) {
        await assert.rejects(client.fetch({ resourceNames }), { code, message });
      }
    });

    it('the reason why a secret is unavailable', async () => {
      scene.secrets.makeUnavailable(DEMO);
      await assert.rejects(client.fetch({ resourceNames: ['default'] }), { code: status.PERMISSION_DENIED });
    });
  });
});

async function askOnce(stream: SotwClientStream): Promise<void> {
  stream.subscribe('ROOTCA');
  await stream.accept();
}

function anchorsOf(response: Parameters<typeof secretsOf>[0]): string {
  return pemOf(secretsOf(response)[0]!);
}

function pemBlocks(pem: string): readonly string[] {
  return pem.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? [];
}
