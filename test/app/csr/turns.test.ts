// A namespace that asks for more than can be decided waits for itself: seen from outside.
import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import type { CsrWire, Outcome } from '../../adapters/grpc/wire.ts';
import { buildCsr } from '../../support/certificates.ts';
import { RunningServer } from '../support/running-server.ts';

/** So few that a crowd of these tests is one. */
const SETTINGS = {
  'fairness.inProgress': 2,
  'fairness.waitingPerNamespace': 20,
  'listen.maxRequestsPerNamespace': 1_000,
  'listen.maxRequestsInFlight': 1_000,
};
const CROWD = 200;

describe('Turns of namespaces at the wire', () => {
  let server: RunningServer;
  let csr: string;
  before(async () => {
    server = await RunningServer.start({ settings: SETTINGS });
    ({ pem: csr } = await buildCsr({ keyType: 'ec-p256' }));
  });
  after(async () => server[Symbol.asyncDispose]());

  const headersOf = async (namespace: string) => ({
    authorization: `Bearer ${await server.files.mint.tokenIn(namespace, 'demo')}`,
  });

  async function crowd(client: CsrWire, headers: Record<string, string>, ended: Outcome[]): Promise<void> {
    const calls = Array.from({ length: CROWD }, async () => ended.push(await client.call({ csr, headers })));
    await Promise.all(calls);
  }

  it('serve another namespace before the rest of a crowd, whose line is short, and say when to come again', async () => {
    using noisy = server.client();
    using quiet = server.client();
    const [loud, soft] = [await headersOf('default'), await headersOf('ec-only')];
    // Both have a connection and a token that was verified before.
    for (const [client, headers] of [
      [noisy, loud],
      [quiet, soft],
    ] as const)
      await client.call({ csr, headers });
    const ended: Outcome[] = [];
    const all = crowd(noisy, loud, ended);
    const { code, details } = await quiet.call({ csr, headers: soft });
    const before = ended.filter((outcome) => outcome.code === status.OK).length;
    await all;
    assert.equal(code, status.OK, details);
    const served = ended.filter((outcome) => outcome.code === status.OK).length;
    assert.ok(before < served, `${before} of ${served} of the crowd were served before the other`);
    const refused = ended.filter((outcome) => outcome.code !== status.OK);
    assert.equal(served + refused.length, CROWD);
    assert.ok(refused.length > 0, 'the line is short');
    for (const one of refused) {
      assert.equal(status[one.code], 'RESOURCE_EXHAUSTED');
      assert.match(
        one.details,
        /^CAP-Q01 .*: 20 of namespace default wait already \(fairness\.waitingPerNamespace\) id=/,
      );
      assert.deepEqual(one.metadata.get('grpc-retry-pushback-ms'), ['500']);
    }
    const metrics = await (await server.get('/metrics')).text();
    assert.match(metrics, new RegExp(`^capstan_turns_missed_total{cause="line_full"} ${refused.length}$`, 'm'));
    assert.match(metrics, /^capstan_turns_waiting 0$/m);
  });
});
