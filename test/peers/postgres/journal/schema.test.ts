import assert from 'node:assert/strict';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { PostgresPool } from '../../../../src/adapters/storage/postgres/connection/postgres-pool.ts';
import { migrate } from '../../../../src/adapters/storage/postgres/schema/migrate.ts';
import { MIGRATIONS, USABLE_FROM } from '../../../../src/adapters/storage/postgres/schema/migrations.ts';
import { issued, NEVER } from '../../../adapters/storage/sqlite/records.ts';
import { eventually } from '../../../support/eventually.ts';
import { findPostgres } from '../../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../../support/postgres/cluster.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { isRefused, settingsOf, startJournal } from '../support/journals.ts';

const ASLEEP = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'";

describe('The schema in PostgreSQL', function () {
  this.timeout(180_000);
  let cluster: PostgresCluster;

  before(async function () {
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
    cluster = await PostgresCluster.start();
  });
  after(async () => cluster[Symbol.asyncDispose]());
  beforeEach(async () => {
    await cluster.query(`DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION ${cluster.user}`);
  });

  async function migrated(steps?: readonly string[]): Promise<void> {
    await using pool = new PostgresPool({ clock: new SystemClock() }, settingsOf(cluster));
    await pool.use(async (connection) => migrate(connection, steps), { signal: NEVER });
  }

  const version = async (): Promise<unknown> => cluster.query('SELECT version FROM schema_version');

  const versions = async (): Promise<unknown> => cluster.query('SELECT version, usable_from FROM schema_version');

  it('is made once by servers that start together', async () => {
    await Promise.all(Array.from({ length: 4 }, async () => migrated()));
    assert.deepEqual(await version(), [[String(MIGRATIONS.length)]]);
    await migrated();
  });

  it('goes on from where the version before left it, each step once', async () => {
    const first = 'CREATE TABLE steps (n int); INSERT INTO steps VALUES (1)';
    await migrated([first]);
    const second = 'INSERT INTO steps VALUES (2)';
    await Promise.all(Array.from({ length: 4 }, async () => migrated([first, second])));
    assert.deepEqual(await cluster.query('SELECT n FROM steps ORDER BY n'), [['1'], ['2']]);
    assert.deepEqual(await version(), [['2']]);
  });

  it('of a newer version that only added to it is used by servers that run and by those that start, and left as it is', async () => {
    await using running = await startJournal(cluster);
    await running.journal.append(issued('before'), { signal: NEVER });
    await migrated([...MIGRATIONS, 'ALTER TABLE decisions ADD COLUMN newer text']);
    await using started = await startJournal(cluster);
    await running.journal.append(issued('by one that runs'), { signal: NEVER });
    await started.journal.append(issued('by one that starts'), { signal: NEVER });
    const rows = await cluster.query('SELECT decision_id FROM decisions ORDER BY id');
    assert.deepEqual(rows.flat(), ['before', 'by one that runs', 'by one that starts']);
    assert.deepEqual(await versions(), [[String(MIGRATIONS.length + 1), String(USABLE_FROM)]]);
  });

  it('of a newer version that did more is refused, and left as it is', async () => {
    await migrated([...MIGRATIONS, 'ALTER TABLE decisions RENAME COLUMN api TO newer']);
    await cluster.query('UPDATE schema_version SET usable_from = version');
    await isRefused(startJournal(cluster), 'CAP-X03', /has schema version \d+, and this Capstan knows \d+/);
    const newer = String(MIGRATIONS.length + 1);
    assert.deepEqual(await versions(), [[newer, newer]]);
  });

  it('is not half-way there after a step that was interrupted', async () => {
    const [first = ''] = MIGRATIONS;
    const killed = migrated([`${first}; SELECT pg_sleep(30)`]).catch(() => undefined);
    await eventually('the step sleeps', async () => (await cluster.query(ASLEEP)).length > 0, { withinMs: 30_000 });
    await cluster.kill9();
    await killed;
    await cluster.restart();
    assert.deepEqual(await cluster.query("SELECT to_regclass('decisions'), to_regclass('schema_version')"), [['', '']]);
    await using started = await startJournal(cluster);
    assert.equal(started.journal.problem, undefined);
    assert.deepEqual(await version(), [[String(MIGRATIONS.length)]]);
  });

  it('that lost its last step, as by a failover, has it again while servers run', async () => {
    await using started = await startJournal(cluster);
    await cluster.query(`DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION ${cluster.user}`);
    await migrated(MIGRATIONS.slice(0, -1));
    const isWhole = async (): Promise<boolean> =>
      (await cluster.query('SELECT version FROM schema_version')).flat()[0] === String(MIGRATIONS.length);
    await eventually('the step is taken', isWhole, { withinMs: 45_000 });
    await eventually('it works', () => started.journal.problem === undefined, { withinMs: 45_000 });
    await started.journal.append(issued('after'), { signal: NEVER });
  });

  it('that is gone is not made anew under servers that run: what they have forbidden would be forgotten', async () => {
    await using started = await startJournal(cluster);
    await cluster.query(`DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION ${cluster.user}`);
    const { journal } = started;
    await eventually('it is missed', () => journal.problem !== undefined, { withinMs: 45_000 });
    await isRefused(journal.append(issued('after'), { signal: NEVER }), 'CAP-S04', /has lost a table of the journal/);
    const looks = (): number => cluster.log.split('relation "schema_version" does not exist').length;
    const before = looks();
    await eventually('several looks', () => looks() > before + 1, { withinMs: 45_000 });
    assert.deepEqual(await cluster.query("SELECT to_regclass('schema_version')"), [['']]);
  });

  it('that another server takes long to bring up to date is waited for', async () => {
    const [first = ''] = MIGRATIONS;
    const other = migrated([`${first}; SELECT pg_sleep(3)`]);
    await eventually('the step sleeps', async () => (await cluster.query(ASLEEP)).length > 0, { withinMs: 45_000 });
    await using started = await startJournal(cluster);
    await other;
    assert.equal(started.journal.problem, undefined);
    assert.deepEqual(await version(), [[String(MIGRATIONS.length)]]);
  });

  it('in which others can make functions is refused: they would run in its name', async () => {
    await startJournal(cluster).then(async (started) => started[Symbol.asyncDispose]());
    await cluster.query('CREATE ROLE "an other"; GRANT ALL ON SCHEMA public TO "an other", PUBLIC');
    const words = /REVOKE CREATE ON SCHEMA public FROM "an other", PUBLIC/;
    await isRefused(startJournal(cluster), 'CAP-X03', words);
    await cluster.query('REVOKE CREATE ON SCHEMA public FROM "an other", PUBLIC');
    await using started = await startJournal(cluster);
    await started.journal.append(issued('alone'), { signal: NEVER });
  });

  it('stays where it is when a schema comes before it in the search path', async () => {
    await using started = await startJournal(cluster);
    const owner = cluster.user;
    await cluster.query(`CREATE SCHEMA ${owner} AUTHORIZATION ${owner}; CREATE TABLE ${owner}.decisions (stolen text)`);
    await using another = await startJournal(cluster);
    await another.journal.append(issued('at home'), { signal: NEVER });
    assert.deepEqual(await cluster.query('SELECT decision_id FROM public.decisions'), [['at home']]);
    assert.equal(started.journal.problem, undefined);
    await cluster.query(`DROP SCHEMA ${owner} CASCADE`);
  });

  it('cannot be made by a user who may not make tables', async () => {
    await cluster.query('ALTER SCHEMA public OWNER TO postgres; GRANT USAGE ON SCHEMA public TO PUBLIC');
    await isRefused(startJournal(cluster), 'CAP-X03', /does not allow it to this user/);
  });
});
