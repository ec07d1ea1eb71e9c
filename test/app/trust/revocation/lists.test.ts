// Revocation lists of a whole server over the wire: HTTP, and SDS in the plain shape.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { KeyUsageFlags } from '@peculiar/x509';
import { readCrl, readCrls } from '../../../../src/domain/x509/crl/read-crl.ts';
import { good, materialOf, testAuthority, type TestAuthority } from '../../../support/certificates.ts';
import { eventually } from '../../../support/eventually.ts';
import { secretsOf, type SotwClientStream } from '../../../support/clients/sds-client.ts';
import { crlIssuerOf, crlOf, crlPem } from '../../../support/paths/crls.ts';
import { tiersAt } from '../../../support/paths/tiers.ts';
import { RunningServer } from '../../support/running-server.ts';
import { ServerFiles } from '../../support/server-files.ts';

const SOON = { withinMs: 60_000 };
const SETTINGS = { 'crl.address': '127.0.0.1:0', 'sds.crl': true, 'sds.spiffeValidator': false };

/** The next trust bundle of a stream: its lists, and whether leaves alone are to be looked for in them. */
async function nextBundle(stream: SotwClientStream) {
  const [secret] = secretsOf(await stream.accept());
  assert.equal(secret?.type.case, 'validationContext');
  const { crl, onlyVerifyLeafCertCrl } = secret.type.value;
  const pem = crl === undefined ? undefined : Buffer.from(crl.specifier.value as Uint8Array).toString();
  return { crls: pem === undefined ? [] : good(readCrls(pem)), onlyVerifyLeafCertCrl };
}

/** A leaf of the issuer in force, PEM. */
async function leafOf(server: RunningServer): Promise<readonly string[]> {
  const { response } = await server.ask('default', 'demo');
  return response?.certChain.slice(0, 1) ?? [];
}

describe('A server with revocation lists', function () {
  this.timeout(180_000);
  let files: ServerFiles;
  before(async () => {
    files = await ServerFiles.create();
  });
  after(() => files[Symbol.dispose]());

  const idOf = ({ issuer: { id } }: TestAuthority): string => id;
  const fetchList = async ({ report }: RunningServer, id: string, headers: Readonly<Record<string, string>> = {}) =>
    fetch(`http://${report.crlAddress}/crl/${id}.crl`, { headers, signal: AbortSignal.timeout(30_000) });

  it('serves the list of its issuer to whoever asks, as OpenSSL reads it, and says when nothing is new', async () => {
    await using server = await RunningServer.start({ files, settings: SETTINGS });
    const response = await fetchList(server, idOf(files.pki));
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'application/pkix-crl');
    assert.match(response.headers.get('cache-control') ?? '', /^public, max-age=60$/);
    const der = Buffer.from(await response.arrayBuffer());
    files.write('ca.pem', files.pki.intermediate.certificatePem);
    const args = ['crl', '-inform', 'DER', '-noout', '-CAfile', files.path('ca.pem'), '-verify'];
    // What OpenSSL thinks of the signature is on standard error, and its exit code.
    execFileSync('openssl', args, { input: der, stdio: 'pipe' });
    assert.ok(good(readCrl(der)).nextUpdateMs > Date.now() + 23 * 3_600_000);
    const again = await fetchList(server, idOf(files.pki), { 'if-none-match': response.headers.get('etag') ?? '' });
    assert.equal(again.status, 304);
    for (const id of ['f'.repeat(16), '..%2f..%2fetc', 'A'.repeat(16)])
      assert.equal((await fetchList(server, id)).status, 404);
  });

  it('goes on from the number of before a restart', async () => {
    const numberOf = async (server: RunningServer): Promise<number> => {
      const crl = good(readCrl(Buffer.from(await (await fetchList(server, idOf(files.pki))).arrayBuffer())));
      return Number.parseInt(crl.number ?? '', 16);
    };
    const numbers: number[] = [];
    for (const lifetime of ['24h', '200h']) {
      await using server = await RunningServer.start({ files, settings: { ...SETTINGS, 'crl.lifetime': lifetime } });
      numbers.push(await numberOf(server));
    }
    assert.ok(numbers[1]! >= numbers[0]!);
  });

  it('sends it with plain anchors, for leaves alone, and that of the next issuer before the first leaf of that', async () => {
    await using server = await RunningServer.start({ files, settings: SETTINGS });
    using client = server.envoy();
    const stream = client.sotw();
    stream.subscribe('ROOTCA');
    const first = await nextBundle(stream);
    assert.deepEqual([first.crls.length, first.onlyVerifyLeafCertCrl], [1, true]);
    const next = await testAuthority({ root: files.pki.root });
    files.useIssuer(next);
    let bundle = first;
    while (bundle.crls.length < 2) bundle = await nextBundle(stream);
    const inForce = await eventually(
      'the next issuer is in force',
      () => files.logged('issuerInForce').find(({ issuer }) => issuer === idOf(next)),
      SOON,
    );
    const isItsList = (revision: unknown): boolean => String(revision).startsWith(`${idOf(next)} `);
    const listed = files.logged('reloaded').find(({ source, revision }) => source === 'crls' && isItsList(revision));
    const timeOf = (line: typeof listed): number => Date.parse(String(line?.['time']));
    assert.ok(timeOf(listed) + 9_000 < timeOf(inForce));
    assert.equal((await fetchList(server, idOf(next))).status, 200);
    assert.equal((await fetchList(server, idOf(files.pki))).status, 200);
    files.useIssuer(files.pki);
  });

  it('sends none, and no proxy is cut off, while an issuer can sign none: it says which', async () => {
    const tier = tiersAt(Date.now());
    const root = await tier('Root');
    const own = await tier('Mute', { by: root, usage: KeyUsageFlags.keyCertSign });
    using mute = await ServerFiles.create();
    mute.write('issuer-key.pem', own.keyPem);
    mute.write('issuer-chain.pem', own.pem);
    mute.setAnchors(root.pem);
    await using server = await RunningServer.start({ files: mute, settings: SETTINGS });
    using client = server.envoy();
    const stream = client.sotw();
    stream.subscribe('ROOTCA');
    assert.deepEqual((await nextBundle(stream)).crls, []);
    const { id } = materialOf(own, [], [root], Date.now()).issuer;
    const why = await eventually(
      'the problem is said',
      async () => {
        const { degraded } = (await (await server.get('/readyz')).json()) as {
          readonly degraded?: readonly { readonly part: string; readonly why: string }[];
        };
        return degraded?.find(({ part }) => part === 'revocation lists')?.why;
      },
      SOON,
    );
    assert.match(why, new RegExp(`${id} has a key usage without cRLSign`));
    assert.match(await (await server.get('/metrics')).text(), /part="revocation lists"/);
    assert.equal((await fetchList(server, id)).status, 404);
  });

  it('sends none for the SPIFFE validator, which ignores them', async () => {
    const settings = { ...SETTINGS, 'sds.spiffeValidator': true };
    await using server = await RunningServer.start({ files, settings });
    using client = server.envoy();
    const stream = client.sotw();
    stream.subscribe('ROOTCA');
    assert.deepEqual((await nextBundle(stream)).crls, []);
  });

  it('serves the lists of whole chains as Istio mounts them, once the root has given its own', async () => {
    const nowMs = Date.now();
    const rootOf = (pki: TestAuthority) => ({ issuer: crlIssuerOf(pki.bundle.anchors[0]!), keyPem: pki.root.keyPem });
    const other = await testAuthority();
    files.write('root.crl', crlPem(crlOf(rootOf(other), nowMs)));
    const settings = { 'crl.address': '127.0.0.1:0', 'trustAnchors.crlFile': files.path('root.crl') };
    await using server = await RunningServer.start({ files, settings });
    const fetchAll = async () => fetch(`http://${server.report.crlAddress}/crl/ca-crl.pem`);
    assert.equal((await fetchAll()).status, 404);
    assert.match(await (await server.get('/readyz')).text(), /there is no CRL of CN=Test Corporate Root/);
    files.write('root.crl', crlPem(crlOf(rootOf(files.pki), nowMs)));
    const text = await eventually(
      'they are complete',
      async () => {
        const response = await fetchAll();
        return response.status === 200 ? response.text() : undefined;
      },
      SOON,
    );
    for (const [name, pem] of [
      ['root.pem', files.pki.root.certificatePem],
      ['issuer.pem', files.pki.intermediate.certificatePem],
      ['ca-crl.pem', text],
      ['leaf.pem', (await leafOf(server)).join('')],
    ] as const)
      files.write(name, pem);
    const place = (name: string): string => files.path(name);
    const args = ['-crl_check_all', '-CAfile', place('root.pem'), '-untrusted', place('issuer.pem')];
    const said = execFileSync('openssl', ['verify', ...args, '-CRLfile', place('ca-crl.pem'), place('leaf.pem')]);
    assert.match(said.toString(), /: OK/);
  });

  it('has none unless it is told to', async () => {
    await using server = await RunningServer.start({ files, settings: { 'sds.spiffeValidator': false } });
    assert.equal(server.report.crlAddress, undefined);
    using client = server.envoy();
    const stream = client.sotw();
    stream.subscribe('ROOTCA');
    assert.deepEqual((await nextBundle(stream)).crls, []);
  });
});
