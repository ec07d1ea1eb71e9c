// Somebody who can write to the database, and has no key of heads, changes a record while servers run and makes all digests behind it
// anew, or takes heads away: no head is made of that. One whose first process is killed has another make heads.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { PostgresJournalReader } from '../../../../src/adapters/storage/postgres/postgres-journal-reader.ts';
import { runCli } from '../../../../src/cli/program.ts';
import { relinkedDecisions } from '../../../adapters/storage/contracts/relinked.ts';
import { ChildServer } from '../../../app/support/child-server.ts';
import { RunningServer } from '../../../app/support/running-server.ts';
import { nested, ServerFiles } from '../../../app/support/server-files.ts';
import { kill9, Load, untilServing, workersOf } from '../../../app/support/several-processes.ts';
import { recordTerminal } from '../../../cli/support/recorded-terminal.ts';
import { eventually } from '../../../support/eventually.ts';
import { findPostgres } from '../../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../../support/postgres/cluster.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { settingsOf } from '../support/journals.ts';

const WAITING = { signal: new AbortController().signal };
const SOON = { withinMs: 60_000 };

describe('A journal in PostgreSQL that is rewritten', function () {
  this.timeout(180_000);
  let cluster: PostgresCluster;
  let files: ServerFiles;
  let settings: Readonly<Record<string, unknown>>;

  before(function () {
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
  });
  beforeEach(async () => {
    cluster = await PostgresCluster.start();
    files = await ServerFiles.create();
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    files.write('heads-key.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const { host, port, database, caFile, passwordFile } = cluster;
    settings = {
      'journal.store': `postgres://capstan@${host}:${port}/${database}`,
      'journal.postgres.caFile': caFile,
      'journal.postgres.passwordFile': passwordFile,
      'listen.administration.socket': files.path('admin.sock'),
      'audit.keyFile': files.path('heads-key.pem'),
      'audit.headEvery': '1s',
    };
    files.write('capstan.json', JSON.stringify(nested({ ...files.settings, ...settings })));
  });
  afterEach(async () => {
    await (cluster as PostgresCluster | undefined)?.[Symbol.asyncDispose]();
    (files as ServerFiles | undefined)?.[Symbol.dispose]();
  });

  const heads = async (): Promise<number> => {
    const [[count] = []] = await cluster.query('SELECT count(*) FROM audit_heads');
    return Number(count);
  };
  const degraded = async (server: Pick<RunningServer, 'get'>, words: RegExp): Promise<void> => {
    await eventually('it says so', async () => words.test(await (await server.get('/readyz')).text()), SOON);
  };
  async function accept(): Promise<{ readonly code: number; readonly out: string; readonly error: string }> {
    const { terminal, out, error } = recordTerminal();
    const words = ['journal', 'head', '--accept', '--reason', 'a test', '--config', files.path('capstan.json')];
    const code = await runCli(words, { terminal, environment: {}, signal: WAITING.signal });
    return { code, out: out(), error: error() };
  }
  async function relink(): Promise<void> {
    await using reader = await PostgresJournalReader.open({ clock: new SystemClock() }, settingsOf(cluster), WAITING);
    await using chains = await reader.chainsNow(WAITING);
    for (const [digest, chain, sequence] of await relinkedDecisions(chains)) {
      await cluster.query(
        `UPDATE decisions SET chain_digest = '${digest}' WHERE chain = '${chain}' AND chain_sequence = ${sequence}`,
      );
    }
  }

  it('while a server runs gets no head before somebody accepts it', async () => {
    await using server = await RunningServer.start({ files, settings });
    await eventually('a head is made', async () => (await heads()) > 0, SOON);
    await cluster.query(`UPDATE decisions SET identity = 'spiffe://cluster.local/ns/default/sa/other'
      WHERE id = (SELECT min(id) FROM decisions)`);
    await relink();
    await degraded(server, /record \d+ in the chain \S+ of decisions is not the one that was signed/);
    const made = await heads();
    await server.ask('default', 'demo');
    assert.equal(await heads(), made);
    const { code, out, error } = await accept();
    assert.equal(code, 0, error);
    assert.match(out, /^Accepted: record \d+ in the chain/);
    await eventually('heads go on', async () => (await heads()) > made, SOON);
    assert.doesNotMatch(await (await server.get('/readyz')).text(), /not what was signed/);
  });

  it('by who takes its newest heads gets none while the server runs that made them', async () => {
    await using server = await RunningServer.start({ files, settings });
    await eventually('a head is made', async () => (await heads()) > 0, SOON);
    await cluster.query('DELETE FROM audit_heads');
    await degraded(server, /its heads are gone/);
  });

  it('not at all has heads made by another process when the first is killed', async () => {
    await using server = await ChildServer.start(files, { ...settings, processes: 2 });
    await untilServing(files, 2);
    await eventually('a head is made', async () => (await heads()) > 0, SOON);
    for (const { pid } of workersOf(files)) {
      const made = await heads();
      await kill9(pid);
      const load = await Load.start(files, 2, () => server.client());
      await eventually('heads go on', async () => (await heads()) > made, SOON);
      await load.end();
      await untilServing(files, 2);
    }
    assert.doesNotMatch(await (await server.get('/readyz')).text(), /not what was signed/);
  });
});
