// The policy bundle says how many CAs may stand below an issuer: before one comes in force, and while it is.
import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { buildCsr, withoutPathLength } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { RunningServer } from '../support/running-server.ts';
import { POLICY, ServerFiles } from '../support/server-files.ts';

/** A change is noticed within half a minute at the latest. */
const SOON = { withinMs: 60_000 };
const AT_MOST_ONE = { issuers: [{ name: 'default', maxPathLength: 0 }] };

describe('A maximum path length in the policy bundle', function () {
  this.timeout(180_000);

  it('keeps out an intermediate that sets none, until the bundle takes it, and refuses it when the bundle does so again', async () => {
    using files = await ServerFiles.create();
    files.setPolicy(POLICY, AT_MOST_ONE);
    await using server = await RunningServer.start({ files, settings: { 'sds.sockets': [] } });
    const ask = async () => {
      using client = server.client();
      const headers = { authorization: `Bearer ${await files.mint.token()}` };
      return await client.call({ csr: (await buildCsr()).pem, headers });
    };
    const first = await ask();
    assert.equal(first.code, status.OK, first.details);
    const unbounded = await withoutPathLength(files.pki);
    files.write('issuer-chain.pem', unbounded);
    await eventually('it is refused', () => files.logged('reloadFailed').length > 0, SOON);
    assert.match(
      String(files.logged('reloadFailed')[0]?.['problem']),
      /takes none with no path length, only at most pathlen:0 \(issuers\.default\.maxPathLength\): ask the CA above/,
    );
    assert.equal((await ask()).response?.certChain[1]?.trim(), files.pki.intermediate.certificatePem.trim());
    files.setPolicy(POLICY);
    await eventually('it is in force', () => files.logged('issuerInForce').length === 2, SOON);
    assert.equal((await ask()).response?.certChain[1]?.trim(), unbounded.trim());
    files.setPolicy(POLICY, AT_MOST_ONE);
    await eventually('it is refused', async () => /^CAP-P08 /.test((await ask()).details), SOON);
    const ready = await (await server.get('/readyz')).text();
    assert.match(ready, /issuer default allows more CAs below it than test@4 does \(at most pathlen:0\)/);
  });
});
