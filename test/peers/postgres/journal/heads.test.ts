// The heads of a journal in a real PostgreSQL: the contract, and two servers whose records are proven as one journal.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { PostgresPool } from '../../../../src/adapters/storage/postgres/connection/postgres-pool.ts';
import { PostgresJournal } from '../../../../src/adapters/storage/postgres/postgres-journal.ts';
import { PostgresJournalReader } from '../../../../src/adapters/storage/postgres/postgres-journal-reader.ts';
import { PostgresAuditHeads } from '../../../../src/adapters/storage/postgres/shared/postgres-audit-heads.ts';
import { PostgresRetention } from '../../../../src/adapters/storage/postgres/shared/postgres-retention.ts';
import { runCli } from '../../../../src/cli/program.ts';
import { itKeepsHeads, type HeadStore } from '../../../adapters/storage/contracts/heads.ts';
import { ChildServer } from '../../../app/support/child-server.ts';
import { RunningServer } from '../../../app/support/running-server.ts';
import { nested, ServerFiles } from '../../../app/support/server-files.ts';
import { Load, untilServing } from '../../../app/support/several-processes.ts';
import { recordTerminal } from '../../../cli/support/recorded-terminal.ts';
import { eventually } from '../../../support/eventually.ts';
import { recordEvents } from '../../../support/fakes/recorded-events.ts';
import { findPostgres } from '../../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../../support/postgres/cluster.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { settingsOf } from '../support/journals.ts';

const WAITING = { signal: new AbortController().signal };
const SOON = { withinMs: 60_000 };

describe('The heads of a journal in PostgreSQL', function () {
  this.timeout(180_000);
  let cluster: PostgresCluster;

  before(async function () {
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
    cluster = await PostgresCluster.start();
    const journal = new PostgresJournal(
      { clock: new SystemClock(), events: recordEvents(), server: 'capstan-0' },
      { ...settingsOf(cluster), trust: 'cluster.local' },
    );
    await journal.start(WAITING);
    await journal[Symbol.asyncDispose]();
  });
  after(() => (cluster as PostgresCluster | undefined)?.[Symbol.asyncDispose]());

  describe('as they are kept', () => itKeepsHeads(openStore));

  async function openStore(): Promise<HeadStore> {
    await cluster.query('TRUNCATE audit_heads, leases');
    await cluster.query(`INSERT INTO leases VALUES ('journal', 'a test', 1, 'infinity')`);
    const clock = new SystemClock();
    const reader = await PostgresJournalReader.open({ clock }, settingsOf(cluster), WAITING);
    const pool = new PostgresPool({ clock }, settingsOf(cluster));
    const retention = new PostgresRetention({ database: pool, clock }, { leaseName: 'journal' });
    return {
      heads: new PostgresAuditHeads({ database: pool }, { leaseName: 'journal' }),
      reader,
      epoch: 1,
      deleteBefore: async (beforeMs, limit) => retention.deleteBefore(beforeMs, limit, { epoch: 1, ...WAITING }),
      async [Symbol.asyncDispose]() {
        await reader[Symbol.asyncDispose]();
        await pool[Symbol.asyncDispose]();
      },
    };
  }

  it('are made by one of two servers and go on at the other, and the records of both are proven as one journal', async () => {
    await cluster.query('TRUNCATE audit_heads, leases');
    using files = await ServerFiles.create();
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    files.write('heads-key.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }));
    files.write('heads.pem', publicKey.export({ type: 'spki', format: 'pem' }));
    const start = async (name: string): Promise<RunningServer> => {
      const settings = settingsFor(files, name);
      files.write(`${name}.json`, JSON.stringify(nested({ ...files.settings, ...settings })));
      return RunningServer.start({ files, settings });
    };
    const enrol = async (server: RunningServer): Promise<void> =>
      assert.equal((await server.ask('default', 'demo')).code, status.OK);
    const headsOf = (name: string): number =>
      existsSync(files.path(`${name}.jsonl`))
        ? readFileSync(files.path(`${name}.jsonl`), 'utf8').split('\n').length - 1
        : 0;
    const first = await start('first');
    await using second = await start('second');
    await enrol(second);
    await enrol(first);
    await eventually('a head is witnessed', () => headsOf('first') + headsOf('second') > 0, SOON);
    const [led, other] = headsOf('first') > 0 ? ([first, second] as const) : ([second, first] as const);
    const otherName = led === first ? 'second' : 'first';
    await using kept = other;
    assert.equal(headsOf(otherName), 0);
    await led.stop();
    await enrol(kept);
    // What the one kept last, and one of its own.
    await eventually('the other makes heads', () => headsOf(otherName) > 1, SOON);
    const exported = await run(
      'journal',
      'export',
      '--config',
      files.path(`${otherName}.json`),
      '--sign',
      '--to',
      files.path('all'),
    );
    assert.equal(exported.code, 0, exported.error);
    const { code, out } = await run(
      'journal',
      'verify',
      files.path('all'),
      '--key',
      files.path('heads.pem'),
      '--witness',
      files.path(`${otherName}.jsonl`),
    );
    assert.equal(code, 0, out);
    await cluster.query(`UPDATE decisions SET identity = 'spiffe://cluster.local/ns/default/sa/other'
      WHERE id = (SELECT min(id) FROM decisions WHERE outcome = 'issued')`);
    rmSync(files.path('all'));
    await run('journal', 'export', '--config', files.path(`${otherName}.json`), '--to', files.path('all'));
    const changed = await run('journal', 'verify', files.path('all'), '--key', files.path('heads.pem'));
    assert.equal(changed.code, 65, changed.out);
    assert.match(changed.out, /\(changed\)$/m);
  });

  it('are made by whichever of the processes of a server has the lease', async () => {
    await cluster.query('TRUNCATE audit_heads, leases');
    using files = await ServerFiles.create();
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    files.write('heads-key.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await using server = await ChildServer.start(files, { ...settingsFor(files, 'both'), processes: 2 });
    await untilServing(files, 2);
    const load = await Load.start(files, 4, () => server.client());
    await eventually('certificates of both', () => load.delivered.length >= 12, SOON);
    await load.end();
    const named = async (): Promise<boolean> => {
      const [[unsigned] = []] = await cluster.query(`SELECT count(DISTINCT chain) FROM decisions WHERE chain IS NOT NULL
        AND time_ms > (SELECT coalesce(max(time_ms), 0) FROM audit_heads)`);
      return Number(unsigned) === 0;
    };
    await eventually('all is in a head', named, SOON);
  });

  function settingsFor(files: ServerFiles, name: string): Readonly<Record<string, unknown>> {
    const { host, port, database, caFile, passwordFile } = cluster;
    return {
      'journal.store': `postgres://capstan@${host}:${port}/${database}`,
      'journal.postgres.caFile': caFile,
      'journal.postgres.passwordFile': passwordFile,
      'listen.administration.socket': files.path(`${name}.sock`),
      'sds.sockets': [],
      'audit.keyFile': files.path('heads-key.pem'),
      'audit.headEvery': '1s',
      'audit.witness.file': files.path(`${name}.jsonl`),
    };
  }
});

async function run(...words: readonly string[]): Promise<{ code: number; out: string; error: string }> {
  const { terminal, out, error } = recordTerminal();
  const code = await runCli(words, { terminal, environment: {}, signal: new AbortController().signal });
  return { code, out: out(), error: error() };
}
