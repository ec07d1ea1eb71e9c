// Istio's own agent on a virtual machine where Capstan serves SDS on the socket that `WORKLOAD_IDENTITY_SOCKET_FILE` names, as
// istio-config/istio/vm.yaml has it: the agent finds it, and asks nobody for a certificate.
import assert from 'node:assert/strict';
import { RunningServer } from '../../app/support/running-server.ts';
import { ServerFiles } from '../../app/support/server-files.ts';
import { SdsClient } from '../../support/clients/sds-client.ts';
import { eventually } from '../../support/eventually.ts';
import { findProgram } from '../programs/programs.ts';
import { peerOrSkip } from '../support/presence.ts';
import { IstioAgent } from './istio-agent.ts';

const FILE = 'capstan.sock';
const UP = { withinMs: 60_000 };

describe("Istio's agent beside a socket of Capstan's", function () {
  this.timeout(120_000);
  let binary: string;
  before(function () {
    binary = peerOrSkip(this, findProgram('pilot-agent'), 'pilot-agent');
  });

  const agentOf = (files: ServerFiles): IstioAgent =>
    new IstioAgent({
      ...{ binary, anchorsPem: files.pki.root.certificatePem, serviceAccount: 'demo', secretTtl: '1h' },
      socketFile: FILE,
    });

  it('leaves certificates to it: none is asked for, and what Envoy gets there is the workload', async () => {
    using files = await ServerFiles.create();
    await using agent = agentOf(files);
    const socket = agent.workloadSocket(FILE);
    const sockets = [{ path: socket, namespace: 'default', serviceAccount: 'demo', mode: '0660' }];
    await using server = await RunningServer.start({ files, settings: { 'sds.sockets': sockets } });
    agent.setToken(await files.mint.token());
    await agent.start(server.tlsPort);
    await eventually('the agent found it', () => /Existing workload SDS socket found/.test(agent.log), UP);
    using envoy = new SdsClient(`unix:${socket}`);
    const stream = envoy.sotw();
    stream.subscribe('default');
    await stream.accept();
    const decisions = files.decisions({ identity: 'spiffe://cluster.local/ns/default/sa/demo' });
    assert.deepEqual([...new Set(decisions.map(({ api }) => api))], ['sds']);
    assert.equal(agent.hasStored, false);
  });

  it('does not start without it, rather than ask otherwise', async () => {
    using files = await ServerFiles.create();
    await using agent = agentOf(files);
    await agent.start(1);
    await eventually('it says so', () => /capstan\.sock but no socket found/.test(agent.log), UP);
    assert.equal(agent.hasStored, false);
  });
});
