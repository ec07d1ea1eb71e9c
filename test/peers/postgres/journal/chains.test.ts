// The chains of a journal in a real PostgreSQL: the contract, and what several servers and lost answers make of them.
import assert from 'node:assert/strict';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { PostgresPool } from '../../../../src/adapters/storage/postgres/connection/postgres-pool.ts';
import { PostgresJournal } from '../../../../src/adapters/storage/postgres/postgres-journal.ts';
import { PostgresJournalReader } from '../../../../src/adapters/storage/postgres/postgres-journal-reader.ts';
import { PostgresClosings } from '../../../../src/adapters/storage/postgres/shared/postgres-closings.ts';
import { PostgresRetention } from '../../../../src/adapters/storage/postgres/shared/postgres-retention.ts';
import type { Revision } from '../../../../src/ports/storage/ledgers.ts';
import type { ChainState } from '../../../../src/ports/audit/chain-reader.ts';
import { itLinksRecords, provenRecords, type ChainedStore } from '../../../adapters/storage/contracts/chains.ts';
import { closing, issued } from '../../../adapters/storage/sqlite/records.ts';
import { eventually } from '../../../support/eventually.ts';
import { NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { recordEvents } from '../../../support/fakes/recorded-events.ts';
import { findPostgres } from '../../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../../support/postgres/cluster.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { isRefused, settingsOf } from '../support/journals.ts';

const WAITING = { signal: new AbortController().signal };
const LEASE = { epoch: 1, ...WAITING };

describe('The chains of a journal in PostgreSQL', function () {
  this.timeout(120_000);
  let cluster: PostgresCluster;

  before(async function () {
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
    cluster = await PostgresCluster.start();
  });
  after(() => (cluster as PostgresCluster | undefined)?.[Symbol.asyncDispose]());

  describe('as one server writes it', () => itLinksRecords(openStore, { continued: false }));

  async function startedJournal(server = 'capstan-0'): Promise<PostgresJournal> {
    const journal = new PostgresJournal(
      { clock: new SystemClock(), events: recordEvents(), server },
      { ...settingsOf(cluster), trust: 'cluster.local' },
    );
    await journal.start(WAITING);
    return journal;
  }

  /** An empty one, in the tables of the one before. */
  async function openStore(): Promise<ChainedStore> {
    const clock = new SystemClock();
    let journal = await startedJournal();
    await cluster.query('TRUNCATE decisions, operations, closings, closings_followed, leases, chains');
    await cluster.query(`INSERT INTO leases VALUES ('journal', 'a test', 1, 'infinity')`);
    const reader = await PostgresJournalReader.open({ clock }, settingsOf(cluster), WAITING);
    const pool = new PostgresPool({ clock }, settingsOf(cluster));
    const retention = new PostgresRetention({ database: pool, clock }, { leaseName: 'journal' });
    const newClosings = () => new PostgresClosings({ database: pool }, { leaseName: 'journal', server: 'capstan-0' });
    let closings = newClosings();
    return {
      journal: {
        record: async (...records) => {
          await Promise.all(records.map(async (record) => journal.append(record, WAITING)));
        },
        recordOperation: async (operation) => journal.recordOperation(operation, WAITING),
        recordClosings: async (records, followed) => closings.recordClosings(records, followed, LEASE),
        deleteBefore: async (beforeMs, limit) => retention.deleteBefore(beforeMs, limit, LEASE),
      },
      snapshots: reader,
      async restart() {
        await journal[Symbol.asyncDispose]();
        journal = await startedJournal();
        closings = newClosings();
      },
      async [Symbol.asyncDispose]() {
        await reader[Symbol.asyncDispose]();
        await pool[Symbol.asyncDispose]();
        await journal[Symbol.asyncDispose]();
      },
    };
  }

  const states = async ({ snapshots }: ChainedStore): Promise<readonly ChainState[]> => {
    await using chains = await snapshots.chainsNow(WAITING);
    return await chains.chains(WAITING);
  };

  it('never fork, however many servers write at once', async () => {
    await using store = await openStore();
    const servers = await Promise.all(['a', 'b', 'c'].map(startedJournal));
    const record = async (server: PostgresJournal, name: string): Promise<void> => {
      for (let round = 0; round < 20; round += 1) {
        const group = Array.from({ length: 5 }, (_, index) => issued(`${name} ${round} ${index}`));
        await Promise.all(group.map(async (each) => server.append(each, WAITING)));
        await server.recordOperation({ timeMs: round, operation: name, was: 'a', is: 'b' }, WAITING);
      }
    };
    await Promise.all(servers.map(async (server, index) => record(server, `${index}`)));
    await Promise.all(servers.map(async (server) => server[Symbol.asyncDispose]()));
    const { decision, operation } = await provenRecords(store.snapshots);
    assert.deepEqual([decision.length, operation.length], [300, 60]);
    assert.equal((await states(store)).length, 6);
  });

  it('link closings that are recorded at once one after the other', async () => {
    await using store = await openStore();
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => store.journal.recordClosings([closing(`${index}`)])),
    );
    assert.equal((await provenRecords(store.snapshots)).closing.length, 20);
    assert.equal((await states(store)).length, 1);
  });

  it('begin anew where nobody knows what became of a link, and name how far they had come', async () => {
    await using store = await openStore();
    await store.journal.record(issued('a'));
    const [first] = await states(store);
    // Sent, and never answered: a server that is stopped instead may say in time that nothing was done.
    cluster.freeze();
    await isRefused(store.journal.record(issued('b')), 'CAP-S04');
    await cluster.kill9();
    await cluster.restart();
    const recorded = async (): Promise<boolean> =>
      store.journal.record(issued('c', { timeMs: NOON_MS + 1 })).then(
        () => true,
        () => false,
      );
    await eventually('it records again', recorded, { withinMs: 60_000 });
    const [before, second] = await states(store);
    assert.deepEqual(before, first);
    assert.deepEqual(second?.opening.follows, { chain: first?.opening.chain, ...first?.last });
    assert.deepEqual((await provenRecords(store.snapshots)).decision, [
      issued('a'),
      issued('c', { timeMs: NOON_MS + 1 }),
    ]);
  });

  it('have no gap where the database has other bans than a certificate of the group was judged by', async () => {
    await using store = await openStore();
    await using server = await startedJournal('capstan-1');
    const append = async (id: string, bans?: Revision): Promise<boolean> =>
      server.append(issued(id), { ...WAITING, ...(bans && { bans }) });
    const [own, other] = [{ number: 0 }, { number: 7, digest: 'of another ledger' }];
    assert.deepEqual(await Promise.all([append('a', own), append('b', other), append('c')]), [true, false, true]);
    assert.equal(await append('d', own), true);
    assert.deepEqual((await provenRecords(store.snapshots)).decision, [issued('a'), issued('c'), issued('d')]);
  });

  it('come back when their server goes on after all of their records had left', async () => {
    await using store = await openStore();
    await store.journal.record(issued('a'), issued('b'));
    const [{ opening } = assert.fail()] = await states(store);
    await store.journal.deleteBefore(Date.now() + 1e9, 9);
    await store.journal.deleteBefore(Date.now() + 1e9, 9);
    assert.deepEqual(await states(store), []);
    await store.journal.record(issued('c'));
    const [again] = await states(store);
    assert.deepEqual([again?.opening, again?.removed?.sequence, again?.last.sequence], [opening, 2, 3]);
    assert.deepEqual((await provenRecords(store.snapshots)).decision, [issued('c')]);
  });
});
