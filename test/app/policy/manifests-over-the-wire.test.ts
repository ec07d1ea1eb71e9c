// Manifests as a running server reads them: what it issues, and to whom it answers, whatever lies in the folder.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { status } from '@grpc/grpc-js';
import { eventually } from '../../support/eventually.ts';
import { buildCsr } from '../../support/certificates.ts';
import { stopwatch } from '../../support/stopwatch.ts';
import { RunningServer } from '../support/running-server.ts';
import { ServerFiles } from '../support/server-files.ts';
import { claimsOf } from '../support/token-mint.ts';

const CASES = path.resolve(import.meta.dirname, '../../vectors/cases');
const SOON = { withinMs: 30_000, everyMs: 50 };

const caseText = (name: string): string => readFileSync(path.join(CASES, name), 'utf8');

describe('A server whose shop team wants no pod on the host network', () => {
  let files: ServerFiles;
  let server: RunningServer;
  before(async () => {
    files = await ServerFiles.create();
    files.setPolicy([{ namespaces: ['shop'] }]);
    mkdirSync(files.path('policies/shop'));
    files.setLocal('shop/p.yaml', caseText('yaml-1.1-booleans/y11/pol/shop/p.yaml'));
    for (const name of ['true', 'yes', 'on', 'y', 'p']) {
      files.setManifest(`${name}.yaml`, caseText(`yaml-1.1-booleans/y11/${name}.yaml`));
    }
    server = await RunningServer.start({ files });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  /** What a pod of shop/web hears; its name alone differs from one to the next. */
  async function ask(pod: string): Promise<string> {
    using client = server.client();
    const claims = claimsOf('shop', 'web');
    const kubernetes = { ...(claims['kubernetes.io'] as object), pod: { name: pod, uid: `uid-of-${pod}` } };
    const token = await files.mint.token('web', { ...claims, 'kubernetes.io': kubernetes });
    const asked = { csr: (await buildCsr()).pem, headers: { authorization: `Bearer ${token}` } };
    const { code, details } = await client.call(asked);
    return code === status.OK ? 'OK' : `${status[code]} ${details.replace(/ id=.*/, '').replaceAll(pod, 'POD')}`;
  }

  it('refuses it in the same words whether the manifest says true, yes, on or y, as Kubernetes reads them', async () => {
    // All at once: each is held for a moment, in case its manifest is still being applied.
    const [refusal = '', ...others] = await Promise.all(['true', 'yes', 'on', 'y'].map((word) => ask(`p-${word}`)));
    assert.match(refusal, /^PERMISSION_DENIED CAP-P12 .*No host network/);
    assert.deepEqual(others, [refusal, refusal, refusal]);
    assert.equal(await ask('p'), 'OK');
  });

  it('sees the same in a manifest that is edited while it runs', async () => {
    for (const word of ['yes', 'On', 'Y', 'TRUE']) {
      files.setManifest(
        'p.yaml',
        caseText('yaml-1.1-booleans/y11/p.yaml').replace('spec: {', `spec: { hostNetwork: ${word},`),
      );
      await eventually(`${word} is refused`, async () => (await ask('p')).includes('CAP-P12'), SOON);
      files.setManifest('p.yaml', caseText('yaml-1.1-booleans/y11/p.yaml'));
      await eventually('it is allowed again', async () => (await ask('p')) === 'OK', SOON);
    }
  });
});

describe('A server beside whose manifests a team puts megabytes', () => {
  it('goes on answering while they are read', async function () {
    this.timeout(60_000);
    using files = await ServerFiles.create();
    await using server = await RunningServer.start({ files });
    using client = server.client();
    const csr = (await buildCsr()).pem;
    const headers = { authorization: `Bearer ${await files.mint.token()}` };
    const settings = (n: number): string =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: c${n}, namespace: shop }\ndata: { a: b, c: d, e: f }\n---\n`;
    const readings = (): number => files.logged('reloaded').filter(({ source }) => source === 'cluster').length;
    await eventually('the log says that the folder was read', () => readings() === 1, SOON);
    files.setManifest('large.yaml', Array.from({ length: 8_000 }, (_, n) => settings(n)).join(''));
    let answers = 0;
    let longestMs = 0;
    while (readings() === 1) {
      const took = stopwatch();
      assert.equal((await client.call({ csr, headers })).code, status.OK);
      longestMs = Math.max(longestMs, took());
      answers += 1;
    }
    assert.ok(answers >= 5, `${answers} answers, the longest after ${longestMs} ms`);
    assert.ok(longestMs < 2_000, `the longest took ${longestMs} ms`);
  });
});
