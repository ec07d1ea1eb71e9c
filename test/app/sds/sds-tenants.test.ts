// One namespace that opens and closes streams for ever, as many pods as it likes, and the others beside it.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { SystemClock } from '../../../src/adapters/clock/system-clock.ts';
import { NODE, pemOf, secretsOf, type SdsClient } from '../../support/clients/sds-client.ts';
import { RunningServer } from '../support/running-server.ts';
import { ServerFiles } from '../support/server-files.ts';
import { claimsOf } from '../support/token-mint.ts';

describe('A namespace that fills SDS', () => {
  let files: ServerFiles;
  let server: RunningServer;
  const open: Disposable[] = [];
  /** Since when the server's time stands still, and for how long it stood before, in ms. */
  let stillSinceMs: number | undefined;
  let stoodMs = 0;
  const monotonicMs = (): number => (stillSinceMs ?? performance.now()) - stoodMs;
  const clock = new SystemClock({ monotonicMs });

  before(async () => {
    files = await ServerFiles.create();
    files.setPolicy([{ namespaces: ['noisy', 'chatty', 'quiet'] }]);
    // By default a quarter is one namespace's: two.
    server = await RunningServer.start({ files, clock, settings: { 'sds.maxIdentities': 8, 'sds.maxStreams': 8 } });
  });
  afterEach(() => {
    for (const client of open.splice(0)) client[Symbol.dispose]();
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  async function pod(namespace: string, name: string): Promise<SdsClient> {
    const { 'kubernetes.io': bound, ...claims } = claimsOf(namespace, 'demo');
    const kubernetes = { ...(bound as object), pod: { name, uid: `uid-of-${name}` } };
    const token = await files.mint.token('demo', { ...claims, 'kubernetes.io': kubernetes });
    const client = server.sdsClient({ token });
    open.push(client);
    return client;
  }

  async function serialOf(client: SdsClient): Promise<string> {
    const response = await client.fetch({ resourceNames: ['default'] });
    return new X509Certificate(pemOf(secretsOf(response)[0]!)).serialNumber;
  }

  it('by coming and going has what it is given, and leaves the others theirs', async () => {
    const kept = await pod('quiet', 'kept');
    const serial = await serialOf(kept);
    for (let turn = 0; turn < 30; turn += 1) assert.ok(await serialOf(await pod('noisy', `pod-${turn}`)));
    assert.equal(await serialOf(kept), serial);
    assert.ok(await serialOf(await pod('quiet', 'late')));
  });

  it('by staying has its share of the streams, and is told so', async () => {
    for (const name of ['one', 'two']) {
      const stream = (await pod('noisy', name)).sotw();
      stream.subscribe('default');
      await stream.accept();
    }
    for (const way of ['sotw', 'delta'] as const) {
      const { code, details } = await (await pod('noisy', 'three'))[way]().ended;
      assert.equal(code, status.RESOURCE_EXHAUSTED);
      assert.match(details, /^CAP-Q01 .*namespace noisy has 2 streams open, its share/);
    }
    const stream = (await pod('quiet', 'late')).delta();
    stream.subscribe('default');
    assert.equal(secretsOf(await stream.accept()).length, 1);
  });

  it('by talking is heard at a pace, and the others at once', async () => {
    // Of 10 MiB, 2 MiB are more than may be said at once; a second's worth.
    const [messages, atLeastMs] = [42, 900];
    const node = { ...NODE, metadata: { filler: 'x'.repeat(250 * 1024) } };
    const noisy = (await pod('chatty', 'talker')).sotw();
    const quiet = await pod('quiet', 'patient');
    await serialOf(quiet);
    // However long the machine takes, the pace lets nobody on meanwhile.
    stillSinceMs = performance.now();
    const startMs = monotonicMs();
    for (let n = 0; n < messages; n += 1) noisy.send({ node, resourceNames: [`n${n}`] });
    noisy.send({ resourceNames: ['default'] });
    let heard = false;
    const last = noisy.accept().then(() => (heard = true));
    assert.ok(await serialOf(quiet));
    assert.equal(heard, false);
    stoodMs = performance.now() - stillSinceMs;
    stillSinceMs = undefined;
    await last;
    assert.ok(monotonicMs() - startMs >= atLeastMs, `${monotonicMs() - startMs}`);
  });
});
