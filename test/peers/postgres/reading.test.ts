// The contracts of those who read a journal, kept by a real PostgreSQL.
import assert from 'node:assert/strict';
import { SystemClock } from '../../../src/adapters/clock/system-clock.ts';
import { PostgresPool } from '../../../src/adapters/storage/postgres/connection/postgres-pool.ts';
import { PostgresIssuanceHistory } from '../../../src/adapters/storage/postgres/postgres-issuance-history.ts';
import { PostgresJournalReader } from '../../../src/adapters/storage/postgres/postgres-journal-reader.ts';
import { PostgresPodIssuances } from '../../../src/adapters/storage/postgres/postgres-pod-issuances.ts';
import { PostgresClosings } from '../../../src/adapters/storage/postgres/shared/postgres-closings.ts';
import { PostgresRetention } from '../../../src/adapters/storage/postgres/shared/postgres-retention.ts';
import { PostgresJournal } from '../../../src/adapters/storage/postgres/postgres-journal.ts';
import { itKeepsClosings } from '../../adapters/storage/contracts/closings.ts';
import { itKnowsWhatWasIssued } from '../../adapters/storage/contracts/issuance-history.ts';
import { itReadsJournals } from '../../adapters/storage/contracts/journal-reading.ts';
import type { StoredJournal } from '../../adapters/storage/contracts/stored-journal.ts';
import { closing } from '../../adapters/storage/sqlite/records.ts';
import { recordEvents } from '../../support/fakes/recorded-events.ts';
import { findPostgres } from '../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../support/postgres/cluster.ts';
import { peerOrSkip } from '../support/presence.ts';
import { isRefused, settingsOf } from './support/journals.ts';

const WAITING = { signal: new AbortController().signal };

describe('PostgreSQL, read', function () {
  this.timeout(120_000);
  let cluster: PostgresCluster;

  before(async function () {
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
    cluster = await PostgresCluster.start();
  });
  // None where it was skipped.
  after(() => (cluster as PostgresCluster | undefined)?.[Symbol.asyncDispose]());

  it('says of a database without a journal that there is none', async () => {
    const opening = PostgresJournalReader.open({ clock: new SystemClock() }, settingsOf(cluster), WAITING);
    await isRefused(opening, 'CAP-X03', /the database capstan has no journal/);
  });

  describe('The reader of a journal', () => itReadsJournals(openStore));
  describe('The history in a journal', () => itKnowsWhatWasIssued(openStore));
  describe('The closings in a journal', () => itKeepsClosings(openStore));

  it('records no closing for who does not hold the lease of the journal', async () => {
    await using journal = await openStore();
    await cluster.query("UPDATE leases SET epoch = 2 WHERE name = 'journal'");
    await isRefused(
      journal.recordClosings([closing('a')], { untilMs: 1 }),
      'CAP-S04',
      /the lease of the journal is over/,
    );
    assert.deepEqual(await journal.reader.closings({ limit: 9 }, WAITING), []);
    assert.equal(await journal.issuances.followedUntil(undefined, WAITING), undefined);
  });

  /** An empty one, in the tables of the one before. */
  async function openStore(): Promise<StoredJournal> {
    const clock = new SystemClock();
    let nowMs = clock.nowMs();
    const settable = new SystemClock({ wallMs: () => nowMs });
    const journal = new PostgresJournal(
      { clock: settable, events: recordEvents() },
      { ...settingsOf(cluster), trust: 'cluster.local' },
    );
    await journal.start(WAITING);
    await cluster.query('TRUNCATE decisions, issuers, operations, closings, closings_followed, leases');
    const reader = await PostgresJournalReader.open({ clock }, settingsOf(cluster), WAITING);
    const pool = new PostgresPool({ clock }, settingsOf(cluster));
    await cluster.query(`INSERT INTO leases VALUES ('journal', 'a test', 1, 'infinity')`);
    const retention = new PostgresRetention({ database: pool, clock }, { leaseName: 'journal' });
    const closings = new PostgresClosings({ database: pool }, { leaseName: 'journal' });
    return {
      reader,
      history: new PostgresIssuanceHistory({ pool }),
      issuances: new PostgresPodIssuances({ pool }),
      recordClosings: async (records, followed) => closings.recordClosings(records, followed, { epoch: 1, ...WAITING }),
      async record(...records) {
        const BATCH = 5_000;
        for (let first = 0; first < records.length; first += BATCH) {
          const batch = records.slice(first, first + BATCH);
          await Promise.all(batch.map(async (record) => journal.append(record, WAITING)));
        }
      },
      recordOperation: async (operation) => journal.recordOperation(operation, WAITING),
      deleteBefore: async (beforeMs, limit) => retention.deleteBefore(beforeMs, limit, { epoch: 1, ...WAITING }),
      async keepIssuers(issuers, atMs) {
        nowMs = atMs;
        await journal.keepIssuers(issuers, WAITING);
      },
      async [Symbol.asyncDispose]() {
        await reader[Symbol.asyncDispose]();
        await pool[Symbol.asyncDispose]();
        await journal[Symbol.asyncDispose]();
      },
    };
  }
});
