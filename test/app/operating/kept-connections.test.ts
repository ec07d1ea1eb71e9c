import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { SystemClock } from '../../../src/adapters/clock/system-clock.ts';
import { buildCsr, spiffe } from '../../support/certificates.ts';
import { RenewingAgent } from '../../support/clients/renewing-agent.ts';
import { RunningServer } from '../support/running-server.ts';

const DEMO = 'spiffe://cluster.local/ns/default/sa/demo';
const LIFETIME_MS = 8_000;
/** The last after one and a half of its lives. */
const RENEWALS = 3;

describe('A virtual machine that keeps its connection', () => {
  // Ten minutes of it, with many machines: `npm run soak`.
  it('renews at half life, again and again, and is never refused for the certificate it began with', async function () {
    this.timeout(120_000);
    // What it shows is judged by a clock that lags some milliseconds behind the one that issues: the second before has to do.
    const lifetimes = { 'lifetimes.default': '8s', 'lifetimes.max': '8s', 'lifetimes.backdate': '1s', 'sds.ttl': '8s' };
    await using server = await RunningServer.start({ settings: { ...lifetimes, 'lifetimes.jitterPercent': 0 } });
    using agent = new RenewingAgent(server.tlsPort, server.files.pki.root.certificatePem, DEMO);
    const first = await agent.renew(await server.files.mint.token());
    assert.equal(first.code, 0, first.message);
    agent.restart();
    for (let renewal = 0; renewal < RENEWALS; renewal += 1) {
      await sleep(LIFETIME_MS / 2);
      const { code, message } = await agent.renew();
      assert.equal(code, 0, `renewal ${renewal}: ${message}`);
    }
  });
});

describe('An SDS stream that was opened with a client certificate', () => {
  it('ends gracefully when its connection has to go, and its caller comes back on another', async () => {
    let aheadMs = 0;
    const clock = new SystemClock({ wallMs: () => Date.now() + aheadMs });
    await using server = await RunningServer.start({ clock });
    const headers = { authorization: `Bearer ${await server.files.mint.token()}` };
    using client = server.client();
    const { pem: csr, privateKeyPem: keyPem } = await buildCsr({ names: [spiffe(DEMO)] });
    const { response } = await client.call({ csr, headers, validityDuration: 3_600n });
    const showing = { chainPem: response!.certChain.slice(0, -1).join(''), keyPem };
    using proxy = server.sdsClient(showing);
    const stream = proxy.sotw();
    stream.subscribe('default');
    await stream.accept();
    aheadMs = new X509Certificate(showing.chainPem).validToDate.getTime() - 29_000 - Date.now();
    const ended = await stream.ended;
    assert.equal(ended.code, status.UNAVAILABLE);
    assert.match(ended.details, /^CAP-S09 /);
    const again = proxy.sotw();
    again.subscribe('default');
    await again.accept();
    again.cancel();
    assert.equal(server.files.decisions({ outcome: 'refused' }).length, 0, 'nobody was refused');
  });
});
