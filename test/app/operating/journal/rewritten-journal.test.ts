// Somebody who can write to the journal's file, and has no key of heads, changes a record and makes all digests anew. The server that
// begins after that signs nothing of it until an operator says that it shall.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { SqliteChainReader } from '../../../../src/adapters/storage/sqlite/sqlite-chain-reader.ts';
import { runCli } from '../../../../src/cli/program.ts';
import { relinkedDecisions } from '../../../adapters/storage/contracts/relinked.ts';
import { recordTerminal } from '../../../cli/support/recorded-terminal.ts';
import { testAuthority } from '../../../support/certificates.ts';
import { eventually } from '../../../support/eventually.ts';
import { RunningServer } from '../../support/running-server.ts';
import { nested, ServerFiles } from '../../support/server-files.ts';

const SOON = { withinMs: 30_000 };
const LONG_AGO_MS = [40 * 60_000, 20 * 60_000];

describe('A journal that was rewritten while no server ran', () => {
  let files: ServerFiles;
  let settings: Readonly<Record<string, unknown>>;
  let offsetMs: number;
  const clock = new SystemClock({ wallMs: () => Date.now() + offsetMs });
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  beforeEach(async () => {
    files = await ServerFiles.create(await testAuthority({ nowMs: Date.now() - 24 * 3_600_000 }));
    files.write('heads-key.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }));
    settings = { 'audit.keyFile': files.path('heads-key.pem'), 'audit.headEvery': '1s' };
    files.write('capstan.json', JSON.stringify(nested({ ...files.settings, ...settings })));
    for (const ageMs of LONG_AGO_MS) {
      offsetMs = -ageMs;
      await using server = await RunningServer.start({ files, settings, clock });
      await eventually(
        'a head is signed',
        async () => /^capstan_audit_unsigned_seconds 0$/m.test(await page(server)),
        SOON,
      );
      await server.stop();
    }
    offsetMs = 0;
  });
  afterEach(() => files[Symbol.dispose]());

  const start = async () => RunningServer.start({ files, settings, clock });
  const page = async (server: RunningServer): Promise<string> => (await server.get('/metrics')).text();
  const readiness = async (server: RunningServer): Promise<string> => (await server.get('/readyz')).text();
  const change = (sql: string): void => {
    using database = new DatabaseSync(files.path('journal.db'));
    database.exec(sql);
  };
  async function run(...words: readonly string[]): Promise<{ code: number; out: string; error: string }> {
    const { terminal, out, error } = recordTerminal();
    const all = [...words, '--config', files.path('capstan.json')];
    const code = await runCli(all, { terminal, environment: {}, signal: new AbortController().signal });
    return { code, out: out(), error: error() };
  }
  const degraded = async (server: RunningServer, words: RegExp): Promise<void> => {
    await eventually('it says so', async () => words.test(await readiness(server)), SOON);
    assert.equal((await server.get('/readyz')).status, 200);
  };

  it('is signed by the next server as long as nothing was changed', async () => {
    await using server = await start();
    await eventually(
      'a head is signed',
      async () => /^capstan_audit_unsigned_seconds 0$/m.test(await page(server)),
      SOON,
    );
    assert.doesNotMatch(await readiness(server), /not what was signed/);
  });

  it('is signed no more, which is said, until an operator accepts it, who is on record', async () => {
    change(
      `UPDATE decisions SET identity = 'spiffe://cluster.local/ns/default/sa/other' WHERE id = (SELECT min(id) FROM decisions)`,
    );
    await relink(files.path('journal.db'));
    await using server = await start();
    const differs = /record \d+ in the chain \S+ of decisions is not the one that was signed/;
    await degraded(server, differs);
    assert.match((await run('journal', 'head')).out, differs);
    assert.match(await page(server), /^capstan_audit_warnings_total [1-9]/m);
    const unnamed = await run('journal', 'head', '--accept');
    assert.equal(unnamed.code, 64, unnamed.error);
    const accepted = await run('journal', 'head', '--accept', '--reason', 'an old copy was brought back');
    assert.equal(accepted.code, 0, accepted.error);
    assert.match(accepted.out, differs);
    await eventually('heads go on', async () => !differs.test(await readiness(server)), SOON);
    const { out } = await run('journal', 'operations', '--output', 'json');
    assert.match(out, /"journal head --accept"[^]*"local"[^]*"an old copy was brought back"/);
    assert.notEqual((await run('journal', 'head', '--accept', '--reason', 'again')).code, 0);
  });

  it('is signed no more when the heads are deleted with it', async () => {
    change('DELETE FROM audit_heads');
    await using server = await start();
    await degraded(server, /it has old records and no head/);
    const signed = await run('journal', 'export', '--sign', '--to', files.path('journal.jsonl'));
    assert.equal(signed.code, 65);
    assert.match(signed.error, /not signed: the journal is not what was signed of it: it has old records and no head/);
  });
});

/** As whoever changed a record does. */
async function relink(file: string): Promise<void> {
  await using reader = await SqliteChainReader.open(file);
  const digests = await relinkedDecisions(reader);
  using database = new DatabaseSync(file);
  const update = database.prepare('UPDATE decisions SET chain_digest = ? WHERE chain = ? AND chain_sequence = ?');
  for (const each of digests) update.run(...each);
}
