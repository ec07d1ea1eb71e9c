// `capstan config check` where what holds a key or the records does not answer now, and of the certificate that browsers see.
import assert from 'node:assert/strict';
import { runCli } from '../../../../src/cli/program.ts';
import { nested, ServerFiles } from '../../../app/support/server-files.ts';
import { freePort } from '../../../support/eventually.ts';
import { createRoot, issueLeaf, type TestAuthority, type TestLeaf } from '../../../peers/support/pki.ts';
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

  describe('of a console', () => {
    const [NAME, DAY_MS] = ['ca.corp.example', 86_400_000];
    let web: TestAuthority;
    before(async () => (web = await createRoot('Authorities of the Web')));

    /** @param shown of its own; nothing, where it shows that of the TLS listener. */
    async function ofConsole(url: string, shown?: TestLeaf): ReturnType<typeof check> {
      files.write('people.pem', web.certificatePem);
      files.write('console.pem', shown?.chainPem ?? '');
      files.write('console-key.pem', shown?.keyPem ?? '');
      return check({
        'listen.console.address': '127.0.0.1:0',
        'listen.console.url': url,
        'listen.administration.clientCaFile': files.path('people.pem'),
        ...(shown !== undefined && {
          'listen.console.chainFile': files.path('console.pem'),
          'listen.console.keyFile': files.path('console-key.pem'),
        }),
      });
    }

    it('has nothing to say where the certificate is for the name that browsers are told of', async () => {
      for (const [url, names] of [
        [`https://${NAME}:15019`, { dns: NAME }],
        ['https://10.0.0.7', { ip: '10.0.0.7' }],
      ] as const) {
        const { code, error } = await ofConsole(url, await issueLeaf(web, names));
        assert.equal(code, 0, error);
        assert.doesNotMatch(error, /console/);
      }
    });

    it('warns of a name that browsers would not find in it', async () => {
      const { code, error } = await ofConsole(`https://${NAME}`, await issueLeaf(web, { dns: 'other.corp.example' }));
      assert.equal(code, 0, error);
      assert.match(
        error,
        /listen\.console\.chainFile: the certificate in .*console\.pem has no name ca\.corp\.example/,
      );
    });

    it('warns of a name that the certificate of the TLS listener will not have', async () => {
      const { code, error } = await ofConsole(`https://${NAME}`);
      assert.equal(code, 0, error);
      assert.match(error, /listen\.console\.url: the certificate of listen\.tls, .* has no name ca\.corp\.example/);
      assert.doesNotMatch((await ofConsole('https://localhost')).error, /has no name/);
    });

    it('warns of one that has ended', async () => {
      const ended = await issueLeaf(web, { dns: NAME, notAfter: new Date(Date.now() - DAY_MS) });
      assert.match((await ofConsole(`https://${NAME}`, ended)).error, /the certificate in .* has ended/);
    });

    it('ends with 78 where a server would not start', async () => {
      const { code, error } = await ofConsole(`https://${NAME}`, {
        chainPem: 'nothing',
        keyPem: 'nothing',
        serial: '',
      });
      assert.equal(code, 78, error);
      assert.match(error, /are no certificate with its key that TLS can use/);
    });
  });
});
