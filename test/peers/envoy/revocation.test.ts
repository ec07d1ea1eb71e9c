// Scenario 20: revocation lists over SDS, in the plain shape. A revoked leaf is refused and others go on; when the list of one
// issuer is missing no handshake fails, because none is sent then.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import path from 'node:path';
import { KeyUsageFlags } from '@peculiar/x509';
import { crlFileOf, FileCrls } from '../../../src/adapters/storage/embedded/file-crls.ts';
import { readCaCertificate } from '../../../src/domain/x509/ca-certificate.ts';
import { pathCertificatesOf } from '../../../src/domain/x509/path/certificate.ts';
import { good } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { crlIssuerOf, crlOf, crlPem } from '../../support/paths/crls.ts';
import { CLIENT, SERVER, tiersAt } from '../../support/paths/tiers.ts';
import { ServerFiles } from '../../app/support/server-files.ts';
import { Capstan } from '../support/capstan.ts';
import { issueMuteIntermediate } from '../support/pki.ts';
import { peerOrSkip } from '../support/presence.ts';
import { visit, type Visitor } from '../support/tls-visit.ts';
import { CURRENT_ENVOY, envoyBinary, OLDEST_ENVOY } from './support/envoy-package.ts';
import { eventuallySees, MeshLoad, startMesh } from './support/mesh.ts';
import { SHOP } from './support/shop-proxy.ts';
import { StaticEnvoy } from './support/static-envoy.ts';

const SETTINGS = { sockets: [SHOP], sds: { spiffeValidator: false, crl: true } } as const;
const SOON = { withinMs: 90_000 };

/** Signs a list with these serials, as another server of the same CA would, and puts it into the store. */
async function revoke(capstan: Capstan, serials: readonly string[]): Promise<void> {
  const { certificatePem, keyPem } = capstan.issuer;
  const [certificate] = pathCertificatesOf(certificatePem);
  const ca = good(readCaCertificate(certificate!.der));
  const [nowMs, issuer] = [Date.now(), ca.sha256.slice(0, 16)];
  const store = new FileCrls(crlFileOf(path.join(path.dirname(capstan.socket(SHOP)), 'journal.sqlite')));
  const options = { nowMs, signal: new AbortController().signal };
  const before = (await store.all(options)).find((one) => one.issuer === issuer)?.number ?? 0;
  const contents = {
    number: before + 1_000,
    nextUpdateMs: nowMs + 24 * 3_600_000,
    revoked: serials.map((serial) => ({ serial, revokedMs: nowMs, reason: 'keyCompromise' as const })),
  };
  const list = crlOf({ issuer: crlIssuerOf(ca), keyPem }, nowMs, contents);
  const kept = {
    issuer,
    certificateDer: ca.der,
    der: list,
    number: contents.number,
    nextUpdateMs: contents.nextUpdateMs,
  };
  assert.ok(await store.keep(kept, options));
}

const isTaken = async (port: number, visitor: Visitor): Promise<boolean> =>
  visit(port, visitor).then(
    ({ status }) => status === 200,
    () => false,
  );

describe('Revocation lists over SDS', function () {
  this.timeout(240_000);
  before(function () {
    peerOrSkip(this, envoyBinary(CURRENT_ENVOY), `envoy ${CURRENT_ENVOY}`);
  });

  it('have Envoy refuse a revoked leaf, and nobody else; with one missing, nobody at all', async () => {
    await using stack = new AsyncDisposableStack();
    const capstan = stack.use(await Capstan.start(SETTINGS));
    const mesh = await startMesh(stack, capstan, 'GRPC');
    const port = mesh.envoy.mtlsPort;
    const [thief, other] = [await capstan.visitor(), mesh.visitor];
    assert.deepEqual([await isTaken(port, thief), await isTaken(port, other)], [true, true]);
    const load = stack.use(new MeshLoad(mesh.envoy, 0.1));
    // 1. A ban.
    await revoke(capstan, [new X509Certificate(thief.identity.chainPem).serialNumber.toLowerCase()]);
    await eventually('the revoked leaf is refused', async () => !(await isTaken(port, thief)), SOON);
    assert.equal(await isTaken(port, other), true);
    // 2. The next issuer has a list before its first leaf: both of its proxy's sides go on.
    await capstan.rotateIssuer('Mesh Issuer 2');
    const fromNext = await capstan.visitor();
    await eventuallySees(mesh, 'a leaf of the next issuer', ({ issuers }) => issuers.includes('Mesh Issuer 2'), SOON);
    assert.deepEqual([await isTaken(port, fromNext), await isTaken(port, other)], [true, true]);
    // 3. One that can sign no list: all are withdrawn before its first leaf, and the alarm says whose is missing.
    capstan.useIssuer(await issueMuteIntermediate(capstan.root, 'Mute Issuer'));
    await eventuallySees(mesh, 'a leaf of the mute issuer', ({ issuers }) => issuers.includes('Mute Issuer'), SOON);
    assert.deepEqual([await isTaken(port, await capstan.visitor()), await isTaken(port, other)], [true, true]);
    const alarms = await capstan.allEvents('reloadFailed');
    assert.ok(alarms.some(({ problem }) => /CN=Mute Issuer .*without cRLSign/.test(String(problem))));
    await load.assertFlawless();
  });
});

describe('Revocation lists in a file that Envoy is given by name', function () {
  this.timeout(120_000);
  for (const version of [CURRENT_ENVOY, OLDEST_ENVOY] as const) {
    it(`are none for Envoy ${version} while the file is empty, and it refuses all where one of a chain is missing or lapsed`, async function () {
      peerOrSkip(this, envoyBinary(version), `envoy ${version}`);
      using files = await ServerFiles.create();
      const nowMs = Date.now();
      const lapsed = { thisUpdateMs: nowMs - 7_200_000, nextUpdateMs: nowMs - 1_000 };
      const tier = tiersAt(nowMs);
      const usage = (KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign) as KeyUsageFlags;
      const root = await tier('Root', { usage });
      const between = await tier('Issuer', { by: root, usage });
      const leaf = await tier('leaf', { by: between, ca: false, uses: [SERVER, CLIENT], subject: 'CN=leaf' });
      const listOf = ({ pem, keyPem }: typeof root, times = {}): string => {
        const [certificate] = pathCertificatesOf(pem);
        return crlPem(crlOf({ issuer: crlIssuerOf(good(readCaCertificate(certificate!.der))), keyPem }, nowMs, times));
      };
      const own = listOf(between);
      const texts = ['', listOf(root) + own, listOf(root), listOf(root, lapsed) + own];
      const listeners = texts.map((text, index) => {
        files.write(`${index}.crl`, text);
        return { anchorsPem: root.pem, crlFile: files.path(`${index}.crl`) };
      });
      const presented = { chainPem: leaf.pem + between.pem, keyPem: leaf.keyPem };
      await using envoy = await StaticEnvoy.start(version, listeners, presented);
      const verdicts: boolean[] = [];
      for (const index of texts.keys()) verdicts.push(await envoy.takes(index, presented));
      assert.deepEqual(verdicts, [true, true, false, false]);
    });
  }
});
