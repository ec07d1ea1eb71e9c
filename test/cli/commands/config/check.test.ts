// `capstan config check` where what holds a key or the records does not answer now.
import assert from 'node:assert/strict';
import { runCli } from '../../../../src/cli/program.ts';
import { nested, ServerFiles } from '../../../app/support/server-files.ts';
import { freePort } from '../../../support/eventually.ts';
import { recordTerminal } from '../../support/recorded-terminal.ts';

describe('capstan config check', () => {
  let files: ServerFiles;
  beforeEach(async () => (files = await ServerFiles.create()));
  afterEach(() => files[Symbol.dispose]());

  async function check(more: Readonly<Record<string, unknown>>, ...argv: readonly string[]) {
    files.write('capstan.json', JSON.stringify(nested({ ...files.settings, ...more })));
    const { terminal, out, error } = recordTerminal();
    const all = ['config', 'check', '--config', files.path('capstan.json'), ...argv];
    const code = await runCli(all, { terminal, environment: {}, signal: AbortSignal.timeout(60_000) });
    return { code, output: out(), error: error() };
  }
  async function transit(): Promise<Readonly<Record<string, unknown>>> {
    files.write('token', 's.abc\n');
    return {
      'issuer.keyFile': undefined,
      'issuer.transit.address': `https://127.0.0.1:${await freePort()}`,
      'issuer.transit.key': 'mesh',
      'issuer.transit.caFile': files.path('anchors.pem'),
      'issuer.transit.tokenFile': files.path('token'),
    };
  }

  it('ends with 69 where the server that holds the key does not answer now, and names it', async () => {
    const settings = await transit();
    const { code, error, output } = await check(settings);
    assert.equal(code, 69, error);
    assert.match(error, /what answers now is as it should be; not answering now: 1 part/);
    assert.match(error, /issuer\.transit: .*127\.0\.0\.1/);
    assert.doesNotMatch(output, /valid/);
    const json = JSON.parse((await check(settings, '--output', 'json')).output) as Record<string, unknown[]>;
    assert.deepEqual([json['valid'], json['problems'], json['away']?.length], [false, [], 1]);
  });

  it('ends with 69 where the database does not answer now', async () => {
    const store = `postgres://capstan@127.0.0.1:${await freePort()}/capstan`;
    const { code, error } = await check({
      'journal.store': store,
      'listen.administration.socket': files.path('admin.sock'),
    });
    assert.equal(code, 69, error);
    assert.match(error, /journal\.store: could not be asked/);
  });

  it('ends with 78 where something is wrong besides, and names both', async () => {
    files.write('jwks.json', 'no keys');
    const { code, error } = await check(await transit());
    assert.equal(code, 78, error);
    assert.match(error, /keys\.file/);
    assert.match(error, /issuer\.transit: /);
  });
});
