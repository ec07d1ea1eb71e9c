// A server of two processes proves the journals of both as one: the first makes heads, and whichever is asked signs.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { runCli } from '../../../src/cli/program.ts';
import { recordTerminal } from '../../cli/support/recorded-terminal.ts';
import { eventually } from '../../support/eventually.ts';
import { ChildServer } from '../support/child-server.ts';
import { nested, ServerFiles } from '../support/server-files.ts';
import { Load, untilServing } from '../support/several-processes.ts';

const SOON = { withinMs: 30_000 };

describe('The journals of two processes', function () {
  this.timeout(60_000);

  it('are exported as one with a signed end, and proven', async () => {
    using files = await ServerFiles.create();
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    files.write('heads-key.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }));
    files.write('heads.pem', publicKey.export({ type: 'spki', format: 'pem' }));
    const settings = { processes: 2, 'audit.keyFile': files.path('heads-key.pem') };
    files.write('capstan.json', JSON.stringify(nested({ ...files.settings, ...settings })));
    await using server = await ChildServer.start(files, settings);
    await untilServing(files, 2);
    const load = await Load.start(files, 8, () => server.client());
    await eventually('some certificates', () => load.delivered.length >= 24, SOON);
    await load.end();
    const exported = await run(
      'journal',
      'export',
      '--config',
      files.path('capstan.json'),
      '--sign',
      '--to',
      files.path('all'),
    );
    assert.equal(exported.code, 0, exported.error);
    const { code, out } = await run('journal', 'verify', files.path('all'), '--key', files.path('heads.pem'));
    assert.equal(code, 0, out);
    assert.ok([...out.matchAll(/ decisions /g)].length >= 2, out);
  });

  async function run(...words: readonly string[]): Promise<{ code: number; out: string; error: string }> {
    const { terminal, out, error } = recordTerminal();
    const code = await runCli(words, { terminal, environment: {}, signal: new AbortController().signal });
    return { code, out: out(), error: error() };
  }
});
