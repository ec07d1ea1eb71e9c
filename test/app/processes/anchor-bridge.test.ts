// The bridge of a rotation on a server of two processes: whichever of them answers, it is in the chain below the new root while it is in force.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import { buildCsr } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { AnchorDrill, WITHIN } from '../support/anchor-drill.ts';
import { csrClient, RunningServer } from '../support/running-server.ts';
import { untilServing } from '../support/several-processes.ts';

const WHY = ['--reason', 'a drill'];

describe('The bridge of a rotation on a server of two processes', function () {
  this.timeout(240_000);
  let drill: AnchorDrill;
  let server: RunningServer;
  let settings: Readonly<Record<string, unknown>>;
  async function open(...made: Parameters<typeof AnchorDrill.create>): Promise<void> {
    drill = await AnchorDrill.create(...made);
    settings = { ...drill.settingsIn('issuer'), processes: 2 };
    server = await RunningServer.start({ files: drill.files, settings });
    await untilServing(drill.files, 2);
    await drill.start();
    drill.files.setAnchors(drill.files.pki.root.certificatePem + drill.next.root.certificatePem);
    await drill.untilAll(server.tlsPort, { anchors: 'old,new' });
  }
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    drill[Symbol.dispose]();
  });

  /** The certificates of a chain between leaf and anchors, on a connection of its own. */
  async function between(): Promise<readonly string[]> {
    using client = csrClient(server.tlsPort, drill.files.pki.root.certificatePem + drill.next.root.certificatePem);
    const headers = { authorization: `Bearer ${await drill.files.mint.tokenIn('default', 'web')}` };
    const { code, details, response } = await client.call({ csr: (await buildCsr()).pem, headers });
    assert.equal(code, status.OK, details);
    return (response?.certChain ?? []).slice(1, -1).map((pem) => new X509Certificate(pem).fingerprint256);
  }
  /** Over many connections at once, which the kernel spreads over all processes. */
  async function untilAll(what: string, fits: (chain: readonly string[]) => boolean): Promise<void> {
    const all = async (): Promise<boolean> =>
      (await Promise.all(Array.from({ length: 12 }, async () => between()))).every(fits);
    await eventually(what, all, { ...WITHIN, everyMs: 500 });
  }
  const bridges = (): readonly unknown[] => drill.files.logged('bridgeChanged').map(({ act }) => act);

  it('is behind each chain below the new root from all of them, until it is taken back; both are logged once', async () => {
    await open();
    const imported = await drill.importNext(settings);
    assert.equal(imported.code, 0, imported.error);
    const file = drill.crossCertificate('sha256');
    const { fingerprint256: cross } = new X509Certificate(readFileSync(file));
    const given = await drill.anchor(['bridge', '--certificate', file, ...WHY]);
    assert.equal(given.code, 0, given.error);
    await untilAll('chains below the old root stay as they are', (chain) => !chain.includes(cross));
    await drill.stepDone('advance');
    await untilAll('the bridge is in all chains', (chain) => chain.at(-1) === cross && chain.length === 2);
    const taken = await drill.anchor(['unbridge', ...WHY]);
    assert.equal(taken.code, 0, taken.error);
    await untilAll('it is in none', (chain) => !chain.includes(cross));
    await eventually('both are in the log', () => bridges().length === 2, WITHIN);
    assert.deepEqual(bridges(), ['bridge', 'unbridge']);
  });

  it('is no certificate with a weak signature, which is named', async () => {
    // Nothing signs with ECDSA and MD5.
    await open({ keyType: 'rsa-2048' });
    for (const [digest, name] of [
      ['md5', 'RSA with MD5'],
      ['sha1', 'RSA with SHA-1'],
    ] as const) {
      const file = drill.crossCertificate(digest);
      const { code, error } = await drill.anchor(['bridge', '--certificate', file, ...WHY]);
      assert.equal(code, 65, error);
      assert.match(error, new RegExp(`CAP-O02 .*the cross-certificate .*${name}`));
    }
    assert.deepEqual(bridges(), []);
  });
});
