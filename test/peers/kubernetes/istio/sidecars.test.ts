// Sidecars of a mesh whose CA is Capstan: Istio's own agent enrols with the token of its pod, and leads its Envoy to an
// istiod that serves xDS with a certificate of the same CA.
import assert from 'node:assert/strict';
import { eventually, freePort } from '../../../support/eventually.ts';
import { CURRENT_ENVOY, envoyBinary } from '../../envoy/support/envoy-package.ts';
import { istioBootstrapTemplate } from '../../programs/programs.ts';
import { peerOrSkip } from '../../support/presence.ts';
import type { DecisionRecord } from '../../../../src/ports/storage/issuance-journal.ts';
import { IstioMesh } from './support/mesh.ts';

const UP = { withinMs: 60_000 };

describe('A mesh of Istio with Capstan as its CA', function () {
  this.timeout(240_000);
  const ended = new AsyncDisposableStack();
  let mesh: IstioMesh;
  before(async function () {
    const programs = peerOrSkip(this, IstioMesh.programs(), 'Istio on Kubernetes');
    mesh = ended.use(await IstioMesh.start(programs, ['shop']));
  });
  after(async () => ended.disposeAsync());

  it("gives a sidecar its identity by its pod's token, and its Envoy reaches istiod", async function () {
    const binary = peerOrSkip(this, envoyBinary(CURRENT_ENVOY), 'Envoy');
    const adminPort = await freePort();
    const envoy = { binary, bootstrapTemplate: istioBootstrapTemplate(), adminPort };
    const agent = await mesh.agent({ namespace: 'shop', pod: 'web-1', serviceAccount: 'web', envoy });
    await agent.start(mesh.capstan.tlsPort);

    const csr = (): DecisionRecord | undefined => mesh.capstan.files.decisions().find(({ api }) => api === 'csr');
    const decision = await eventually('the decision', csr, UP).catch((e: unknown) => { console.log(agent.log.slice(-6000)); throw e; });
    assert.equal(decision.outcome, 'issued', agent.log);
    const stats = async (name: string): Promise<number> => {
      const text = await (await fetch(`http://127.0.0.1:${adminPort}/stats?filter=${name}`)).text();
      return Number(text.trim().split(': ')[1]);
    };
    await eventually(
      'clusters of istiod',
      async () => (await stats('cluster_manager.cds.update_success')) > 0,
      UP,
    ).catch((e: unknown) => {
      console.log(agent.log.slice(-6000));
      throw e;
    });
    console.log(await (await fetch(`http://127.0.0.1:${adminPort}/certs`)).text());
    console.log(await (await fetch(`http://127.0.0.1:${adminPort}/stats?filter=lds|cds|sds`)).text());
  });
});
