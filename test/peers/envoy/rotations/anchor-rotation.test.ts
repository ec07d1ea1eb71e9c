// Scenario 4 by the commands of an operator: a trust anchor is rotated through all phases under mTLS traffic between two real
// Envoys, one of which gets every update late, with Istio's own agent beside them. Nobody loses a request, and no step is
// taken while somebody stands in its way, who is named.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { eventually } from '../../../support/eventually.ts';
import { findProgram } from '../../programs/programs.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { CURRENT_ENVOY, envoyBinary } from '../support/envoy-package.ts';
import { RotatingMesh } from '../support/rotating-mesh.ts';

const WITHIN = { withinMs: 60_000 };

describe('The rotation of a trust anchor between real proxies', function () {
  this.timeout(300_000);
  let agent: string;
  before(function () {
    peerOrSkip(this, envoyBinary(CURRENT_ENVOY), `envoy ${CURRENT_ENVOY}`);
    agent = peerOrSkip(this, findProgram('pilot-agent'), 'pilot-agent');
  });

  it('loses no request while one proxy is a phase behind, and takes no step before that one has followed', async () => {
    await using stack = new AsyncDisposableStack();
    const mesh = await RotatingMesh.open(stack, { requestsPerSecond: 60, agent });
    const load = mesh.load(stack);
    await mesh.rotate();
    const done = await load.assertFlawless();
    assert.ok(done > 0);
    await mesh.assertOnNewAnchor();
    const [, adopting = ''] = mesh.boards;
    assert.equal(shapeOf(adopting), shapeOf(boardInDocs()), adopting);
  });

  it('loses requests when an issuer below the new anchor signs before that anchor is published', async () => {
    await using stack = new AsyncDisposableStack();
    const mesh = await RotatingMesh.open(stack, { requestsPerSecond: 20 });
    const load = mesh.load(stack);
    await mesh.skipPublish();
    await eventually('requests fail', () => load.failures > 0, WITHIN);
  });
});

/** What docs/trust.md shows of the board: that of this rotation, while it adopts. */
function boardInDocs(): string {
  const text = readFileSync('docs/trust.md', 'utf8');
  return /<!-- board -->\n\n```\n(.*?)```/s.exec(text)?.[1] ?? '';
}

/** Without what each rotation has of its own: hashes and times; lines may break elsewhere. */
function shapeOf(board: string): string {
  return board
    .replaceAll(/\b[0-9a-f]{16,}(\.\.\.)?/g, 'HEX')
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, 'TIME')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
