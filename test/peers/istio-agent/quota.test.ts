// What Istio's own agent does when it is over a quota: one request a try, and it comes back by itself.
import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import type { DecisionRecord } from '../../../src/ports/storage/issuance-journal.ts';
import { RunningServer } from '../../app/support/running-server.ts';
import { ServerFiles } from '../../app/support/server-files.ts';
import { buildCsr } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { findProgram } from '../programs/programs.ts';
import { peerOrSkip } from '../support/presence.ts';
import { IstioAgent } from './istio-agent.ts';

/** Taken one by one; with one a minute there is no room again before another says so. */
const quota = (perNamespacePerMinute: number): string =>
  JSON.stringify({
    apiVersion: 'capstan.dev/v1alpha1',
    kind: 'IssuancePolicy',
    metadata: { name: 'own', namespace: 'default' },
    spec: { quotas: { perNamespacePerMinute } },
  });
const SOON = { withinMs: 60_000, everyMs: 50 };
const TRIES = 7;
/** In which it makes that many at the soonest: its pauses grow by half from half a second on, and each is at least half of that. */
const TRIES_TAKE_MS = 5_000;

describe("Istio's agent over a quota", function () {
  this.timeout(180_000);
  let binary: string;
  before(function () {
    binary = peerOrSkip(this, findProgram('pilot-agent'), 'pilot-agent');
  });

  it('asks once a try, and has its certificate within its back-off once there is room', async () => {
    using files = await ServerFiles.create();
    files.setLocal('own.yaml', quota(1));
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
    const isFull = async (): Promise<boolean> =>
      (await client.call({ csr, headers })).code === status.FAILED_PRECONDITION;
    await eventually('the quota is used up', isFull, SOON);

    agent.setToken(await files.mint.token());
    await agent.start(server.tlsPort);
    const own = (): readonly DecisionRecord[] =>
      files.decisions({ identity: 'spiffe://cluster.local/ns/default/sa/demo' });
    // However long that takes, somebody else has what room there is.
    await eventually('its refusals', async () => (await isFull()) && own().length >= TRIES, SOON);
    const tries = own().toReversed().slice(0, TRIES);
    assert.deepEqual(
      tries.map((one) => one.outcome === 'refused' && one.reason),
      tries.map(() => 'CAP-Q03'),
    );
    // Were it to ask several times a try, that many would have come within two seconds.
    assert.ok(tries.at(-1)!.timeMs - tries[0]!.timeMs > TRIES_TAKE_MS);

    files.setLocal('own.yaml', quota(600));
    await eventually('the certificate', () => own().some(({ outcome }) => outcome === 'issued'), {
      withinMs: 90_000,
    });
  });
});
