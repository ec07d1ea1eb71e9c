import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { status } from '@grpc/grpc-js';
import { eventually } from '../../support/eventually.ts';
import { buildCsr } from '../../support/certificates.ts';
import { RunningServer } from '../support/running-server.ts';
import { nested, ServerFiles } from '../support/server-files.ts';

const MAIN = path.resolve(import.meta.dirname, '../../../src/main.ts');
const PRIVATE_KEYS = new URL('../../vectors/cases/jwks-with-private-key/jwks.json', import.meta.url);

describe("A token issuer's keys", () => {
  let files: ServerFiles;
  beforeEach(async () => (files = await ServerFiles.create()));
  afterEach(() => files[Symbol.dispose]());

  async function ask(server: RunningServer, claims: Readonly<Record<string, unknown>> = {}) {
    using client = server.client();
    const headers = { authorization: `Bearer ${await files.mint.token('demo', claims)}` };
    return await client.call({ csr: (await buildCsr()).pem, headers });
  }

  it('with a private key among them stop the start, and the file and the key are named', async () => {
    files.write('jwks.json', readFileSync(PRIVATE_KEYS, 'utf8'));
    await assert.rejects(RunningServer.start({ files }), {
      reason: 'CAP-X03',
      message: /jwks\.json holds a private key: "759792b4-e358-40c7-baf5-068960a8ef2f"/,
    });
  });

  it('with a private key among them are a problem for `config check` too, at their place', () => {
    files.write('jwks.json', readFileSync(PRIVATE_KEYS, 'utf8'));
    files.write('capstan.json', JSON.stringify(nested({ ...files.settings, 'sds.sockets': [] })));
    const args = [MAIN, 'config', 'check', '--config', files.path('capstan.json'), '--output', 'json'];
    const { status: code, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    const { problems } = JSON.parse(stdout) as { problems: readonly { path: string; message: string }[] };
    assert.equal(code, 78, stdout);
    assert.equal(problems[0]?.path, 'authentication.tokens.issuers[0].keys.file');
    assert.match(problems[0].message, /jwks\.json holds a private key: "759792b4/);
  });

  it('with a private key among them are not taken while the server runs', async () => {
    await using server = await RunningServer.start({ files });
    files.write('jwks.json', readFileSync(PRIVATE_KEYS, 'utf8'));
    const complaint = await eventually(
      'the complaint',
      () => files.logged('reloadFailed').find(({ source }) => source === 'token-keys'),
      { withinMs: 30_000 },
    );
    assert.match(String(complaint['problem']), /holds a private key: "759792b4/);
    assert.equal((await ask(server)).code, status.OK, 'the last good keys stay');
  });

  it('are read behind a byte order mark; and a token that says more than one subject is nobody', async () => {
    files.write('jwks.json', `\uFEFF${await files.mint.jwks()}`);
    await using server = await RunningServer.start({ files });
    assert.equal((await ask(server)).code, status.OK);
    const { code, details } = await ask(server, { sub: ['system:serviceaccount:default:demo'] });
    assert.equal(code, status.UNAUTHENTICATED);
    assert.match(details, /^CAP-A06 .*sub is not a text/);
  });
});
