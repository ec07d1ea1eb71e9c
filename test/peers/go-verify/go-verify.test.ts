// Go's crypto/x509 is the strictest reader in a mesh: Istio's agent and istiod are written in Go.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { RevokedEntry } from '../../../src/domain/x509/crl/write-crl.ts';
import type { Issuer } from '../../../src/domain/x509/issuer.ts';
import type { SubjectAltName } from '../../../src/domain/x509/template.ts';
import { everyShape, type Shape } from '../../domain/x509/shapes.ts';
import { testAuthority } from '../../support/certificates.ts';
import { crlOf, crlPem } from '../../support/paths/crls.ts';
import { CLIENT, SERVER, tiersAt } from '../../support/paths/tiers.ts';
import { ODD_BUT_READABLE, UNREADABLE_BY_GO } from '../../support/trust/trust-domains.ts';
import { peerOrSkip } from '../support/presence.ts';

const run = promisify(execFile);

interface Read {
  readonly serial: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly isCA: boolean;
  readonly keyUsage: number;
  readonly signatureAlgorithm: string;
  readonly uris: readonly string[];
  readonly dns: readonly string[];
  readonly ips: readonly string[];
  readonly extensions: readonly string[];
}

/** crypto/x509: KeyUsageDigitalSignature, with KeyUsageKeyEncipherment for RSA (RFC 8813). */
const KEY_USAGE = { 'ec-p256': 0b001, 'ec-p384': 0b001, rsa: 0b101 } as const;
const EXTENSIONS = [
  '2.5.29.15 critical=true',
  '2.5.29.37 critical=false',
  '2.5.29.19 critical=true',
  '2.5.29.35 critical=false',
  '2.5.29.14 critical=false',
  '2.5.29.17 critical=true',
];
const SIGNATURES = {
  'ecdsa-p256-sha256': 'ECDSA-SHA256',
  'ecdsa-p384-sha384': 'ECDSA-SHA384',
  'rsa-sha256': 'SHA256-RSA',
} as const;

describe("Go's crypto/x509", function () {
  this.timeout(180_000);
  let folder: string;
  let program: string;
  let shapes: readonly Shape[];

  before(async function () {
    const version = await run('go', ['version']).catch(() => undefined);
    peerOrSkip(this, version, 'go');
    folder = await mkdtemp(path.join(tmpdir(), 'capstan-go-verify-'));
    program = path.join(folder, 'go-verify');
    await run('go', ['build', '-trimpath', '-o', program, '.'], { cwd: import.meta.dirname });
    shapes = await everyShape();
  });
  after(async () => {
    // Nothing was made when Go is absent.
    if (program) await rm(folder, { recursive: true, force: true });
  });

  async function judge({ authority, contents, certificate }: Shape, roots = authority.bundle.pem): Promise<Read> {
    const files = { 'roots.pem': roots, 'chain.pem': authority.issuer.chainPems.join(''), 'leaf.pem': certificate.pem };
    const args = Object.keys(files).map((name) => path.join(folder, name));
    for (const [name, pem] of Object.entries(files)) await writeFile(path.join(folder, name), pem);
    const usages = contents.profile.name === 'self' ? ['server'] : ['server', 'client'];
    const { stdout } = await run(program, [...args, ...usages]);
    return JSON.parse(stdout) as Read;
  }

  it('verifies every shape for its usages and reads what was approved', async () => {
    for (const shape of shapes) {
      const { contents, name } = shape;
      const read = await judge(shape);
      assert.equal(read.serial, Buffer.from(contents.serial).toString('hex'), name);
      assert.equal(Date.parse(read.notBefore), contents.notBeforeMs, name);
      assert.equal(Date.parse(read.notAfter), contents.notAfterMs, name);
      assert.deepEqual([read.isCA, read.keyUsage], [false, KEY_USAGE[contents.publicKey.family]], name);
      assert.equal(read.signatureAlgorithm, SIGNATURES[contents.issuer.algorithm], name);
      assert.deepEqual(read.extensions, EXTENSIONS, name);
      const of = (kind: SubjectAltName['kind']) => contents.names.filter((n) => n.kind === kind).map((n) => n.value);
      assert.deepEqual([read.uris, read.dns], [of('uri'), of('dns')], name);
      assert.deepEqual(read.ips, of('ip').map(asGoPrints), name);
    }
  });

  it('parses no certificate whose trust domain has an empty label, and every other that Capstan takes', async () => {
    const tier = tiersAt(Date.now());
    const [root, place] = [await tier('Root'), (name: string) => path.join(folder, name)];
    await writeFile(place('roots.pem'), root.pem);
    const parses = async (trustDomain: string): Promise<boolean> => {
      const names = [{ type: 'url', value: `spiffe://${trustDomain}/ns/a/sa/b` } as const];
      await writeFile(
        place('leaf.pem'),
        (await tier('leaf', { by: root, ca: false, uses: [SERVER, CLIENT], names })).pem,
      );
      const args = ['roots.pem', 'roots.pem', 'leaf.pem'].map(place);
      return run(program, [...args, 'server', 'client']).then(
        () => true,
        () => false,
      );
    };
    for (const trustDomain of UNREADABLE_BY_GO) assert.equal(await parses(trustDomain), false, trustDomain);
    for (const trustDomain of ODD_BUT_READABLE) assert.equal(await parses(trustDomain), true, trustDomain);
  });

  it('verifies the revocation lists of issuers with every kind of key, and reads what is in them', async () => {
    const nowMs = Math.floor(Date.now() / 1_000) * 1_000;
    const times = { thisUpdateMs: nowMs - 60_000, nextUpdateMs: nowMs + 3_600_000 };
    const revoked = [
      { serial: '80'.repeat(16), revokedMs: nowMs - 1_000, reason: 'keyCompromise' },
      { serial: '7f', revokedMs: nowMs - 2_000, reason: 'privilegeWithdrawn' },
    ] as const;
    const read = async (
      { issuer, keyPem }: { readonly issuer: Issuer; readonly keyPem: string },
      entries: readonly RevokedEntry[],
    ) => {
      const list = crlPem(crlOf({ issuer, keyPem }, nowMs, { ...times, number: 0x80, revoked: entries }));
      const [ca, file] = ['issuer.pem', 'list.pem'].map((name) => path.join(folder, name)) as [string, string];
      await writeFile(ca, issuer.chainPems[0]!);
      await writeFile(file, list);
      return JSON.parse((await run(program, ['crl', ca, file])).stdout) as Record<string, unknown>;
    };
    const authorities = [...new Map(shapes.map(({ authority }) => [authority.issuer.algorithm, authority])).values()];
    assert.equal(authorities.length, 3);
    for (const { issuer, intermediate } of authorities) {
      const { number, thisUpdate, nextUpdate, ...found } = await read({ issuer, keyPem: intermediate.keyPem }, revoked);
      assert.equal(number, '80');
      assert.deepEqual(
        [thisUpdate, nextUpdate].map((time) => Date.parse(String(time))),
        Object.values(times),
      );
      assert.deepEqual(found['revoked'], [`${'80'.repeat(16)} reason=1`, '7f reason=9']);
      assert.deepEqual((await read({ issuer, keyPem: intermediate.keyPem }, []))['revoked'], []);
    }
    const { issuer } = await testAuthority();
    const { intermediate: thief } = await testAuthority();
    await assert.rejects(read({ issuer, keyPem: thief.keyPem }, []), /verification failure/);
  });

  it('refuses a leaf under a root that is not its own', async () => {
    const [first, , , , other] = shapes;
    await assert.rejects(judge(first!, other!.authority.bundle.pem), /not good as server/);
  });
});

/** Go prints an IPv4 address in IPv6 form as IPv4. */
function asGoPrints(address: string): string {
  return address.replace('::ffff:', '');
}
