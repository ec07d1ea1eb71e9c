// SDS streams used like unary calls, as scripts and simple clients do: one request, and the half is closed.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { eventually } from '../../support/eventually.ts';
import { keyOf, pemOf, secretsOf } from '../../support/clients/sds-client.ts';
import { RunningServer } from '../support/running-server.ts';

describe('A client that asks a running server once and closes its half', () => {
  let server: RunningServer;
  before(async () => void (server = await RunningServer.start()));
  after(async () => server[Symbol.asyncDispose]());

  const closedOver = (protocol: string) => {
    const lines = server.files.logged('streamClosed').filter((line) => line['protocol'] === protocol);
    return lines.length > 0 && lines;
  };

  for (const way of ['sotw', 'delta'] as const) {
    it(`has its certificate, its key and its anchors before the stream ends, over ${way}`, async () => {
      using client = server.sdsClient({ token: await server.files.mint.token() });
      const stream = client[way]();
      stream.subscribe('default', 'ROOTCA');
      stream.finish();
      const { code, details } = await stream.ended;
      assert.equal(code, status.OK, details);
      const secrets = new Map(stream.responses.flatMap(secretsOf).map((secret) => [secret.name, secret]));
      assert.deepEqual([...secrets.keys()].sort(), ['ROOTCA', 'default']);
      const leaf = new X509Certificate(pemOf(secrets.get('default')!));
      assert.equal(leaf.subjectAltName, 'URI:spiffe://cluster.local/ns/default/sa/demo');
      assert.match(keyOf(secrets.get('default')!), /BEGIN PRIVATE KEY/);
      const [closed] = await eventually('the log tells the end', () => closedOver(way), { withinMs: 30_000 });
      assert.equal(closed?.['why'], 'the client ended the stream');
    });
  }

  it('is told why it has none', async () => {
    using client = server.sdsClient({ token: await server.files.mint.tokenIn('elsewhere', 'demo') });
    const [sotw, delta] = [client.sotw(), client.delta()];
    for (const stream of [sotw, delta]) {
      stream.subscribe('default');
      stream.finish();
    }
    const { code, details } = await sotw.ended;
    assert.equal(code, status.PERMISSION_DENIED);
    assert.match(details, /^CAP-P01 /);
    assert.deepEqual((await delta.next()).removedResources, ['default']);
    assert.equal((await delta.ended).code, status.OK);
  });
});
