// Sidecars of a mesh whose CA is Capstan: Istio's own agent enrols with the token of its pod, and leads its Envoy to an
// istiod that serves xDS with the certificate that Capstan keeps for it.
import assert from 'node:assert/strict';
import { connect, type PeerCertificate } from 'node:tls';
import { once } from 'node:events';
import type { DecisionRecord } from '../../../../src/ports/storage/issuance-journal.ts';
import { eventually, freePort } from '../../../support/eventually.ts';
import { CURRENT_ENVOY, envoyBinary } from '../../envoy/support/envoy-package.ts';
import type { AgentEnvoy } from '../../istio-agent/istio-agent.ts';
import { istioBootstrapTemplate } from '../../programs/programs.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { IstioMesh } from './support/mesh.ts';

const UP = { withinMs: 60_000 };
/** Renewed at half of it, or when it is looked at next: every 15 s. */
const ISTIOD_TTL = '45s';

describe('A mesh of Istio with Capstan as its CA', function () {
  this.timeout(240_000);
  const ended = new AsyncDisposableStack();
  let mesh: IstioMesh;
  let envoyProgram: string;
  before(async function () {
    const programs = peerOrSkip(this, IstioMesh.programs(), 'Istio on Kubernetes');
    envoyProgram = peerOrSkip(this, envoyBinary(CURRENT_ENVOY), 'Envoy');
    mesh = ended.use(await IstioMesh.start({ programs, namespaces: ['shop'], istiodTtl: ISTIOD_TTL }));
  });
  after(async () => ended.disposeAsync());

  const newEnvoy = async (): Promise<AgentEnvoy> => ({
    binary: envoyProgram,
    bootstrapTemplate: istioBootstrapTemplate(),
    adminPort: await freePort(),
  });
  /** A statistic of an agent's Envoy; 0 while it has none. */
  const statistic = async ({ adminPort }: AgentEnvoy, name: string): Promise<number> => {
    const text = await (await fetch(`http://127.0.0.1:${adminPort}/stats?filter=^${name}$`)).text();
    return Number(/: (\d+)$/m.exec(text)?.[1] ?? 0);
  };
  const decisionOn = (identity: string): DecisionRecord | undefined => mesh.capstan.files.decisions({ identity })[0];

  it("gives a sidecar its identity by its pod's token, and its Envoy what istiod says", async () => {
    const envoy = await newEnvoy();
    const agent = await mesh.agent({ namespace: 'shop', pod: 'web-1', serviceAccount: 'web', envoy });
    await agent.start(mesh.capstan.tlsPort);

    const web = 'spiffe://cluster.local/ns/shop/sa/web';
    const decision = await eventually('the decision', () => decisionOn(web), UP);
    assert.equal(decision.outcome, 'issued', agent.log);
    assert.equal(decision.authenticationMethod, 'token');
    for (const [what, name] of [
      ['clusters', 'cluster_manager.cds'],
      ['listeners', 'listener_manager.lds'],
    ] as const) {
      await eventually(`${what} of istiod`, async () => (await statistic(envoy, `${name}.update_success`)) > 0, UP);
      assert.equal(await statistic(envoy, `${name}.update_rejected`), 0, agent.log);
    }
    const certificates = await (await fetch(`http://127.0.0.1:${envoy.adminPort}/certs`)).text();
    assert.ok(certificates.includes(`"${web}"`), certificates);
  });

  it('lets istiod serve on with the certificate that it renewed, to sidecars that come then', async () => {
    const before = await servedBy(mesh);
    assert.match(before.subjectaltname ?? '', /DNS:istiod\.istio-system\.svc/);
    const isRenewed = async (): Promise<boolean> => (await servedBy(mesh)).serialNumber !== before.serialNumber;
    await eventually('istiod serves the renewed certificate', isRenewed, UP);

    const envoy = await newEnvoy();
    const agent = await mesh.agent({ namespace: 'shop', pod: 'cart-1', serviceAccount: 'cart', envoy });
    await agent.start(mesh.capstan.tlsPort);
    await eventually('clusters', async () => (await statistic(envoy, 'cluster_manager.cds.update_success')) > 0, UP);
  });

  it('gives a pod of a namespace that policy does not know no identity, and says why in its log', async () => {
    const agent = await mesh.agent({ namespace: 'elsewhere', pod: 'web-1', serviceAccount: 'web' });
    await agent.start(mesh.capstan.tlsPort);
    await eventually('the refusal', () => agent.log.includes('CAP-P01'), UP);
  });
});

/** The certificate that istiod shows, under the roots of Capstan. */
async function servedBy({ istiod, capstan }: IstioMesh): Promise<PeerCertificate> {
  const ca = capstan.files.pki.root.certificatePem;
  const socket = connect({ host: '127.0.0.1', port: istiod.xdsPort, ca, servername: 'istiod.istio-system.svc' });
  await once(socket, 'secureConnect');
  const certificate = socket.getPeerCertificate();
  socket.destroy();
  return certificate;
}
