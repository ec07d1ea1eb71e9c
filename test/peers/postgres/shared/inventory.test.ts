// The inventory of all servers of a shared store, against a real database.
import assert from 'node:assert/strict';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { PostgresInventory } from '../../../../src/adapters/storage/inventory/postgres-inventory.ts';
import { pageQuestion } from '../../../../src/adapters/storage/inventory/entry-questions.ts';
import { pairQuestions } from '../../../../src/adapters/storage/inventory/pair-questions.ts';
import {
  BY_INDEX,
  SELECT_PROXIES_OF,
} from '../../../../src/adapters/storage/inventory/postgres/inventory-statements.ts';
import { PostgresClosings } from '../../../../src/adapters/storage/postgres/shared/postgres-closings.ts';
import { PostgresEvidenceRecords } from '../../../../src/adapters/storage/postgres/shared/postgres-evidence-records.ts';
import { PostgresLease } from '../../../../src/adapters/storage/postgres/shared/postgres-lease.ts';
import type { DecisionRecord } from '../../../../src/ports/storage/issuance-journal.ts';
import { issued, NEVER } from '../../../adapters/storage/sqlite/records.ts';
import { INVENTORY_SETTINGS, inventoryContract, type InventoriedStore } from '../../../support/contracts/inventory.ts';
import { NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { SharedStore } from './shared-store.ts';

const WAITING = { signal: NEVER };
const LEASE = 'journal';
const SHOP = 'spiffe://cluster.local/ns/shop/sa/web';

describe('The inventory of a shared store', function () {
  this.timeout(120_000);
  const store = SharedStore.ofSuite();

  function opened(): PostgresInventory {
    return new PostgresInventory({ pool: store.pool, clock: new SystemClock() }, INVENTORY_SETTINGS);
  }

  const write: InventoriedStore['write'] = async ({ decisions = [], closings = [], proxies = [] }) => {
    const { database } = store;
    for (const record of decisions) await store.journal(LEASE).append(record, WAITING);
    if (closings.length > 0) {
      await using lease = new PostgresLease({ database, clock: new SystemClock() }, { name: LEASE, holder: 'a test' });
      const { epoch } = await lease.acquire(WAITING);
      await new PostgresClosings({ database: store.pool }, { leaseName: LEASE }).recordClosings(closings, undefined, {
        epoch,
        ...WAITING,
      });
    }
    await new PostgresEvidenceRecords({ database }).recordEvidence({ bundles: [], proxies }, WAITING);
  };

  inventoryContract(async () => {
    return Promise.resolve({ inventory: opened(), write, [Symbol.asyncDispose]: async () => Promise.resolve() });
  });

  async function follow(inventory: PostgresInventory): Promise<void> {
    while (!(await inventory.follow({ nowMs: NOON_MS }, WAITING)).isCurrent);
  }

  async function serials(inventory: PostgresInventory): Promise<readonly string[]> {
    const { entries } = await inventory.page({ conditions: {}, limit: 100, nowMs: NOON_MS, excused: [] }, WAITING);
    return entries.map(({ serial }) => serial);
  }

  const leaf = (pod: string): DecisionRecord => issued(pod, { podName: pod, podUid: pod, serial: pod });
  /** As another server does. */
  const INSERT = `INSERT INTO decisions (decision_id, time_ms, outcome, api, remote_address, caller, identity, pod_name,
      pod_uid, serial, issuer, not_before_ms, not_after_ms, cluster)
    VALUES ('slow', ${NOON_MS}, 'issued', 'csr', '', 'spiffe://a/ns/b/sa/c', 'spiffe://a/ns/b/sa/c', 'p', 'p', 'slow', 'i', 0,
      ${NOON_MS + 3_600_000}, 'west')`;

  it('has what was recorded before and committed later, also by who follows from then on', async () => {
    for (const another of [false, true]) {
      await store.cluster.query('TRUNCATE decisions, inventory_entries, inventory_progress');
      const [first, second] = [opened(), opened()];
      await store.inTransaction(INSERT, async () => {
        await write({ decisions: [leaf('quick')] });
        await follow(first);
        assert.deepEqual(await serials(first), ['quick']);
      });
      await follow(another ? second : first);
      assert.deepEqual((await serials(first)).toSorted(), ['quick', 'slow'], String(another));
    }
  });

  it('is kept by several in turn and at once, and loses nothing', async () => {
    const keepers = [opened(), opened(), opened()];
    const pods = Array.from({ length: 30 }, (_, index) => `pod-${String(index).padStart(2, '0')}`);
    for (const [index, pod] of pods.entries()) {
      await write({ decisions: [leaf(pod)] });
      await follow(keepers[index % 3] ?? assert.fail());
      if (index % 10 === 0) await Promise.all(keepers.map(follow));
    }
    assert.deepEqual(await serials(opened()), pods);
  });

  it('goes on where the database stands after one that lost its last commits, as by a failover', async () => {
    const inventory = opened();
    await write({ decisions: [leaf('kept')] });
    await follow(inventory);
    const before = await store.cluster.query('SELECT turn, decisions FROM inventory_progress');
    await write({ decisions: [leaf('lost')] });
    await follow(inventory);
    const [turn = '', decisions = ''] = before[0] ?? [];
    await store.cluster
      .query(`DELETE FROM decisions WHERE serial = 'lost'; DELETE FROM inventory_entries WHERE serial = 'lost';
      UPDATE inventory_progress SET turn = ${turn}, decisions = ${decisions};
      ALTER SEQUENCE decisions_id_seq RESTART WITH ${Number(decisions) + 1}`);
    await write({ decisions: [leaf('again')] });
    await follow(inventory);
    assert.deepEqual(await serials(inventory), ['again', 'kept']);
  });

  it('looks up all of a key, however many pods have one identity', async () => {
    // As statistics of millions have it.
    const settings = ['seqscan', 'bitmapscan', 'sort', 'hashjoin', 'mergejoin'].map((way) => `SET enable_${way} = off`);
    const planOf = async (text: string): Promise<string> =>
      (await store.cluster.query(`${settings.join('; ')}; EXPLAIN ${text}`)).flat().join('\n');
    const proxies = await planOf(SELECT_PROXIES_OF.replace('$1', `'[]'`));
    assert.match(proxies, /Index Cond: .*identity.*remote_cluster.*pod_uid/);
    const after = { order: 'identity', identity: SHOP, cluster: 'east', podUid: 'uid' } as const;
    const { page } = pageQuestion(
      { conditions: { identity: SHOP }, after, limit: 100, nowMs: NOON_MS, excused: [] },
      () => '',
    );
    const values = page.values.map((value) => `'${value}'`);
    const next = await planOf(page.sql.replaceAll('?', () => values.shift() ?? ''));
    assert.match(next, /Index Cond: .*identity = .*ROW\(cluster, pod_uid\) > ROW\('east'/);
  });

  it('looks a new pair up in the indexes of its questions, however many pods an identity has had', async () => {
    const columns = `identity, cluster, pod_uid, class, node_name, api, decision_id, serial, issuer, issued_ms, not_before_ms,
      not_after_ms, renewal_ms, overdue_ms, ended_ms`;
    const rows = `SELECT 'web', 'east', 'uid-' || n, 'workload', 'node-' || n % 40, 'csr', 'd', 's' || n, 'i', 1, 1, 10, 5, 7,
      CASE WHEN n > 500 THEN 9 END FROM generate_series(1, 20000) AS n`;
    await store.cluster.query(`INSERT INTO inventory_entries (${columns}) ${rows}`);
    const { pairs } = pairQuestions({ after: 19_900, knownUntil: 10_000 }, () => '');
    const values = (pairs?.values ?? []).map(String);
    const asked = pairs?.sql.replaceAll('?', () => values.shift() ?? '');
    const explain = `${BY_INDEX.replaceAll('LOCAL ', '')}; EXPLAIN ${asked}`;
    for (const before of ['SELECT 1', 'ANALYZE inventory_entries']) {
      await store.cluster.query(before);
      const plan = (await store.cluster.query(explain)).flat().join('\n');
      assert.doesNotMatch(plan, /Seq Scan/, plan);
      for (const index of ['inventory_live_by_node', 'inventory_ended_by_node']) {
        assert.match(plan, new RegExp(`${index}.*\\n.*Index Cond: .*node_name = .*identity = `), plan);
      }
      assert.match(plan, /inventory_once.*\n.*Index Cond: .*identity = /, plan);
    }
    await store.cluster.query('TRUNCATE inventory_entries');
  });

  it('says that it cannot be asked or kept while the database is away', async () => {
    await store.cluster.query('ALTER TABLE inventory_progress RENAME TO gone');
    try {
      for (const ask of [serials, follow]) await assert.rejects(ask(opened()), { reason: 'CAP-S04' });
    } finally {
      await store.cluster.query('ALTER TABLE gone RENAME TO inventory_progress');
    }
  });
});
