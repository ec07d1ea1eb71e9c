// Manifests that failed once, in front of a running server: test/cli/cases.test.ts puts the same to `policy check`.
import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import path from 'node:path';
import { status } from '@grpc/grpc-js';
import { eventually } from '../../support/eventually.ts';
import { buildCsr } from '../../support/certificates.ts';
import { RunningServer } from '../support/running-server.ts';
import { ServerFiles, type LogLine } from '../support/server-files.ts';
import { claimsOf } from '../support/token-mint.ts';

const CASES = path.resolve(import.meta.dirname, '../../vectors/cases');
const SOON = { withinMs: 30_000, everyMs: 20 };
const INGRESS =
  'apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: { name: web, namespace: shop }\nspec: { rules: [] }\n';

describe('A server whose manifests failed once', () => {
  let files: ServerFiles;
  beforeEach(async () => {
    files = await ServerFiles.create();
    files.setPolicy([{ namespaces: ['shop'] }], { namespaces: { maxLocalWait: '0s' } });
  });
  afterEach(() => files[Symbol.dispose]());

  const copy = (from: string, to: string): void => cpSync(path.join(CASES, from), files.path(to), { recursive: true });

  async function answer(server: RunningServer, pod: string, account = 'web'): Promise<string> {
    const claims = claimsOf('shop', account);
    const kubernetes = { ...(claims['kubernetes.io'] as object), pod: { name: pod, uid: 'pod-uid' } };
    const token = await files.mint.token(account, { ...claims, 'kubernetes.io': kubernetes });
    using client = server.client();
    const { code, details } = await client.call({
      csr: (await buildCsr()).pem,
      headers: { authorization: `Bearer ${token}` },
    });
    return code === status.OK ? 'OK' : details;
  }

  it('sees the cluster change beside a file of kustomize, which it passes over', async () => {
    copy('foreign-file-freezes-cluster-view/man', 'manifests');
    copy('foreign-file-freezes-cluster-view/pol', 'policies');
    files.setManifest('ingress.yaml', INGRESS);
    await using server = await RunningServer.start({ files });
    assert.equal(await answer(server, 'web-0'), 'OK');
    const seen = (): readonly LogLine[] => files.logged('reloaded').filter(({ source }) => source === 'cluster');
    // The log is written behind the answers: the first reading may come into it after them.
    await eventually('the log says that the folder was read', () => seen().length === 1, SOON);
    files.setManifest('ingress.yaml');
    await eventually('the change', () => seen()[1], SOON);
    const gone = await answer(server, 'late-0', 'late');
    assert.match(gone, /^CAP-P12 .*shop\/ing spec\.conditions\.has-ingress: publish an ingress/);
    assert.deepEqual(files.logged('reloadFailed'), []);
  });

  it('reads yes, on and y as true, as the cluster does that it gives certificates to', async () => {
    for (const name of ['true', 'yes', 'on', 'y', 'p'])
      copy(`yaml-1.1-booleans/y11/${name}.yaml`, `manifests/${name}.yaml`);
    copy('yaml-1.1-booleans/y11/pol', 'policies');
    await using server = await RunningServer.start({ files });
    for (const pod of ['p-true', 'p-yes', 'p-on', 'p-y']) {
      assert.match(await answer(server, pod), /^CAP-P12 .*shop\/no-host-network .*No host network/, pod);
    }
    assert.equal(await answer(server, 'p'), 'OK');
  });
});
