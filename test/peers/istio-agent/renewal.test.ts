// How Istio's own agent renews on a virtual machine: it keeps one connection, and comes back with its newest certificate
// when that is ended. `test/support/renewing-agent.ts` is our own agent of that shape.
import assert from 'node:assert/strict';
import { RunningServer } from '../../app/running-server.ts';
import type { DecisionRecord } from '../../../src/ports/issuance-journal.ts';
import { eventually } from '../eventually.ts';
import { peerOrSkip } from '../presence.ts';
import { agentBinary, IstioAgent } from './istio-agent.ts';

const TTL = '16s';
/** Each after some eight seconds. */
const RENEWALS = 5;

describe("Istio's agent on a virtual machine", function () {
  this.timeout(120_000);
  let binary: string;
  before(function () {
    binary = peerOrSkip(this, agentBinary(), 'pilot-agent');
  });

  it('enrols by token once, renews by certificate, and is never refused', async () => {
    const lifetimes = { 'lifetimes.default': TTL, 'lifetimes.max': TTL, 'lifetimes.backdate': '1s', 'sds.ttl': TTL };
    await using server = await RunningServer.start({ settings: lifetimes });
    const { files, tlsPort } = server;
    const csrDecisions = (): readonly DecisionRecord[] =>
      files
        .decisions()
        .filter(({ surface }) => surface === 'csr')
        .toReversed();
    await using agent = new IstioAgent({
      binary,
      caAddress: `localhost:${tlsPort}`,
      anchorsPem: files.pki.root.certificatePem,
      serviceAccount: 'demo',
      secretTtl: TTL,
    });

    agent.setToken(await files.mint.token());
    await agent.start();
    await eventually('the enrolment', () => csrDecisions().length > 0, { withinMs: 20_000 });
    await agent.stop();
    agent.setToken(undefined);
    await agent.start();
    await eventually('the renewals', () => csrDecisions().length > RENEWALS, { withinMs: 80_000 });

    const [enrolment, ...renewals] = csrDecisions();
    assert.equal(enrolment?.provenBy, 'token');
    for (const renewal of renewals) {
      assert.ok(renewal.outcome === 'issued', renewal.outcome === 'refused' ? renewal.message : agent.log);
      assert.equal(renewal.provenBy, 'client-certificate');
      assert.equal(renewal.proofId, enrolment.decisionId, 'all go back to the one token');
    }
  });
});
