// A server whose issuer's key is in a SoftHSM token: it signs there, is missed while the token is away, and is found again.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { status } from '@grpc/grpc-js';
import type { Outcome } from '../../adapters/grpc/wire.ts';
import { SystemClock } from '../../../src/adapters/clock/system-clock.ts';
import type { KeyRow } from '../../../src/authority/administration/issuer-keys.ts';
import { readCrl } from '../../../src/domain/x509/crl/read-crl.ts';
import { runCli } from '../../../src/cli/program.ts';
import { recordTerminal } from '../../cli/support/recorded-terminal.ts';
import { checkIssuer } from '../../../src/app/compose/trust/issuers.ts';
import { ChildServer } from '../../app/support/child-server.ts';
import { configOf, csrClient, RunningServer } from '../../app/support/running-server.ts';
import { nested, ServerFiles } from '../../app/support/server-files.ts';
import { buildCsr, good } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { peerOrSkip } from '../support/presence.ts';
import { OpenSslRoot } from './support/openssl-root.ts';
import { findSoftHsm, run, SoftHsm } from './support/softhsm.ts';

const MAIN = path.resolve(import.meta.dirname, '../../../src/main.ts');
/** A token that is back is opened within five seconds; a busy machine takes its time. */
const SOON = { withinMs: 60_000 };

describe('An issuer whose key is in a PKCS#11 token', function () {
  this.timeout(180_000);
  let library: string;
  let hsm: SoftHsm;
  let root: OpenSslRoot;
  let files: ServerFiles;
  /** Of the key `issuer`. */
  let publicKeyPem: string;
  before(function () {
    library = peerOrSkip(this, findSoftHsm(), 'SoftHSM (softhsm2, opensc, pkcs11js)');
  });
  beforeEach(async () => {
    hsm = new SoftHsm(library);
    root = new OpenSslRoot();
    files = await ServerFiles.create();
    files.setAnchors(root.pem);
    publicKeyPem = hsm.generate('EC:prime256v1', 'issuer', '01');
    files.write('issuer-chain.pem', root.sign(publicKeyPem));
  });
  afterEach(() => {
    for (const one of [hsm, root, files]) one[Symbol.dispose]();
  });

  const settings = (label = 'issuer', more: object = {}): Readonly<Record<string, unknown>> => ({
    'sds.sockets': [],
    'issuer.keyFile': undefined,
    'issuer.pkcs11': { ...hsm.settings(label), ...more },
  });

  async function ask(server: Pick<RunningServer | ChildServer, 'tlsPort'>): Promise<Outcome> {
    using client = csrClient(server.tlsPort, root.pem);
    const headers = { authorization: `Bearer ${await files.mint.token()}` };
    return await client.call({ csr: (await buildCsr()).pem, headers });
  }

  async function demandCertificate(server: Pick<RunningServer | ChildServer, 'tlsPort'>): Promise<void> {
    const { code, details, response } = await ask(server);
    assert.equal(code, status.OK, details);
    root.demandValid(response!.certChain.slice(0, -1));
  }

  function config(command: readonly string[], given: object) {
    files.write('capstan.json', JSON.stringify(nested({ ...files.settings, ...given })));
    return spawnSync(process.execPath, [MAIN, ...command, '--config', files.path('capstan.json')], {
      encoding: 'utf8',
    });
  }

  for (const [keyType, id] of [
    ['EC:prime256v1', '0a'],
    ['EC:secp384r1', '0b'],
    ['rsa:2048', '0c'],
  ] as const) {
    it(`signs what openssl verifies, with a key that never leaves it: ${keyType}`, async () => {
      files.write('issuer-chain.pem', root.sign(hsm.generate(keyType, 'another', id)));
      await using server = await RunningServer.start({ files, settings: settings('another', { keyId: id }) });
      await demandCertificate(server);
      assert.deepEqual(files.logged('trustWarning'), []);
    });
  }

  it('answers UNAVAILABLE while the token is away and says so, and goes on by itself when it is back', async () => {
    await using server = await ChildServer.start(files, settings());
    await demandCertificate(server);
    hsm.pull();
    const first = await ask(server);
    assert.equal(first.code, status.UNAVAILABLE, first.details);
    // The key may have been looked for meanwhile.
    assert.match(first.details, /^CAP-S(15 the signing key of the issuer|01 .*has a signing key that) does not answer/);
    const next = await ask(server);
    assert.equal(next.code, status.UNAVAILABLE, next.details);
    assert.match(next.details, /^CAP-S01 .*has a signing key that does not answer/);
    const health = await server.get('/readyz');
    assert.equal(health.status, 503);
    assert.match(await health.text(), /the signing key does not answer/);
    assert.match(await (await server.get('/metrics')).text(), /capstan_issuer_key_available\{issuer="default"\} 0/);
    await eventually('the log says so', () => files.logged('issuerKeyLost').length === 1, SOON);
    assert.match((await runHere('issuer', 'list')).output, /^default \(default\) +unavailable /m);
    const suspended = await runHere('issuer', 'suspend', 'default', '--reason', 'the token was stolen');
    assert.match(suspended.output, /is suspended; before it was active/, suspended.error);
    assert.match((await ask(server)).details, /^CAP-S14 /);
    hsm.putBack();
    await eventually('the log says so', () => files.logged('issuerKeyBack').length === 1, SOON);
    assert.match((await ask(server)).details, /^CAP-S14 /);
    assert.equal((await runHere('issuer', 'resume', 'default', '--reason', 'it was found')).code, 0);
    await eventually('it issues again', async () => (await ask(server)).code === status.OK, SOON);
    await demandCertificate(server);
    assert.ok((await server.get('/readyz')).ok);
    await eventually('the log says so', () => files.logged('issuerKeyBack').length === 1, SOON);
    assert.ok(!files.logText.includes('876543'), 'no PIN in the log');
  });

  it('signs revocation lists; while it is away the last one is served and it is said which is due, until it is back', async () => {
    await using server = await RunningServer.start({
      files,
      settings: { ...settings(), 'crl.address': '127.0.0.1:0' },
    });
    const id = new X509Certificate(readFileSync(files.path('issuer-chain.pem'))).fingerprint256
      .replaceAll(':', '')
      .toLowerCase();
    const list = async (): Promise<Buffer> => {
      const answer = await fetch(`http://${server.report.crlAddress}/crl/${id.slice(0, 16)}.crl`);
      assert.equal(answer.status, 200);
      return Buffer.from(await answer.arrayBuffer());
    };
    const { response } = await ask(server);
    const serial = new X509Certificate(response?.certChain[0] ?? '').serialNumber.toLowerCase().replace(/^0+/, '');
    const revokes = async (): Promise<boolean> => good(readCrl(await list())).serials.has(serial);
    const first = await list();
    hsm.pull();
    await eventually('it is missed', () => files.logged('issuerKeyLost').length === 1, SOON);
    const ban = await runHere('revoke', '--serial', serial, '--reason', 'a drill');
    assert.equal(ban.code, 0, ban.error);
    const problem = async (): Promise<boolean> =>
      /the list of issuer [0-9a-f]{16} cannot be signed/.test(await (await server.get('/readyz')).text());
    await eventually('it is said', problem, SOON);
    assert.ok(first.equals(await list()));
    hsm.putBack();
    await eventually('it is listed', revokes, SOON);
    await eventually('all is well', async () => !(await problem()), SOON);
  });

  it('is missed also while nobody asks for a certificate', async () => {
    await using server = await RunningServer.start({ files, settings: settings() });
    hsm.pull();
    await eventually('it is missed', () => files.logged('issuerKeyLost').length === 1, SOON);
    assert.ok(server.report);
  });

  it('is waited for at the start', async () => {
    hsm.pull();
    const starting = ChildServer.start(files, settings());
    await eventually('it is missed', () => files.logged('reloadFailed').length > 0, SOON);
    hsm.putBack();
    await using server = await starting;
    await demandCertificate(server);
  });

  it('is used by each of several processes, in a session of its own', async () => {
    await using server = await ChildServer.start(files, { processes: 2, ...settings('issuer', withPinIn('MESH_PIN')) });
    await eventually('both are ready', () => files.logged('issuerInForce').length === 2, SOON);
    for (let count = 0; count < 4; count += 1) await demandCertificate(server);
  });

  it('takes a new certificate of its key while it serves, and none of another', async () => {
    await using server = await RunningServer.start({ files, settings: settings('issuer', { keyId: '01' }) });
    await demandCertificate(server);
    const successor = root.sign(hsm.generate('EC:prime256v1', 'successor', '02'));
    files.write('issuer-chain.pem', successor);
    await eventually('it is refused', () => files.logged('reloadFailed').length > 0, SOON);
    assert.match(
      String(files.logged('reloadFailed')[0]?.['problem']),
      /the token "mesh" is not the key of the certificate/,
    );
    await demandCertificate(server);
    files.write('issuer-chain.pem', root.sign(publicKeyPem));
    await eventually('the next is in force', () => files.logged('issuerInForce').length === 2, SOON);
    await demandCertificate(server);
  });

  it('is the one that the chain is for, of several under its label: a new key comes in force with its certificate alone', async () => {
    await using server = await RunningServer.start({ files, settings: settings() });
    const next = hsm.generate('EC:prime256v1', 'issuer', '02');
    const command = (...argv: readonly string[]) => config(['issuer', 'csr', ...argv], settings());
    assert.match(command().stderr, /has 2 private keys with label "issuer": name one by its id/);
    const { stdout: csr, stderr } = command('--key-id', '02');
    assert.match(csr, /BEGIN CERTIFICATE REQUEST/, stderr);
    assert.equal(run('openssl', ['req', '-noout', '-pubkey'], csr).trim(), next.trim());
    await demandCertificate(server);
    files.write('issuer-chain.pem', root.sign(next));
    await eventually('the next is in force', () => files.logged('issuerInForce').length === 2, SOON);
    await demandCertificate(server);
    assert.deepEqual(files.logged('reloadFailed'), []);
    const rows = (await keys('default')).map(({ id, use }) => `${id} ${use}`);
    assert.deepEqual(rows.sort(), ['01 issuer', '02 issuer'], 'leaves of the former one live');
  });

  it('is refused with words for each thing that is wrong with it', async () => {
    hsm.generate('EC:prime256v1', 'twice', '05');
    hsm.generate('EC:prime256v1', 'twice', '06');
    hsm.generate('EC:prime256v1', 'bare', '07');
    hsm.deletePublicKey('07');
    for (const [given, words] of [
      [settings('nobody'), /the token "mesh" has no private key with label "nobody" that this PIN opens/],
      [settings('twice'), /the token "mesh" has 2 private keys with label "twice"/],
      [settings('twice', { keyId: '05' }), /the token "mesh" is not the key of the certificate in .*issuer-chain\.pem/],
      [settings('bare'), /has neither the public key nor the certificate of that key beside it/],
      [
        settings('issuer', { module: '/usr/lib/x86_64-linux-gnu/libz.so.1' }),
        /is behind a library that cannot be loaded/,
      ],
      [settings('issuer', { tokenLabel: 'elsewhere' }), /has not a token called "elsewhere", only "mesh"/],
    ] as const) {
      const checked = await checkIssuer(configOf({ ...files.settings, ...given }), new SystemClock());
      assert.match(checked?.problem ?? 'nothing is wrong', words);
    }
    const checked = await checkIssuer(configOf({ ...files.settings, ...settings() }), new SystemClock());
    assert.deepEqual(checked, { warnings: [] });
  });

  it('is known by its certificate in the token where its public key is not there', async () => {
    const certificate = root.sign(hsm.generate('EC:prime256v1', 'bare', '07'));
    hsm.deletePublicKey('07');
    hsm.writeCertificate(certificate, '07');
    files.write('issuer-chain.pem', certificate);
    await using server = await RunningServer.start({ files, settings: settings('bare') });
    await demandCertificate(server);
  });

  it('has the keys beside it listed by a command, which deletes one that nobody has a certificate for, and no other', async () => {
    hsm.writeCertificate(root.sign(hsm.generate('EC:prime256v1', 'certified', '08')), '08');
    hsm.generate('EC:secp384r1', 'left behind', '09');
    await using server = await RunningServer.start({ files, settings: settings() });
    const before = await keys('default');
    assert.deepEqual(before.map(({ label, id, use }) => `${label} ${id} ${use}`).sort(), [
      'certified 08 certified',
      'issuer 01 issuer',
      'left behind 09 orphaned',
    ]);
    const keyOf = (label: string): string => before.find((one) => one.label === label)?.key ?? '';
    const remove = async (label: string) =>
      runHere('issuer', 'keys', 'default', '--delete', keyOf(label), '--reason', 'given up');
    const shown = await remove('left behind');
    assert.equal(shown.code, 1);
    assert.match(shown.output, /left behind\n[^]*Nothing was done; to do it, add\n  --yes\n$/);
    for (const label of ['issuer', 'certified']) {
      const refused = await runHere(
        'issuer',
        'keys',
        'default',
        '--delete',
        keyOf(label),
        '--reason',
        'a try',
        '--yes',
      );
      assert.equal(refused.code, 77, refused.error);
      assert.match(refused.error, /CAP-O03 .*issuer default cannot lose key/);
    }
    const done = await runHere(
      'issuer',
      'keys',
      'default',
      '--delete',
      keyOf('left behind'),
      '--reason',
      'given up',
      '--yes',
    );
    assert.match(done.output, /^Key [0-9a-f]{16} \(left behind 09\) is deleted\.\n$/, done.error);
    assert.deepEqual((await keys('default')).map(({ label }) => label).sort(), ['certified', 'issuer']);
    await demandCertificate(server);
    const recorded = await runHere('journal', 'operations', '--output', 'json');
    assert.match(recorded.output, /"issuer keys --delete"[^]*"reason": "given up"/, recorded.error);
  });

  async function runHere(...argv: readonly string[]): Promise<{ code: number; output: string; error: string }> {
    const { terminal, out, error } = recordTerminal();
    const where = ['--data-dir', files.directory];
    const code = await runCli([...argv, ...where], { terminal, environment: {}, signal: AbortSignal.timeout(60_000) });
    return { code, output: out(), error: error() };
  }

  async function keys(name: string): Promise<readonly KeyRow[]> {
    const { output, error } = await runHere('issuer', 'keys', name, '--output', 'json');
    assert.notEqual(output, '', error);
    return (JSON.parse(output) as { readonly keys: readonly KeyRow[] }).keys;
  }

  it('does not open with a wrong PIN: exit code 78 and no word of it', () => {
    hsm.writePin('000000');
    const { status: code, stderr } = config(['serve'], { ...settings(), 'telemetry.logFile': undefined });
    assert.equal(code, 78, stderr);
    assert.match(
      stderr,
      /the token "mesh" does not take the PIN \(CKR_PIN_INCORRECT at C_Login\), which is not tried again/,
    );
    assert.ok(!stderr.includes('000000'));
  });

  /** In the environment of this process, and with it of those that it starts. */
  function withPinIn(variable: string): object {
    process.env[variable] = '876543';
    return { pinEnv: variable, pinFile: undefined };
  }
});
