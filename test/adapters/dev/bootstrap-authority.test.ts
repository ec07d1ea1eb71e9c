import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { createIntermediate, createRoot, type CaKeyType } from '../../../src/adapters/dev/bootstrap-authority.ts';

const run = promisify(execFile);
const DAY_MS = 86_400_000;
const nowMs = Date.now();

describe('A root and an intermediate of our own making', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'capstan-ca-'));
  });
  after(() => rm(directory, { recursive: true }));

  for (const keyType of ['ec-p256', 'ec-p384', 'rsa-2048'] satisfies CaKeyType[]) {
    it(`pass OpenSSL at its strictest, with ${keyType} above and P-256 below`, async () => {
      const root = await createRoot({ name: 'Root', nowMs, lifetimeMs: 3650 * DAY_MS, keyType });
      const intermediate = await createIntermediate(root, { name: 'Issuer', nowMs, lifetimeMs: 365 * DAY_MS });
      const [rootFile, issuerFile] = [path.join(directory, 'root.pem'), path.join(directory, 'issuer.pem')];
      await writeFile(rootFile, root.certificatePem);
      await writeFile(issuerFile, intermediate.certificatePem);
      const { stdout } = await run('openssl', ['verify', '-x509_strict', '-CAfile', rootFile, issuerFile]);
      assert.match(stdout, /issuer\.pem: OK/);
      const { stdout: words } = await run('openssl', ['x509', '-in', issuerFile, '-noout', '-text']);
      assert.match(words, /X509v3 Basic Constraints: critical\s+CA:TRUE, pathlen:0/);
      assert.match(words, /X509v3 Key Usage: critical\s+Certificate Sign, CRL Sign/);
      assert.match(words, /X509v3 Subject Key Identifier/);
      assert.match(words, /X509v3 Authority Key Identifier/);
    });
  }

  it('have positive random serial numbers of 16 bytes', async () => {
    const roots = await Promise.all([1, 2].map(async () => createRoot({ name: 'Root', nowMs, lifetimeMs: DAY_MS })));
    const serials = roots.map(({ certificatePem }) => new X509Certificate(certificatePem).serialNumber);
    for (const serial of serials) assert.match(serial, /^[4-7][0-9A-F]{31}$/);
    assert.notEqual(serials[0], serials[1]);
  });
});
