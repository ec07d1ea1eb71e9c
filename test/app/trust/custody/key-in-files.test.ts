// The key of an issuer as operators keep it in files: encrypted, plain, or in the folder of a CA that the mesh had before.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { status } from '@grpc/grpc-js';
import { runCli } from '../../../../src/cli/program.ts';
import { recordTerminal } from '../../../cli/support/recorded-terminal.ts';
import { buildCsr, testAuthority } from '../../../support/certificates.ts';
import { eventually } from '../../../support/eventually.ts';
import { peerOrSkip } from '../../../peers/support/presence.ts';
import { ChildServer } from '../../support/child-server.ts';
import { RunningServer } from '../../support/running-server.ts';
import { nested, ServerFiles } from '../../support/server-files.ts';

const MAIN = path.resolve(import.meta.dirname, '../../../../src/main.ts');
const PASSPHRASE = 'correct horse battery staple';
/** A change is noticed within half a minute at the latest. */
const SOON = { withinMs: 60_000 };
const FROM_FOLDER = { 'issuer.chainFile': undefined, 'issuer.keyFile': undefined, 'trustAnchors.file': undefined };

function encrypted(keyPem: string, passphrase = PASSPHRASE): string {
  return createPrivateKey(keyPem).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase });
}

async function demandCertificate(server: RunningServer): Promise<void> {
  using client = server.client();
  const headers = { authorization: `Bearer ${await server.files.mint.token()}` };
  const { code, details } = await client.call({ csr: (await buildCsr()).pem, headers });
  assert.equal(code, status.OK, details);
}

describe('The key of an issuer in files', () => {
  let files: ServerFiles;
  beforeEach(async () => {
    files = await ServerFiles.create();
    files.write('passphrase', `${PASSPHRASE}\n`);
  });
  afterEach(() => files[Symbol.dispose]());

  const withPassphrase = (): Readonly<Record<string, unknown>> => ({
    'sds.sockets': [],
    'issuer.keyPassphraseFile': files.path('passphrase'),
  });

  function runMain(args: readonly string[], settings: object, environment: NodeJS.ProcessEnv = {}) {
    files.write('capstan.json', JSON.stringify(nested({ ...files.settings, 'sds.sockets': [], ...settings })));
    return spawnSync(process.execPath, [MAIN, ...args, '--config', files.path('capstan.json')], {
      encoding: 'utf8',
      env: { ...process.env, ...environment },
    });
  }

  it('is judged with what is imported for it, and not with the folder of another issuer', async () => {
    mkdirSync(files.path('folder'));
    const { pki } = files;
    files.write('folder/tls.crt', pki.intermediate.certificatePem);
    files.write('folder/tls.key', pki.intermediate.keyPem);
    chmodSync(files.path('folder/tls.key'), 0o600);
    files.write('folder/ca.crt', pki.root.certificatePem);
    const gold = await testAuthority({ root: pki.root });
    files.write('gold-key.pem', gold.intermediate.keyPem);
    chmodSync(files.path('gold-key.pem'), 0o600);
    const entry = { name: 'gold', chainFile: files.path('gold-chain.pem'), keyFile: files.path('gold-key.pem') };
    const settings = { ...FROM_FOLDER, 'issuer.directory': files.path('folder'), additionalIssuers: [entry] };
    files.write('chain.pem', pki.intermediate.certificatePem);
    const imported = (more: object = {}) =>
      runMain(['issuer', 'import', 'gold', '--chain', files.path('chain.pem')], { ...settings, ...more });
    const nowhere = { ...entry, chainFile: files.path('none/gold-chain.pem') };
    assert.match(imported({ additionalIssuers: [nowhere] }).stderr, /CAP-X03 .*\/none does not exist$/m);
    assert.match(imported().stderr, /gold-key\.pem is not the key of the certificate in .*gold-chain\.pem/);
    files.write('chain.pem', gold.intermediate.certificatePem);
    const { stdout, stderr } = imported();
    assert.match(stdout, /^gold signs with /, stderr);
    assert.equal(readFileSync(files.path('gold-chain.pem'), 'utf8'), gold.intermediate.certificatePem);
  }).timeout(60_000);

  it('signs when it is encrypted, without a word of warning, and follows key and passphrase as they change together', async () => {
    files.write('issuer-key.pem', encrypted(files.pki.intermediate.keyPem));
    await using server = await RunningServer.start({ files, settings: withPassphrase() });
    await demandCertificate(server);
    assert.deepEqual(files.logged('trustWarning'), []);
    const next = await testAuthority({ root: files.pki.root });
    files.write('issuer-key.pem', encrypted(next.intermediate.keyPem, 'another'));
    files.write('passphrase', 'another');
    files.write('issuer-chain.pem', next.intermediate.certificatePem);
    await eventually(
      'the next issuer is in force',
      () => files.logged('issuerInForce').some(({ issuer }) => issuer === next.issuer.id),
      SOON,
    );
    await demandCertificate(server);
    assert.ok(![PASSPHRASE, 'another'].some((secret) => files.logText.includes(secret)));
  });

  it('signs when its passphrase is in the environment, in each of several processes', async function () {
    this.timeout(120_000);
    files.write('issuer-key.pem', encrypted(files.pki.intermediate.keyPem));
    process.env['MESH_KEY_PASSPHRASE'] = PASSPHRASE;
    try {
      const settings = { processes: 2, 'sds.sockets': [], 'issuer.keyPassphraseEnv': 'MESH_KEY_PASSPHRASE' };
      await using server = await ChildServer.start(files, settings);
      assert.ok((await server.get('/readyz')).ok);
      await eventually('both signed', () => files.logged('issuerInForce').length === 2, SOON);
    } finally {
      delete process.env['MESH_KEY_PASSPHRASE'];
    }
  });

  for (const [what, settings, words] of [
    [
      'a wrong passphrase',
      () => withPassphrase(),
      /issuer-key\.pem does not open with the passphrase that is configured/,
    ],
    ['none', () => ({}), /issuer-key\.pem is encrypted, and no passphrase is configured/],
    [
      'a variable that is not set',
      () => ({ 'issuer.keyPassphraseEnv': 'NOT_SET_ANYWHERE' }),
      /the environment variable NOT_SET_ANYWHERE is not set/,
    ],
  ] as const) {
    it(`does not open with ${what}: one clear error, at the start and for config check`, () => {
      files.write('issuer-key.pem', encrypted(files.pki.intermediate.keyPem, 'the right one'));
      for (const command of [['serve'], ['config', 'check']]) {
        const { status: code, stderr } = runMain(command, settings());
        assert.equal(code, 78, stderr);
        assert.match(stderr, words);
        assert.ok(!stderr.includes(PASSPHRASE));
      }
    });
  }

  it('is refused when others may read its passphrase', () => {
    files.write('issuer-key.pem', encrypted(files.pki.intermediate.keyPem));
    chmodSync(files.path('passphrase'), 0o644);
    const { status: code, stderr } = runMain(['config', 'check'], withPassphrase());
    assert.equal(code, 78);
    assert.match(stderr, /passphrase has mode 0644: what is secret must not be open to others/);
  });

  it('is warned of once when it is plain, and takes nothing from health', async () => {
    await using server = await RunningServer.start({ files, settings: { 'sds.sockets': [] } });
    assert.deepEqual(server.report.troubled, []);
    files.setAnchors(`${files.pki.root.certificatePem}\n`);
    await eventually('read again', () => files.logged('reloaded').length > 1, SOON);
    const warnings = files.logged('trustWarning').map(({ problem }) => problem);
    assert.deepEqual(warnings, [
      `${files.path('issuer-key.pem')} is not encrypted: whoever reads the file, or a copy of its disk, has the key`,
    ]);
    const { status: code, stderr } = runMain(['config', 'check'], {});
    assert.equal(code, 0);
    assert.match(stderr, /issuer-key\.pem is not encrypted/);
  });

  for (const [shape, write] of [
    [
      "Istio's cacerts",
      (folder: string, roots: string) => {
        const { intermediate, root } = files.pki;
        files.write(`${folder}/ca-cert.pem`, intermediate.certificatePem);
        files.write(`${folder}/ca-key.pem`, intermediate.keyPem);
        // As `make cacerts` of Istio's samples writes it: the issuer and the root.
        files.write(`${folder}/cert-chain.pem`, intermediate.certificatePem + root.certificatePem);
        files.write(`${folder}/root-cert.pem`, roots);
      },
    ],
    [
      'kubernetes.io/tls',
      (folder: string, roots: string) => {
        files.write(`${folder}/tls.crt`, files.pki.intermediate.certificatePem);
        files.write(`${folder}/tls.key`, files.pki.intermediate.keyPem);
        files.write(`${folder}/ca.crt`, roots);
      },
    ],
  ] as const) {
    it(`moves over unchanged in a folder: ${shape}, with two roots and then one`, async () => {
      const other = await testAuthority();
      mkdirSync(files.path('ca'));
      write('ca', other.root.certificatePem + files.pki.root.certificatePem);
      const settings = { 'sds.sockets': [], ...FROM_FOLDER, 'issuer.directory': files.path('ca') };
      await using server = await RunningServer.start({ files, settings });
      assert.equal(server.report.anchors.length, 2);
      await demandCertificate(server);
      write('ca', files.pki.root.certificatePem);
      await eventually('one root is left', () => files.logged('bundleInForce').at(-1)?.['anchors'] === 1, SOON);
      await demandCertificate(server);
    });
  }

  it('waits in its folder for a certificate, and is given up by a command', async () => {
    mkdirSync(files.path('folder'));
    const { pki } = files;
    files.write('folder/tls.crt', pki.intermediate.certificatePem);
    files.write('folder/ca.crt', pki.root.certificatePem);
    const waiting = encrypted((await testAuthority()).intermediate.keyPem);
    for (const [name, pem] of [
      ['tls.key', encrypted(pki.intermediate.keyPem)],
      ['next.key', waiting],
    ] as const) {
      files.write(`folder/${name}`, pem);
      chmodSync(files.path(`folder/${name}`), 0o600);
    }
    const settings = { ...withPassphrase(), ...FROM_FOLDER, 'issuer.directory': files.path('folder') };
    await using server = await RunningServer.start({ files, settings });
    const command = async (...argv: readonly string[]): Promise<string> => {
      const { terminal, out, error } = recordTerminal();
      const where = ['keys', 'default', '--data-dir', files.directory];
      const signal = AbortSignal.timeout(60_000);
      const code = await runCli(['issuer', ...where, ...argv], { terminal, environment: {}, signal });
      assert.equal(code, 0, error());
      return out();
    };
    const [, key = ''] = /^([0-9a-f]{16}) +orphaned +next\.key /m.exec(await command()) ?? [];
    assert.match(await command(), /^[0-9a-f]{16} +issuer +tls\.key /m);
    assert.match(
      await command('--delete', key, '--reason', 'the ceremony was given up', '--yes'),
      /next\.key\) is deleted/,
    );
    assert.ok(!existsSync(files.path('folder/next.key')));
    await demandCertificate(server);
  });

  it('is encrypted by the line that docs/trust.md gives', function () {
    peerOrSkip(this, spawnSync('openssl', ['version']).error === undefined ? true : undefined, 'openssl');
    files.write('plain.pem', files.pki.intermediate.keyPem);
    const [key, plain, passphrase] = ['issuer-key.pem', 'plain.pem', 'passphrase'].map((name) => files.path(name));
    const line = `openssl pkcs8 -topk8 -scrypt -in ${plain} -out ${key} -passout file:${passphrase}`;
    assert.equal(spawnSync('sh', ['-c', `umask 077; ${line}`]).status, 0);
    const { status: code, stderr } = runMain(['config', 'check'], withPassphrase());
    assert.equal(code, 0, stderr);
    assert.ok(!stderr.includes('is not encrypted'), stderr);
  });
});
