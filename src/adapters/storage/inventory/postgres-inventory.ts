// The inventory of all servers that record in one PostgreSQL, in tables of its own beside the journal: whoever holds the lease keeps it,
// and each of them answers.
// It imports much because it answers every kind of question about the inventory.
import type { InventoryEntry } from '../../../domain/inventory/entry.ts';
import { placeOf } from '../../../domain/inventory/question.ts';
import type {
  EndsQuestion,
  Inventory,
  InventoryEnds,
  InventoryKeeping,
  InventoryPage,
  InventoryProgress,
  InventoryQuestion,
  NewPairsFound,
  NewPairsQuestion,
  OverdueFound,
  OverdueQuestion,
} from '../../../ports/inventory/inventory.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { PostgresConnection } from '../postgres/connection/postgres-connection.ts';
import type { PostgresPool } from '../postgres/connection/postgres-pool.ts';
import type { Row } from '../records.ts';
import { endsFrom, endsQuestion } from './entry-ends.ts';
import { overdueQuestions, pageQuestion, type EntryQuestion } from './entry-questions.ts';
import { entryFrom } from './entry-rows.ts';
import { pairQuestions } from './pair-questions.ts';
import { acknowledgedBy } from './postgres/entry-proxies.ts';
import { InventoryFollower, type FollowerSettings } from './postgres/inventory-follower.ts';
import { BY_INDEX, BY_ORDERED_INDEX, KEEP_REPORTED, SELECT_PROGRESS } from './postgres/inventory-statements.ts';

interface Waits {
  readonly signal: AbortSignal;
}

/** PostgreSQL chooses its index itself. */
const naming = (): string => '';

export class PostgresInventory implements Inventory, InventoryEnds, InventoryKeeping {
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
      entries:
        question.acknowledged === false
          ? entries
          : await acknowledgedBy(this.#pool, this.#settings.cluster, entries, options),
      ...(last !== undefined && { next: placeOf(last, order) }),
      ...(asOfMs !== undefined && { asOfMs }),
    };
  }

  async endsIn(question: EndsQuestion, options: Waits): Promise<readonly number[]> {
    return endsFrom(
      await this.#ask(
        endsQuestion(question, () => ''),
        options,
      ),
      question,
    );
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

  async newPairs(question: NewPairsQuestion, options: Waits): Promise<NewPairsFound> {
    const { pairs, upTo, newest } = pairQuestions(question, naming);
    return this.#pool.transaction(async (connection) => {
      await connection.run(BY_INDEX);
      const entries = pairs === undefined ? [] : (await ask(connection, pairs)).map(entryFrom);
      const [last] = await ask(connection, upTo);
      const [any] = (last?.['upTo'] ?? null) === null ? await ask(connection, newest) : [last];
      return { entries, upTo: Number(any?.['upTo'] ?? 0) };
    }, options);
  }

  async #progress(options: Waits): Promise<{ readonly asOfMs?: number }> {
    const [row = {}] = await this.#pool.query(SELECT_PROGRESS, [], options);
    return Object.fromEntries(Object.entries(row).flatMap(([name, ms]) => (ms === null ? [] : [[name, Number(ms)]])));
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
