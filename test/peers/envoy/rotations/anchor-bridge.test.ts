// The bridge for a proxy that knows the old root alone, between two real Envoys: one is never told of the new root, and the other one
// presents a certificate below it.
import assert from 'node:assert/strict';
import { eventually } from '../../../support/eventually.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { CURRENT_ENVOY, envoyBinary } from '../support/envoy-package.ts';
import { RotatingMesh } from '../support/rotating-mesh.ts';

describe('The bridge of a rotation between real proxies', function () {
  this.timeout(300_000);
  before(function () {
    peerOrSkip(this, envoyBinary(CURRENT_ENVOY), `envoy ${CURRENT_ENVOY}`);
  });

  it('loses no request while a proxy that knows the old root alone meets leaves below the new one, and after', async () => {
    await using stack = new AsyncDisposableStack();
    const mesh = await RotatingMesh.open(stack, { requestsPerSecond: 30 });
    const load = mesh.load(stack);
    await mesh.adoptWithoutLate({ bridges: true });
    await mesh.catchUp();
    const done = await load.assertFlawless();
    assert.ok(done > 0);
  });

  it('is what keeps them: without it requests fail', async () => {
    await using stack = new AsyncDisposableStack();
    const mesh = await RotatingMesh.open(stack, { requestsPerSecond: 20 });
    const load = mesh.load(stack);
    await mesh.adoptWithoutLate({ bridges: false });
    await eventually('requests fail', () => load.failures > 0, { withinMs: 60_000 });
  });
});
