// How Istio's own agent renews on a virtual machine: it keeps one connection, and comes back with its newest certificate
// when that is ended; and it shows the certificate that it stored whenever it has one, whoever issued it.
// `test/support/clients/renewing-agent.ts` is our own agent of that shape.
import assert from 'node:assert/strict';
import type { DecisionRecord } from '../../../src/ports/storage/issuance-journal.ts';
import { RunningServer } from '../../app/support/running-server.ts';
import { ServerFiles } from '../../app/support/server-files.ts';
import { testAuthority } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { findProgram } from '../programs/programs.ts';
import { peerOrSkip } from '../support/presence.ts';
import { IstioAgent } from './istio-agent.ts';

const TTL = '80s';
/** Of the lifetime: each renewal is after some eight seconds, and what is in force lasts for as long as an agent takes to start. */
const RENEWS_WITH_LEFT = 0.9;
const SETTINGS = { 'lifetimes.default': TTL, 'lifetimes.max': TTL, 'lifetimes.backdate': '1s', 'sds.ttl': TTL };
const RENEWALS = 3;
const STARTED = { withinMs: 60_000 };

describe("Istio's agent on a virtual machine", function () {
  this.timeout(180_000);
  let binary: string;
  before(function () {
    binary = peerOrSkip(this, findProgram('pilot-agent'), 'pilot-agent');
  });

  const agentOf = ({ pki }: ServerFiles): IstioAgent =>
    new IstioAgent({
      ...{ binary, anchorsPem: pki.root.certificatePem, serviceAccount: 'demo' },
      ...{ secretTtl: TTL, renewsWithLeft: RENEWS_WITH_LEFT },
    });
  /** Oldest first. */
  const decisionsOf = (files: ServerFiles): readonly DecisionRecord[] =>
    files
      .decisions()
      .filter(({ api }) => api === 'csr')
      .toReversed();

  it('enrols by token once, renews by certificate, and is never refused', async () => {
    await using server = await RunningServer.start({ settings: SETTINGS });
    const { files, tlsPort } = server;
    await using agent = agentOf(files);
    agent.setToken(await files.mint.token());
    await agent.start(tlsPort);
    await eventually('the enrolment', () => agent.hasStored && decisionsOf(files).length > 0, STARTED);
    await agent.stop();
    agent.setToken(undefined);
    await agent.start(tlsPort);
    await eventually('the renewals', () => decisionsOf(files).length > RENEWALS, { withinMs: 100_000 });

    const [enrolment, ...renewals] = decisionsOf(files);
    assert.equal(enrolment?.authenticationMethod, 'token');
    for (const renewal of renewals) {
      assert.ok(renewal.outcome === 'issued', renewal.outcome === 'refused' ? renewal.message : agent.log);
      assert.equal(renewal.authenticationMethod, 'client-certificate');
      assert.equal(renewal.proofId, enrolment.decisionId, 'all go back to the one token');
    }
  });

  it('moves to a cluster under the same root by its token, although it shows the certificate of the former', async () => {
    using former = await ServerFiles.create();
    using next = await ServerFiles.create(await testAuthority({ root: former.pki.root }));
    await using from = await RunningServer.start({ files: former, settings: SETTINGS });
    await using to = await RunningServer.start({ files: next, settings: SETTINGS });
    await using agent = agentOf(former);
    agent.setToken(await former.mint.token());
    await agent.start(from.tlsPort);
    await eventually('the enrolment', () => agent.hasStored && decisionsOf(former).length > 0, STARTED);
    await agent.stop();

    agent.setToken(undefined);
    await agent.start(to.tlsPort);
    const refused = await eventually('the refusal', () => decisionsOf(next)[0], STARTED);
    assert.ok(refused.outcome === 'refused');
    assert.equal(refused.reason, 'CAP-A09', 'it shows the certificate that it stored');
    agent.setToken(await next.mint.token());
    const issued = (): DecisionRecord | undefined => decisionsOf(next).find(({ outcome }) => outcome === 'issued');
    assert.equal((await eventually('the certificate', issued, STARTED)).authenticationMethod, 'token');
  });
});
