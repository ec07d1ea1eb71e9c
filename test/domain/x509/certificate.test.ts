import 'reflect-metadata';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import * as x509 from '@peculiar/x509';
import { AuthorityError } from '../../../src/domain/errors.ts';
import { assembleCertificate } from '../../../src/domain/x509/certificate.ts';
import { encodeTbsCertificate, type SubjectAltName } from '../../../src/domain/x509/template.ts';
import { everyShape, type Shape } from './shapes.ts';

const run = promisify(execFile);

describe('A certificate of Capstan', function () {
  this.timeout(60_000);
  let folder: string;
  let shapes: readonly Shape[];

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'capstan-shapes-'));
    shapes = await everyShape();
  });
  after(async () => rm(folder, { recursive: true, force: true }));

  async function file(name: string, pem: string): Promise<string> {
    const at = path.join(folder, name);
    await writeFile(at, pem);
    return at;
  }

  it('is sound to openssl verify -x509_strict in every shape', async () => {
    for (const { name, authority, contents, certificate } of shapes) {
      const roots = await file('root.pem', authority.bundle.pem);
      const chain = await file('chain.pem', authority.issuer.chainPems.join(''));
      const leaf = await file('leaf.pem', certificate.pem);
      const purposes = contents.profile.name === 'self' ? ['sslserver'] : ['sslserver', 'sslclient'];
      for (const purpose of purposes) {
        const args = ['-x509_strict', '-purpose', purpose, '-CAfile', roots, '-untrusted', chain, leaf];
        const { stdout } = await run('openssl', ['verify', ...args]).catch((error: unknown) => {
          assert.fail(`${name}: ${String(error)}`);
        });
        assert.match(stdout, /: OK\n$/, name);
      }
    }
  });

  it('reads to another library as what was approved, field by field, in every shape', async () => {
    for (const shape of shapes) await assertReadsAsApproved(shape);
  });

  it('reads the same to Node in every shape', () => {
    for (const { authority, contents, certificate } of shapes) {
      const read = new X509Certificate(certificate.pem);
      const issuer = new X509Certificate(authority.issuer.certificateDer);
      assert.ok(read.checkIssued(issuer) && read.verify(issuer.publicKey));
      assert.equal(read.ca, false);
      assert.ok(read.publicKey.equals(createPublicKey(contents.publicKey.input)));
      assert.equal(read.validToDate.getTime(), contents.notAfterMs);
    }
  });

  it("is not delivered when the signature is not the issuer's", () => {
    const { authority, contents } = shapes[0]!;
    const tbs = encodeTbsCertificate(contents);
    const expected = (error: unknown) => error instanceof AuthorityError && error.reason === 'CAP-X01';
    for (const signature of [Buffer.alloc(0), Buffer.alloc(70, 0x30), Buffer.from('3006020101020101', 'hex')]) {
      assert.throws(() => assembleCertificate(tbs, signature, authority.issuer), expected);
    }
  });
});

async function assertReadsAsApproved({ name, authority, contents, certificate }: Shape): Promise<void> {
  const read = new x509.X509Certificate(certificate.pem);
  const issuer = new x509.X509Certificate(authority.intermediate.certificatePem);
  assert.ok(Buffer.from(read.rawData).equals(certificate.der), name);
  assert.equal(read.serialNumber, Buffer.from(contents.serial).toString('hex'), name);
  assert.equal(read.subject, '', name);
  assert.equal(read.issuer, issuer.subject, name);
  assert.equal(read.notBefore.getTime(), contents.notBeforeMs, name);
  assert.equal(read.notAfter.getTime(), contents.notAfterMs, name);
  assert.ok(Buffer.from(read.publicKey.rawData).equals(contents.publicKey.spki), name);
  assert.ok(await read.verify({ publicKey: issuer.publicKey, signatureOnly: true }), name);
  assert.deepEqual(
    [...read.extensions].map(({ type, critical }) => `${type}${critical ? ' critical' : ''}`),
    EXTENSIONS,
    name,
  );
  assertExtensions(read, issuer, contents);
}

const EXTENSIONS = [
  '2.5.29.15 critical',
  '2.5.29.37',
  '2.5.29.19 critical',
  '2.5.29.35',
  '2.5.29.14',
  '2.5.29.17 critical',
];

function assertExtensions(read: x509.X509Certificate, issuer: x509.X509Certificate, contents: Shape['contents']): void {
  const usages = read.getExtension(x509.KeyUsagesExtension)!.usages;
  const { digitalSignature, keyEncipherment } = x509.KeyUsageFlags;
  // RFC 8813 section 3.
  const encipher = contents.publicKey.family === 'rsa' ? keyEncipherment : 0;
  assert.equal(usages, digitalSignature | encipher);
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
  const extended = contents.profile.name === 'self' ? [serverAuth] : [serverAuth, clientAuth];
  assert.deepEqual([...read.getExtension(x509.ExtendedKeyUsageExtension)!.usages], extended);
  const { ca, pathLength } = read.getExtension(x509.BasicConstraintsExtension)!;
  assert.deepEqual({ ca, pathLength }, { ca: false, pathLength: undefined });
  const issuerKeyId = issuer.getExtension(x509.SubjectKeyIdentifierExtension)!.keyId;
  assert.equal(read.getExtension(x509.AuthorityKeyIdentifierExtension)!.keyId, issuerKeyId);
  const keyId = read.getExtension(x509.SubjectKeyIdentifierExtension)!.keyId;
  assert.equal(keyId, Buffer.from(contents.publicKey.keyId).toString('hex'));
  const names = [...read.getExtension(x509.SubjectAlternativeNameExtension)!.names.items];
  assert.deepEqual(
    names.map(({ type, value }) => `${type} ${value}`),
    contents.names.map(spelled),
  );
}

/** Names as the library spells them: it knows no dotted tail of an IPv6 address. */
function spelled({ kind, value }: SubjectAltName): string {
  return `${kind === 'uri' ? 'url' : kind} ${value.replace('192.0.2.1', 'c000:201')}`;
}
