// RA mode: agents ask istiod as ever, and a real istiod asks Capstan for each certificate by a CertificateSigningRequest that
// it approves itself.
import assert from 'node:assert/strict';
import type { DecisionRecord } from '../../../../src/ports/storage/issuance-journal.ts';
import { eventually } from '../../../support/eventually.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { IstioMesh } from './support/mesh.ts';

const UP = { withinMs: 60_000 };

describe('A mesh of Istio whose istiod relays to Capstan', function () {
  this.timeout(240_000);
  const ended = new AsyncDisposableStack();
  let mesh: IstioMesh;
  before(async function () {
    const programs = peerOrSkip(this, IstioMesh.programs(), 'Istio on Kubernetes');
    mesh = ended.use(await IstioMesh.start({ programs, namespaces: ['shop'], registrationAuthority: true }));
  });
  after(async () => ended.disposeAsync());

  const decisionOn = (identity: string): DecisionRecord | undefined => mesh.capstan.files.decisions({ identity })[0];

  it('gives an agent what policy allows, and records by whom it was relayed', async () => {
    const agent = await mesh.agent({ namespace: 'shop', pod: 'web-1', serviceAccount: 'web', certSigner: 'default' });
    await agent.start(mesh.istiod.xdsPort);
    await eventually('the certificate', () => agent.hasStored, UP);
    const decision = decisionOn('spiffe://cluster.local/ns/shop/sa/web');
    assert.equal(decision?.outcome, 'issued');
    assert.equal(decision.authenticationMethod, 'kubernetes-csr');
    assert.equal(decision.policy?.actor, 'istio-system/istiod');
  });

  it('fails the request of an agent that policy does not know, which gets nothing', async () => {
    const agent = await mesh.agent({
      namespace: 'elsewhere',
      pod: 'web-1',
      serviceAccount: 'web',
      certSigner: 'default',
    });
    await agent.start(mesh.istiod.xdsPort);
    const refused = await eventually('the refusal', () => decisionOn('spiffe://cluster.local/ns/elsewhere/sa/web'), UP);
    assert.ok(refused.outcome === 'refused');
    assert.equal(refused.reason, 'CAP-P01');
    assert.equal(agent.hasStored, false);
  });
});
