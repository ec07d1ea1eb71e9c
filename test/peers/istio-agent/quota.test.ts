// What Istio's own agent does when it is over a quota: one request a try, and it comes back by itself.
import assert from 'node:assert/strict';
import { RunningServer } from '../../app/support/running-server.ts';
import { ServerFiles } from '../../app/support/server-files.ts';
import { buildCsr } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { findProgram } from '../programs/programs.ts';
import { peerOrSkip } from '../support/presence.ts';
import { IstioAgent } from './istio-agent.ts';

/** A bucket of six, with room again after ten seconds. */
const QUOTA = {
  apiVersion: 'capstan.dev/v1alpha1',
  kind: 'IssuancePolicy',
  metadata: { name: 'own', namespace: 'default' },
  spec: { quotas: { perNamespacePerMinute: 6 } },
};

describe("Istio's agent over a quota", function () {
  this.timeout(180_000);
  let binary: string;
  before(function () {
    binary = peerOrSkip(this, findProgram('pilot-agent'), 'pilot-agent');
  });

  it('asks once a try, and has its certificate within its back-off once there is room', async () => {
    using files = await ServerFiles.create();
    files.setLocal('own.yaml', JSON.stringify(QUOTA));
    await using server = await RunningServer.start({ files });
    await using agent = new IstioAgent({
      binary,
      anchorsPem: files.pki.root.certificatePem,
      serviceAccount: 'demo',
      secretTtl: '1h',
    });
    const csr = (await buildCsr()).pem;
    using client = server.client();
    const headers = { authorization: `Bearer ${await files.mint.token('other')}` };
    for (let taken = 0; taken < 6; taken += 1) assert.equal((await client.call({ csr, headers })).code, 0);

    agent.setToken(await files.mint.token());
    await agent.start(server.tlsPort);
    const own = () => files.decisions({ identity: 'spiffe://cluster.local/ns/default/sa/demo' });
    await eventually('the certificate', () => own().some(({ outcome }) => outcome === 'issued'), {
      withinMs: 150_000,
    });

    const metrics = await (await server.get('/metrics')).text();
    const [, refused] = /^capstan_decisions_total\{.*reason="CAP-Q03".*\} (\d+)$/m.exec(metrics) ?? [];
    // Tries grow apart from half a second on: some five in ten seconds; five requests a try would make twenty-five.
    assert.ok(Number(refused) > 0 && Number(refused) <= 12, metrics);
  });
});
