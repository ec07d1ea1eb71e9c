// What is noted of proxies as evidence of trust: which bundle each has taken into use.
import assert from 'node:assert/strict';
import { eventually } from '../../../support/eventually.ts';
import { SEEN_EVERY_MS, type ProxyNote } from '../../../../src/ports/storage/evidence.ts';
import { SWEEP_MS } from '../../../../src/adapters/grpc/sds/proxies/stream-register.ts';
import { DEMO, Scene } from './scene.ts';

describe('Of the trust bundle of a proxy', function () {
  this.timeout(60_000);
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.open();
    await scene.renew();
  });
  afterEach(async () => scene[Symbol.asyncDispose]());

  const noted = async (isIt: (note: ProxyNote) => boolean): Promise<ProxyNote> =>
    eventually(
      'the note of the proxy',
      () => {
        const last = scene.notes.at(-1);
        return last !== undefined && isIt(last) && last;
      },
      { withinMs: 30_000, everyMs: 5 },
    );

  for (const protocol of ['sotw', 'delta'] as const) {
    it(`it is noted that it asked, and what it acknowledged (${protocol})`, async () => {
      const stream = scene.client()[protocol]();
      stream.subscribe('ROOTCA');
      await stream.next();
      const { proxy, timeMs, ...asked } = scene.notes.at(-1)!;
      assert.deepEqual(asked, { identity: DEMO, seenMs: scene.clock.nowMs() });
      assert.equal(timeMs, scene.clock.nowMs());
      assert.notEqual(proxy, '');

      stream.ack(stream.responses[0]! as never);
      const first = await noted(({ bundle }) => bundle !== undefined);
      assert.equal(first.bundle, scene.authority.bundle.digest);

      const both = await scene.addAnchor();
      await stream.accept();
      assert.equal((await noted(({ bundle }) => bundle !== first.bundle)).bundle, both.digest);
    });

    it(`a rejection is noted beside what it has, until it accepts another (${protocol})`, async () => {
      const stream = scene.client()[protocol]();
      stream.subscribe('ROOTCA');
      await stream.accept();
      const { digest } = scene.authority.bundle;
      await noted(({ bundle }) => bundle === digest);
      await scene.addAnchor();
      stream.nack((await stream.next()) as never, `no ${'x'.repeat(300)}`);
      const { bundle, rejected } = await noted(({ rejected: since }) => since !== undefined);
      assert.equal(bundle, digest);
      assert.deepEqual(rejected, { message: `no ${'x'.repeat(197)}`, timeMs: scene.clock.nowMs() });
      const third = await scene.addAnchor();
      await stream.accept();
      assert.equal((await noted(({ rejected: since }) => since === undefined)).bundle, third.digest);
    });
  }

  for (const protocol of ['sotw', 'delta'] as const) {
    it(`the certificate that it acknowledged is noted with it, and none that was only sent (${protocol})`, async () => {
      const client = scene.client();
      const [bundle, svid] = [client[protocol](), client[protocol]()];
      bundle.subscribe('ROOTCA');
      await bundle.accept();
      await noted(({ bundle: digest }) => digest !== undefined);
      svid.subscribe('default');
      await svid.next();
      await scene.quiet(client);
      assert.equal(scene.notes.at(-1)?.leaf, undefined);
      svid.ack(svid.responses[0]! as never);
      const { leaf } = await noted((note) => note.leaf !== undefined);
      assert.equal(leaf?.trustAnchor, 'aa'.repeat(32));
    });
  }

  it('a client of delta that comes back with the bundle in force has it, though it acknowledges nothing', async () => {
    const first = scene.client().delta();
    first.subscribe('ROOTCA');
    const [{ version } = { version: '' }] = (await first.accept()).resources;
    await noted(({ bundle }) => bundle !== undefined);
    first.cancel();
    await first.ended;
    scene.notes.length = 0;
    const client = scene.client();
    client.delta().comeBack('ROOTCA', version);
    await scene.quiet(client);
    assert.equal((await noted(() => true)).bundle, scene.authority.bundle.digest);
  });

  it('nothing is noted of who asks for its certificate only, and what its other stream has is seen by that one too', async () => {
    const client = scene.client();
    const svid = client.sotw();
    svid.subscribe('default');
    await svid.accept();
    await scene.quiet(client);
    assert.deepEqual(scene.notes, []);
  });

  it('it is noted again and again that it is there', async () => {
    const client = scene.client();
    const stream = client.sotw();
    stream.subscribe('ROOTCA');
    await stream.accept();
    const { bundle, timeMs } = await noted((note) => note.bundle !== undefined);
    await scene.clock.advance(SEEN_EVERY_MS + SWEEP_MS);
    const again = await noted(({ seenMs }) => seenMs > timeMs);
    assert.deepEqual([again.bundle, again.timeMs], [bundle, timeMs]);
    assert.ok(again.seenMs >= timeMs + SEEN_EVERY_MS);
  });
});
