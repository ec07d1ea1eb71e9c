// The inventory of all servers that record in one PostgreSQL, in tables of its own beside the journal: whoever holds the lease keeps it,
// and each of them answers.
import type { InventoryEntry } from '../../../domain/inventory/entry.ts';
import { placeOf } from '../../../domain/inventory/question.ts';
import type {
  Inventory,
  InventoryKeeping,
  InventoryPage,
  InventoryProgress,
  InventoryQuestion,
  OverdueFound,
  OverdueQuestion,
} from '../../../ports/inventory/inventory.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { PostgresConnection } from '../postgres/connection/postgres-connection.ts';
import type { PostgresPool } from '../postgres/connection/postgres-pool.ts';
import { proxyFrom } from '../readings/evidence-records.ts';
import type { Row } from '../records.ts';
import { acknowledgedIn } from './acknowledged.ts';
import { overdueQuestions, pageQuestion, type EntryQuestion } from './entry-questions.ts';
import { entryFrom } from './entry-rows.ts';
import { InventoryFollower, type FollowerSettings } from './postgres/inventory-follower.ts';
import {
  BY_ORDERED_INDEX,
  KEEP_REPORTED,
  SELECT_PROGRESS,
  SELECT_PROXIES_OF,
} from './postgres/inventory-statements.ts';

interface Waits {
  readonly signal: AbortSignal;
}

/** PostgreSQL chooses its index itself. */
const naming = (): string => '';

export class PostgresInventory implements Inventory, InventoryKeeping {
  readonly #pool: PostgresPool;
  readonly #settings: FollowerSettings;
  readonly #follower: InventoryFollower;

  /** @param parts.pool whoever made it closes it; following takes one of its connections for the moment of a step. */
  constructor(
    { pool, clock }: { readonly pool: PostgresPool; readonly clock: Pick<Clock, 'monotonicMs'> },
    settings: FollowerSettings,
  ) {
    this.#pool = pool;
    this.#settings = settings;
    this.#follower = new InventoryFollower({ pool, clock }, settings);
  }

  async page(question: InventoryQuestion, options: Waits): Promise<InventoryPage> {
    const { order, isOrdered, page, lookedThrough } = pageQuestion(question, naming);
    const { entries, last } = await this.#pool.transaction(async (connection) => {
      if (isOrdered) await connection.run(BY_ORDERED_INDEX);
      const found = (await ask(connection, page)).map(entryFrom);
      const isWhole = found.length >= question.limit;
      return {
        entries: found,
        last: isWhole ? found.at(-1) : (await ask(connection, lookedThrough)).map(entryFrom)[0],
      };
    }, options);
    const { asOfMs } = await this.#progress(options);
    return {
      entries: await this.#acknowledged(entries, options),
      ...(last !== undefined && { next: placeOf(last, order) }),
      ...(asOfMs !== undefined && { asOfMs }),
    };
  }

  async follow(moment: { readonly nowMs: number }, options: Waits): Promise<InventoryProgress> {
    return this.#follower.follow(moment, options);
  }

  async overdue(question: OverdueQuestion, options: Waits): Promise<OverdueFound> {
    const { living, ranOut, count } = overdueQuestions(question, naming);
    const rows = [...(await this.#ask(living, options)), ...(ranOut ? await this.#ask(ranOut, options) : [])];
    const [counted] = await this.#ask(count, options);
    return { entries: rows.slice(0, question.limit).map(entryFrom), count: Number(counted?.['count']) };
  }

  async reportedOverdue(entries: readonly InventoryEntry[], options: Waits): Promise<void> {
    const reported = entries.map(({ podUid = '', ...entry }) => ({ ...entry, podUid }));
    await this.#pool.commit(KEEP_REPORTED, [JSON.stringify(reported)], options);
  }

  async #progress(options: Waits): Promise<{ readonly asOfMs?: number }> {
    const [row = {}] = await this.#pool.query(SELECT_PROGRESS, [], options);
    return Object.fromEntries(Object.entries(row).flatMap(([name, ms]) => (ms === null ? [] : [[name, Number(ms)]])));
  }

  async #acknowledged(entries: readonly InventoryEntry[], options: Waits): Promise<readonly InventoryEntry[]> {
    if (entries.length === 0) return entries;
    const asked = entries.flatMap((entry) => this.#keysOfProxies(entry));
    const rows = await this.#pool.query(SELECT_PROXIES_OF, [JSON.stringify(asked)], options);
    const notes = Map.groupBy(rows, ({ ofCluster, identity, podUid }) => JSON.stringify([ofCluster, identity, podUid]));
    return entries.map((entry) => {
      const { identity, cluster, podUid = '' } = entry;
      const its = notes.get(JSON.stringify([cluster, identity, podUid])) ?? [];
      const acknowledged = acknowledgedIn(its.map(proxyFrom));
      return acknowledged === undefined ? entry : { ...entry, acknowledged };
    });
  }

  /** To who wrote the note the cluster was its own, empty, or a remote one by its id; a pod is told by its UID whichever it was. */
  #keysOfProxies({ identity, cluster, podUid = '' }: InventoryEntry) {
    const maySayOwn = cluster === this.#settings.cluster || podUid !== '';
    const names = maySayOwn ? [cluster, ''] : [cluster];
    return names.map((remoteCluster) => ({ identity, cluster, remoteCluster, podUid }));
  }

  async #ask(question: EntryQuestion, options: Waits): Promise<readonly Row[]> {
    return this.#pool.use(async (connection) => ask(connection, question), options);
  }
}

async function ask(connection: PostgresConnection, { sql, values }: EntryQuestion): Promise<readonly Row[]> {
  let parameters = 0;
  // There is no `?` but for parameters.
  const text = sql.replaceAll('?', () => `$${(parameters += 1)}`);
  return connection.query({ text, values });
}
