// An intermediate from an offline corporate CA, by the commands of docs/trust.md and nothing else: the CA is `openssl ca`.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { status } from '@grpc/grpc-js';
import { nested, ServerFiles } from '../../app/support/server-files.ts';
import { csrClient, RunningServer } from '../../app/support/running-server.ts';
import { buildCsr } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { peerOrSkip } from '../support/presence.ts';

const run = promisify(execFile);
const MAIN = path.resolve(import.meta.dirname, '../../../src/main.ts');
const DOCS = readFileSync(path.resolve(import.meta.dirname, '../../../docs/trust.md'), 'utf8');

function blockOf(mark: string): string {
  const [, block] = new RegExp(`<!-- ${mark} -->\n\n\`\`\`\\w+\n([^]*?)\`\`\``).exec(DOCS) ?? [];
  assert.ok(block !== undefined, mark);
  return block;
}

const [ASK = '', SIGN = '', IMPORT = ''] = blockOf('ceremony').trim().split('\n');

/** Of a CA that is kept by OpenSSL, with the section of the page. */
const caConfiguration = (days: number): string => `
[ ca ]
default_ca = corporate
[ corporate ]
database = index.txt
serial = serial
new_certs_dir = .
certificate = root-cert.pem
private_key = root.key
default_md = sha256
default_days = ${days}
unique_subject = no
policy = any
[ any ]
commonName = supplied
${blockOf('extensions')}`;

describe('An intermediate from an offline CA', function () {
  this.timeout(120_000);
  const ended = new AsyncDisposableStack();
  let files: ServerFiles;
  let settings: Readonly<Record<string, unknown>>;

  /** One line of the page, in the folder where the files of both sides are. */
  async function shell(line: string): Promise<{ readonly stdout: string; readonly stderr: string }> {
    const script = `capstan() { '${process.execPath}' '${MAIN}' "$@"; }\n${line}`;
    return run('sh', ['-euc', script], { cwd: files.directory, env: { PATH: process.env['PATH'] }, timeout: 60_000 });
  }

  const complaintOf = async (line: string): Promise<string> =>
    shell(line).then(
      () => assert.fail(`${line} was taken`),
      (error: unknown) => (error as { readonly stderr: string }).stderr,
    );

  const inForce = (): X509Certificate => new X509Certificate(readFileSync(files.path('issuer/tls.crt')));

  before(async function () {
    peerOrSkip(this, await run('openssl', ['version']).catch(() => undefined), 'openssl');
    files = ended.use(await ServerFiles.create());
    writeFileSync(files.path('passphrase'), 'correct horse\n', { mode: 0o600 });
    settings = {
      'issuer.chainFile': undefined,
      'issuer.keyFile': undefined,
      'issuer.directory': files.path('issuer'),
      'issuer.keyPassphraseFile': files.path('passphrase'),
      'trustAnchors.file': files.path('root-cert.pem'),
    };
    files.write('capstan.yaml', JSON.stringify(nested({ ...files.settings, ...settings })));
    await shell(
      'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout root.key -out root-cert.pem -days 3650 -subj "/O=Corp/CN=Offline Root" -addext keyUsage=critical,keyCertSign,cRLSign && ' +
        'touch index.txt && echo 1000 > serial',
    );
    files.write('ca.cnf', caConfiguration(365));
  });
  after(async () => ended.disposeAsync());

  it('is asked for by a request that OpenSSL verifies, of a key that is encrypted and stays where it is', async () => {
    const { stderr } = await shell(ASK);
    assert.match(stderr, /The key is in .*issuer\/next\.key and stays there/);
    assert.match(stderr, /a lifetime of at least 6d|a lifetime of at least 144h/);
    const { stdout } = await shell('openssl req -in issuer.csr -noout -verify -text 2>&1');
    assert.match(stdout, /verify OK/);
    assert.match(stdout, /CA:TRUE, pathlen:0/);
    assert.match(stdout, /Certificate Sign, CRL Sign/);
    assert.match(stdout, /URI:spiffe:\/\/cluster\.local\s/);
    const key = readFileSync(files.path('issuer/next.key'), 'utf8');
    assert.match(key, /BEGIN ENCRYPTED PRIVATE KEY/);
    createPrivateKey({ key, passphrase: 'correct horse' });
    await shell('openssl pkey -in issuer/next.key -passin file:passphrase -noout');
  });

  it('is asked for again by a request of the same key, until that has its certificate', async () => {
    const keyOf = async () => (await shell('openssl req -in issuer.csr -noout -pubkey')).stdout;
    const first = await keyOf();
    await shell(ASK);
    assert.equal(await keyOf(), first);
  });

  it('is refused, and changes nothing, while it is none that a server would sign with', async () => {
    await shell('cp issuer.csr good.csr; cp issuer.csr kept.csr');
    files.write('ca.cnf', caConfiguration(3));
    await shell(SIGN);
    assert.match(await complaintOf(IMPORT), /another lifetime than it needs: it lives for 72h, .*6 x 24h = 144h/);
    files.write('ca.cnf', caConfiguration(365).replace('CA:TRUE, pathlen:0', 'CA:FALSE'));
    await shell(SIGN);
    assert.match(await complaintOf(IMPORT), /is not a CA certificate/);
    files.write('ca.cnf', caConfiguration(365));
    files.write('chain.pem', files.pki.intermediate.certificatePem);
    assert.match(await complaintOf(IMPORT), /a certificate of another key than those of the issuer default/);
    files.write('chain.pem', 'no certificate');
    assert.match(await complaintOf(IMPORT), /the chain has no certificate/);
    assert.throws(() => inForce(), /ENOENT/);
  });

  it('is in force after three commands, and what it signs leads to the root for OpenSSL', async () => {
    await shell(SIGN);
    const { stdout } = await shell(IMPORT);
    assert.match(stdout, /^default signs with CN=Capstan issuer default \([0-9a-f]{16}\), until /);
    await using server = await RunningServer.start({ files, settings });
    const root = readFileSync(files.path('root-cert.pem'), 'utf8');
    const { code, details, response } = await ask(server, root);
    assert.equal(code, status.OK, details);
    const [leaf = '', ...above] = response!.certChain;
    files.write('leaf.pem', leaf);
    files.write('above.pem', above.join(''));
    const verified = await shell('openssl verify -x509_strict -CAfile root-cert.pem -untrusted above.pem leaf.pem');
    assert.match(verified.stdout, /leaf\.pem: OK/);
    assert.equal(readFileSync(files.path('issuer/ca.crt'), 'utf8'), root);
  });

  it('leaves a folder from which a server may have the trust anchors too', async () => {
    const fromFolder = { ...files.settings, ...settings, 'trustAnchors.file': undefined };
    files.write('folder.yaml', JSON.stringify(nested(fromFolder)));
    assert.match((await shell('capstan config check --config folder.yaml')).stdout, /The configuration is valid/);
  });

  it('says that it is in force already when it comes twice', async () => {
    const before = inForce().fingerprint256;
    assert.match((await shell(IMPORT)).stdout, /^default has this certificate already: /);
    assert.equal(inForce().fingerprint256, before);
  });

  it('follows another one, with a key of its own, while the server runs', async () => {
    await using server = await RunningServer.start({ files, settings });
    const root = readFileSync(files.path('root-cert.pem'), 'utf8');
    const former = inForce();
    const { stderr: instructions } = await shell(ASK);
    await shell(SIGN);
    // As it is printed, which must do without what the reader would have to add.
    await shell(/^ {2}(capstan issuer import .*)$/m.exec(instructions)![1]!);
    assert.notEqual(inForce().fingerprint256, former.fingerprint256);
    assert.equal(inForce().publicKey.equals(former.publicKey), false);
    await eventually(
      'the new issuer signs',
      async () => {
        const { code, details, response } = await ask(server, root);
        assert.equal(code, status.OK, details);
        return new X509Certificate(response!.certChain[0]!).verify(inForce().publicKey);
      },
      { withinMs: 30_000 },
    );
    assert.throws(() => readFileSync(files.path('issuer/next.key')), /ENOENT/);
  });

  it('takes over a folder that an operator filled himself', async () => {
    rmSync(files.path('issuer'), { recursive: true });
    mkdirSync(files.path('issuer'));
    const { certificatePem, keyPem } = files.pki.intermediate;
    writeFileSync(files.path('issuer/tls.crt'), certificatePem);
    writeFileSync(files.path('issuer/tls.key'), keyPem, { mode: 0o600 });
    writeFileSync(files.path('issuer/ca.crt'), certificatePem);
    await shell(ASK);
    await shell(SIGN);
    await shell(IMPORT);
    // Those of before the rotation of a root would not be those that the chain leads to.
    assert.equal(readFileSync(files.path('issuer/ca.crt'), 'utf8'), readFileSync(files.path('root-cert.pem'), 'utf8'));
    assert.equal(inForce().issuer, 'O=Corp\nCN=Offline Root');
  });

  async function ask(server: RunningServer, root: string) {
    using client = csrClient(server.tlsPort, root);
    const headers = { authorization: `Bearer ${await files.mint.tokenIn('default', 'web')}` };
    return await client.call({ csr: (await buildCsr()).pem, headers });
  }
});
