// One database for a suite, emptied before each test; what is asked of it can be made to fail.
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { PostgresPool } from '../../../../src/adapters/storage/postgres/connection/postgres-pool.ts';
import { PostgresRetention } from '../../../../src/adapters/storage/postgres/shared/postgres-retention.ts';
import type { Ask, Database } from '../../../../src/adapters/storage/postgres/shared/database.ts';
import { AuthorityError } from '../../../../src/domain/errors.ts';
import type { IssuanceJournal } from '../../../../src/ports/storage/issuance-journal.ts';
import type { PostgresSettings } from '../../../../src/adapters/storage/postgres/connection/settings.ts';
import type { JournalRetention } from '../../../../src/ports/storage/journal-retention.ts';
import type { OperationJournal } from '../../../../src/ports/storage/operation-journal.ts';
import { findPostgres } from '../../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../../support/postgres/cluster.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { settingsOf, startJournal, type StartedJournal } from '../support/journals.ts';

interface Parts {
  readonly cluster: PostgresCluster;
  readonly pool: PostgresPool;
  readonly started: StartedJournal;
}

export class SharedStore {
  #parts: Parts | undefined;
  /** Nothing is answered, as by a database that is away. */
  failing = false;
  /** The next answer is lost after what was asked has been done. */
  losing = false;
  /** Since a test last set it back. */
  questions = 0;
  #asked: Promise<unknown> = Promise.resolve();

  /** Made before the tests of a suite and ended after them. */
  static ofSuite(): SharedStore {
    const store = new SharedStore();
    before(async function () {
      peerOrSkip(this, findPostgres(), 'PostgreSQL');
      const cluster = await PostgresCluster.start();
      const pool = new PostgresPool({ clock: new SystemClock() }, settingsOf(cluster));
      store.#parts = { cluster, pool, started: await startJournal(cluster) };
    });
    beforeEach(async () => {
      Object.assign(store, { failing: false, losing: false, questions: 0 });
      await store.cluster.query(
        `TRUNCATE leases, policy_bundle_states, issuer_ledgers, anchor_ledgers, ban_ledgers, crls, quota_buckets, decisions,
          operations, closings, bundles, proxies, inventory_entries, inventory_certificates, inventory_reported, inventory_progress`,
      );
    });
    after(async () => {
      await store.#parts?.started[Symbol.asyncDispose]();
      await store.#parts?.pool[Symbol.asyncDispose]();
      await store.#parts?.cluster[Symbol.asyncDispose]();
    });
    return store;
  }

  get cluster(): PostgresCluster {
    return this.#running.cluster;
  }

  get pool(): PostgresPool {
    return this.#running.pool;
  }

  readonly database: Database = {
    query: async (...question) => this.#ask('query', question),
    commit: async (...question) => this.#ask('commit', question),
  };

  /** @param leaseName under which records are deleted. */
  journal(leaseName: string): IssuanceJournal & JournalRetention & OperationJournal {
    const { database } = this;
    const retention = new PostgresRetention({ database, clock: new SystemClock() }, { leaseName });
    return {
      append: async (...record) => this.#running.started.journal.append(...record),
      recordOperation: async (...record) => this.#running.started.journal.recordOperation(...record),
      deleteBefore: async (...which) => retention.deleteBefore(...which),
    };
  }

  get settings(): PostgresSettings {
    return settingsOf(this.cluster);
  }

  /** Decision ids, in order. */
  async recorded(): Promise<readonly string[]> {
    return (await this.cluster.query('SELECT decision_id FROM decisions ORDER BY decision_id')).flat();
  }

  /** Does `meanwhile` between what `text` says and its commit. */
  async inTransaction<T>(text: string, meanwhile: () => Promise<T>): Promise<T> {
    return this.#running.pool.transaction(
      async (connection) => {
        await connection.run(text);
        return meanwhile();
      },
      { signal: new AbortController().signal },
    );
  }

  /** Once everything that was asked so far, and what follows from it at once, is answered. */
  async asked(): Promise<void> {
    await new Promise(setImmediate);
    await this.#asked;
    await new Promise(setImmediate);
  }

  get #running(): Parts {
    if (this.#parts === undefined) throw new Error('no test is running');
    return this.#parts;
  }

  async #ask(how: 'query' | 'commit', question: Parameters<Ask>): ReturnType<Ask> {
    const answer = this.#answer(how, question);
    this.#asked = Promise.allSettled([this.#asked, answer]);
    return answer;
  }

  async #answer(how: 'query' | 'commit', question: Parameters<Ask>): ReturnType<Ask> {
    this.questions += 1;
    if (this.failing) throw new AuthorityError('CAP-S04', { cause: new Error('not to be reached') });
    const rows = await this.#running.pool[how](...question);
    if (!this.losing) return rows;
    this.losing = false;
    throw new AuthorityError('CAP-S04', { cause: new Error('the answer was lost') });
  }
}
