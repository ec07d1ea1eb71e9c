// What a server meets when its PostgreSQL has a bad day. Whatever it is: nothing is said to be recorded that is not, a
// caller waits no longer than twice the time of one statement, there is one alarm, and no restart.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { issued, NEVER } from '../../../adapters/storage/sqlite/records.ts';
import { eventually } from '../../../support/eventually.ts';
import { findPostgres } from '../../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../../support/postgres/cluster.ts';
import { lockTable } from '../../../support/postgres/table-lock.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { isRefused, startJournal, STATEMENT_TIMEOUT_MS, type StartedJournal } from '../support/journals.ts';

/** With what a busy machine needs beyond the bound. */
const BOUND_MS = 2 * STATEMENT_TIMEOUT_MS + 1_500;

describe('A bad day of PostgreSQL', function () {
  this.timeout(180_000);
  let cluster: PostgresCluster;

  before(async function () {
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
    cluster = await PostgresCluster.start();
  });
  after(async () => cluster[Symbol.asyncDispose]());

  async function append({ journal }: StartedJournal, id: string): Promise<void> {
    await journal.append(issued(id), { signal: NEVER });
  }

  /** Refused in time, and from then on at once; alarmed once. */
  async function refuses(started: StartedJournal, words: RegExp): Promise<void> {
    const name = `refused-${Math.random()}`;
    assert.ok((await isRefused(append(started, name), 'CAP-S04', words)) < BOUND_MS);
    assert.ok((await isRefused(append(started, name), 'CAP-S04', words)) < STATEMENT_TIMEOUT_MS / 2);
    assert.match(started.journal.problem ?? '', words);
    assert.deepEqual(alarms(started), ['journalFailing']);
  }

  async function recovers(started: StartedJournal, id: string, place = cluster): Promise<void> {
    await eventually('the journal works', () => started.journal.problem === undefined, { withinMs: 30_000 });
    await append(started, id);
    assert.deepEqual(alarms(started), ['journalFailing', 'journalRecovered']);
    assert.deepEqual(await place.query(`SELECT count(*) FROM decisions WHERE decision_id = '${id}'`), [['1']]);
  }

  const alarms = ({ events }: StartedJournal): readonly string[] =>
    events.log.map(({ event }) => event).filter((event) => event.startsWith('journal'));

  it('that is not there yet is waited for', async () => {
    await cluster.stop();
    const starting = startJournal(cluster);
    await sleep(1_500);
    await cluster.restart();
    await using started = await starting;
    await recovers(started, 'waited');
    assert.match(String(started.events.of('journalFailing')[0]?.['problem']), /nothing listens|is starting/);
  });

  it('that is not there is given up when the start is', async () => {
    await cluster.stop();
    try {
      const reason = new Error('enough');
      await assert.rejects(startJournal(cluster, {}, AbortSignal.any([AbortSignal.timeout(700)])), /aborted|timeout/i);
      await assert.rejects(startJournal(cluster, {}, AbortSignal.abort(reason)), reason);
    } finally {
      await cluster.restart();
    }
  });

  it('killed under load loses no record that was confirmed, and has none twice', async () => {
    await using started = await startJournal(cluster);
    const confirmed: string[] = [];
    const over = new AbortController();
    const clients = Array.from({ length: 16 }, async (_, client) => {
      for (let n = 0; !over.signal.aborted; n += 1) {
        const id = `load-${client}-${n}`;
        await append(started, id).then(
          () => confirmed.push(id),
          async () => sleep(20),
        );
      }
    });
    for (let crash = 0; crash < 3; crash += 1) {
      const before = confirmed.length;
      await eventually('records are confirmed', () => confirmed.length > before + 100, { withinMs: 30_000 });
      await cluster.kill9();
      await cluster.restart();
    }
    await eventually('it works', () => started.journal.problem === undefined, { withinMs: 30_000 });
    over.abort();
    await Promise.all(clients);
    const rows = await cluster.query("SELECT decision_id FROM decisions WHERE decision_id LIKE 'load-%'");
    const recorded = new Set(rows.map(([id]) => id));
    assert.equal(recorded.size, rows.length, 'none twice');
    assert.deepEqual(
      confirmed.filter((id) => !recorded.has(id)),
      [],
    );
    assert.equal(started.events.of('journalFailing').length, started.events.of('journalRecovered').length);
  });

  it('whose machine falls silent costs a bounded time', async () => {
    await using started = await startJournal(cluster);
    await append(started, 'before-silence');
    cluster.freeze();
    try {
      await refuses(started, /did not answer within|did not take it within|cannot be reached/);
    } finally {
      cluster.thaw();
    }
    await recovers(started, 'after-silence');
  });

  it('whose table somebody locks is waited for no longer than a statement may take', async () => {
    await using started = await startJournal(cluster);
    await using locked = await lockTable(cluster, 'decisions');
    await refuses(started, /waited too long for a lock/);
    await locked.release();
    await recovers(started, 'after-lock');
  });

  it('that is slow is not waited for', async () => {
    await using started = await startJournal(cluster);
    await cluster.query(`CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(10); RETURN NEW; END';
      CREATE TRIGGER slow BEFORE INSERT ON decisions FOR EACH ROW EXECUTE FUNCTION slow()`);
    await refuses(started, /took longer than journal\.postgres\.statementTimeout/);
    await cluster.query('DROP TRIGGER slow ON decisions');
    await recovers(started, 'after-slowness');
  });

  it('that leaves records out without a word is not believed', async () => {
    await using started = await startJournal(cluster);
    await cluster.query(`CREATE FUNCTION discard() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
      CREATE TRIGGER discard BEFORE INSERT ON decisions FOR EACH ROW EXECUTE FUNCTION discard()`);
    await refuses(started, /kept 0 of 1 records/);
    await sleep(1_500);
    assert.deepEqual(alarms(started), ['journalFailing'], 'the probe is not fooled either');
    await cluster.query('DROP TRIGGER discard ON decisions');
    await recovers(started, 'after-discarding');
  });

  it('that warns of something else than its standby, as of a VACUUM that is due, goes on recording', async () => {
    await using started = await startJournal(cluster);
    await cluster.query(`CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql
        AS 'BEGIN RAISE WARNING ''must be vacuumed''; RETURN NEW; END';
      CREATE TRIGGER warn BEFORE INSERT ON decisions FOR EACH ROW EXECUTE FUNCTION warn()`);
    await append(started, 'warned');
    assert.deepEqual(alarms(started), []);
    await cluster.query('DROP TRIGGER warn ON decisions');
  });

  it('that has another encoding, or no schema, is refused at the start in words', async () => {
    const owner = cluster.user;
    await cluster.query(`CREATE DATABASE latin OWNER ${owner} ENCODING 'LATIN1' TEMPLATE template0`, 'postgres');
    await isRefused(startJournal(cluster, { database: 'latin' }), 'CAP-X03', /encoding LATIN1: make one with/);
    await cluster.query(`CREATE DATABASE bare OWNER ${owner}`, 'postgres');
    await cluster.query("ALTER DATABASE bare SET search_path = ''", 'postgres');
    await isRefused(startJournal(cluster, { database: 'bare' }), 'CAP-X03', /no schema .* search_path/);
  });

  it('that is set to read only says so, and is waited for', async () => {
    await using started = await startJournal(cluster);
    await cluster.query(`ALTER ROLE ${cluster.user} SET default_transaction_read_only = on`);
    await cluster.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${cluster.user}'`);
    await refuses(started, /default_transaction_read_only is on/);
    await cluster.query(`ALTER ROLE ${cluster.user} RESET default_transaction_read_only`);
    await recovers(started, 'after-read-only');
  });

  it('that has no connection left refuses in time', async () => {
    await using started = await startJournal(cluster);
    await cluster.query(`ALTER ROLE ${cluster.user} CONNECTION LIMIT 0`);
    await cluster.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${cluster.user}'`);
    await refuses(started, /no connection left/);
    await cluster.query(`ALTER ROLE ${cluster.user} CONNECTION LIMIT -1`);
    await recovers(started, 'after-connections');
  });

  it('whose password changes is out of reach until the file has the new one', async () => {
    await isRefused(startJournal(cluster, { passwordFile: cluster.caFile }), 'CAP-X03', /does not let this user in/);
    await using started = await startJournal(cluster);
    await cluster.query(`ALTER ROLE ${cluster.user} PASSWORD 'another'`);
    await cluster.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${cluster.user}'`);
    await refuses(started, /does not let this user in/);
    await cluster.query(`ALTER ROLE ${cluster.user} PASSWORD '${cluster.password}'`);
    await recovers(started, 'after-password');
    assert.doesNotMatch(JSON.stringify(started.events.log), /not-a-secret/);
  });

  it('that another CA vouches for is not spoken to', async () => {
    await using other = await PostgresCluster.start();
    await isRefused(startJournal(cluster, { caFile: other.caFile }), 'CAP-X03', /does not vouch for/);
    await isRefused(startJournal(cluster, { caFile: `${other.caFile}.none` }), 'CAP-X03', /caFile .* does not exist/);
    await using empty = await emptyFile();
    await isRefused(startJournal(cluster, { caFile: empty.file }), 'CAP-X03', /caFile .* has no certificate/);
    // The same address by a name that is not in its certificate.
    const byName = [{ host: '127.1', port: cluster.port }];
    await isRefused(startJournal(cluster, { hosts: byName }), 'CAP-X03', /ERR_TLS_CERT_ALTNAME_INVALID/);
  });
});

async function emptyFile(): Promise<AsyncDisposable & { readonly file: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'capstan-empty-'));
  const file = path.join(folder, 'ca.pem');
  await writeFile(file, '');
  return { file, [Symbol.asyncDispose]: async () => rm(folder, { recursive: true }) };
}
