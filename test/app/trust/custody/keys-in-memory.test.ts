// An issuer whose key is in the memory of a real server alone: a new intermediate at each start, and nothing of its key on disk.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { status } from '@grpc/grpc-js';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { newKeyPem } from '../../../../src/adapters/upstream/offline/new-key.ts';
import { importIntermediate, requestIntermediate } from '../../../../src/app/compose/trust/custody/ceremony.ts';
import { checkIssuer } from '../../../../src/app/compose/trust/issuers.ts';
import { runCli } from '../../../../src/cli/program.ts';
import { NEVER } from '../../../../src/live/abortable.ts';
import { recordTerminal } from '../../../cli/support/recorded-terminal.ts';
import { RenewingAgent } from '../../../support/clients/renewing-agent.ts';
import { eventually, freePort } from '../../../support/eventually.ts';
import { FakeUpstream, keyAskedFor } from '../../../support/upstream/fake-upstream.ts';
import { configOf, RunningServer } from '../../support/running-server.ts';
import { ServerFiles } from '../../support/server-files.ts';

const IN_TIME = { withinMs: 60_000 };
const SETTINGS = {
  // Whom the fake CA stands for.
  'issuer.upstream': {
    vault: { address: 'https://127.0.0.1:1', caFile: 'absent.pem', mount: 'pki', tokenFile: 'absent' },
  },
  'issuer.chainFile': undefined,
  'issuer.keyFile': undefined,
  'lifetimes.max': '50s',
  'lifetimes.default': '50s',
  'lifetimes.backdate': '1s',
  'sds.ttl': '50s',
  'serving.ttl': '50s',
};
/** Of every P-256 key in PKCS #8, whoever it belongs to: RFC 5958 with the curve, and RFC 5915 up to the number itself. */
const KEY_SHAPE = Buffer.from('301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420', 'hex');

describe('An issuer whose key is in memory alone', function () {
  this.timeout(180_000);
  let files: ServerFiles;
  let upstream: FakeUpstream;
  beforeEach(async () => {
    files = await ServerFiles.create();
    upstream = new FakeUpstream(files.pki.root);
  });
  afterEach(() => files[Symbol.dispose]());

  const start = async (more: object = {}): Promise<RunningServer> =>
    RunningServer.start({ files, settings: { ...SETTINGS, ...more }, upstream });

  async function issuer(...argv: readonly string[]): Promise<{ code: number; output: string; error: string }> {
    const { terminal, out, error } = recordTerminal();
    const all = ['issuer', ...argv, '--data-dir', files.directory];
    const code = await runCli(all, { terminal, environment: {}, signal: AbortSignal.timeout(120_000) });
    return { code, output: out(), error: error() };
  }

  async function signerOf(server: RunningServer): Promise<X509Certificate> {
    const { code, details, response } = await server.ask('default', 'demo');
    assert.equal(code, status.OK, details);
    return new X509Certificate(response?.certChain[1] ?? '');
  }

  it('signs with it, and leaves no private key anywhere in its files', async () => {
    // What an operator of another custody, and the token issuer of the test, have beside it.
    for (const own of ['issuer-key.pem', 'issuer-chain.pem']) files.write(own, '');
    const server = await start();
    await signerOf(server);
    assert.equal((await issuer('rotate', 'default', '--activate', '--reason', 'a drill')).code, 0);
    const { output } = await issuer('show', 'default');
    assert.match(output, /^key +memory$/m);
    await server.stop();
    assert.deepEqual(keysIn(files.directory), []);
    files.write('control.pem', newKeyPem('ec-p256', undefined));
    assert.deepEqual(keysIn(files.directory), ['control.pem']);
  });

  it('has another intermediate after a restart, and renews the leaves of the one before', async () => {
    const port = await freePort();
    const at = { 'listen.tls.address': `127.0.0.1:${port}` };
    using workload = new RenewingAgent(
      port,
      files.pki.root.certificatePem,
      'spiffe://cluster.local/ns/default/sa/agent',
    );
    const before = await start(at);
    const first = await signerOf(before);
    const asked = await workload.renew(await files.mint.tokenIn('default', 'agent'));
    assert.equal(asked.code, 0, asked.message);
    await before.stop();
    await using server = await start(at);
    const second = await signerOf(server);
    assert.notEqual(second.fingerprint256, first.fingerprint256);
    const keys = new Set(upstream.asked.map(({ csrPem }) => keyAskedFor(csrPem)));
    assert.equal(keys.size, 2, 'each start has a key of its own');
    workload.restart();
    const renewed = await workload.renew();
    assert.equal(renewed.code, 0, renewed.message);
    const { output } = await issuer('show', 'default');
    assert.match(output, /active +retiring +capstan +its key ended with the server that had it/);
    assert.match(output, /^former certificate +[0-9a-f]{16} .*retiring/m);
  });

  it('is live and not ready while its CA is away at a start, and signs when that is back', async () => {
    upstream.problem = 'the fake CA is sealed: unseal it';
    const http = `127.0.0.1:${await freePort()}`;
    const starting = start({ 'listen.http.address': http });
    starting.catch(() => undefined);
    await eventually('it is asked twice', () => upstream.asked.length >= 2, IN_TIME);
    const ready = await fetch(`http://${http}/readyz`, { signal: AbortSignal.timeout(30_000) });
    assert.equal(ready.status, 503);
    assert.match(
      await ready.text(),
      /issuer default, since .*CAP-S16.*: the fake CA is sealed: unseal it; nothing is signed before/,
    );
    upstream.problem = undefined;
    await using server = await starting;
    await signerOf(server);
    assert.equal(new Set(upstream.asked.map(({ csrPem }) => keyAskedFor(csrPem))).size, 1, 'one key is asked for');
  });

  it('is started while it is suspended and no other can sign: up and not ready, and signs when it is resumed', async () => {
    const before = await start();
    assert.equal((await issuer('suspend', 'default', '--reason', 'an inquiry')).code, 0);
    await before.stop();
    await using server = await start();
    assert.equal((await server.get('/readyz')).status, 503);
    assert.match((await server.ask('default', 'demo')).details, /^CAP-S14 .*issuer default is suspended since/);
    assert.equal((await issuer('resume', 'default', '--reason', 'it is over')).code, 0);
    await signerOf(server);
  });

  it('stays suspended over a restart, until it is resumed', async () => {
    const spare = { name: 'spare', chainFile: files.path('issuer-chain.pem'), keyFile: files.path('issuer-key.pem') };
    const another = { additionalIssuers: [spare] };
    const isSpare = async (server: RunningServer): Promise<boolean> =>
      (await signerOf(server)).toString() === new X509Certificate(files.pki.intermediate.certificatePem).toString();
    const before = await start(another);
    assert.equal(await isSpare(before), false);
    assert.equal((await issuer('suspend', 'default', '--reason', 'an inquiry')).code, 0);
    await before.stop();
    const server = await start(another);
    assert.equal(await isSpare(server), true);
    assert.match(
      (await issuer('show', 'default')).output,
      /active +suspended +capstan +as [0-9a-f]{16} before it: an inquiry/,
    );
    const resumed = await issuer('resume', 'default', '--reason', 'it is over');
    assert.equal(resumed.code, 0, resumed.error);
    assert.equal(await isSpare(server), false);
    await server.stop();
    await using again = await start(another);
    assert.equal(await isSpare(again), false);
  });

  it('lists its keys by what they are for', async () => {
    await using server = await start();
    await signerOf(server);
    assert.equal((await issuer('rotate', 'default', '--reason', 'a drill')).code, 0);
    const { output } = await issuer('keys', 'default');
    const rows = output.trim().split('\n').slice(1);
    assert.deepEqual(
      rows.map((row) => row.split(/ +/).slice(1)),
      [
        ['issuer', 'current', 'memory'],
        ['issuer', 'prepared', 'memory'],
      ],
    );
  });

  it('has no ceremony, and `config check` has nothing to find fault with', async () => {
    const config = configOf({ ...files.settings, ...SETTINGS });
    const asked = { name: 'default', commonName: 'mesh', keyType: 'ec-p256' } as const;
    const why = /has its key in the memory of its server: its CA signs by itself/;
    await assert.rejects(requestIntermediate(config, asked, { signal: NEVER }), { reason: 'CAP-X03', detail: why });
    const given = { name: 'default', chainPem: files.pki.intermediate.certificatePem };
    const clock = new SystemClock();
    await assert.rejects(importIntermediate(config, given, clock, { signal: NEVER }), {
      reason: 'CAP-X03',
      detail: why,
    });
    assert.equal(await checkIssuer(config, clock), undefined);
  });
});

/** @returns the names of the files below a folder in which there is something like a private key. */
function keysIn(folder: string): readonly string[] {
  const all = readdirSync(folder, { recursive: true, withFileTypes: true });
  return all
    .filter((one) => one.isFile())
    .map(({ parentPath, name }) => path.join(parentPath, name))
    .filter((file) => hasKey(readFileSync(file)))
    .map((file) => path.relative(folder, file));
}

function hasKey(bytes: Buffer): boolean {
  const text = bytes.toString('latin1');
  // In base64 each third byte begins a group anew.
  const encoded = [0, 1, 2].map((skipped) => KEY_SHAPE.subarray(skipped, skipped + 24).toString('base64'));
  return bytes.includes(KEY_SHAPE) || text.includes('PRIVATE KEY') || encoded.some((one) => text.includes(one));
}
