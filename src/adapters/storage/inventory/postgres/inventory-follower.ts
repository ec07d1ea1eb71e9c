// Takes the journal of all servers into the inventory's tables, a batch for each transaction. What it does may be done twice, and by
// whoever: of two that follow one waits for the other, and reads what that one has left.
import type { InventoryProgress } from '../../../../ports/inventory/inventory.ts';
import type { Clock } from '../../../../ports/platform/clock.ts';
import { CLOSING_FIELDS, closingFrom, type ClosingValues } from '../../closing-records.ts';
import type { PostgresConnection } from '../../postgres/connection/postgres-connection.ts';
import type { PostgresPool } from '../../postgres/connection/postgres-pool.ts';
import type { Row } from '../../records.ts';
import { endedEntryOf, entriesOf, type EntryRow, type EntrySettings } from '../entry-rows.ts';
import {
  BEGIN_STEP,
  END,
  FORGETTING,
  FORGETTING_ENDED,
  HOLD_PROGRESS,
  KEEP_CERTIFICATES,
  KEEP_PROGRESS,
  SELECT_CLOSINGS,
  SELECT_DECISIONS,
  SELECT_SNAPSHOT,
  UPSERT,
} from './inventory-statements.ts';
import { OpenRows, type Snapshot } from './open-rows.ts';

export interface FollowerSettings extends EntrySettings {
  /** What ended is kept as long as its records. */
  readonly retentionMs: number;
}

/** Records of one transaction. */
const BATCH = 500;
/** What a call takes, but for its last batch. */
const STEP_MS = 20;

/** How far it has read, and which rows before may come yet. */
interface Read {
  readonly turn: number;
  readonly decisions: OpenRows;
  readonly closings: OpenRows;
}

interface Batch {
  readonly isCurrent: boolean;
  readonly lastMs?: number;
}

export class InventoryFollower {
  readonly #pool: PostgresPool;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #settings: FollowerSettings;
  #read: Read | undefined;

  constructor(
    parts: { readonly pool: PostgresPool; readonly clock: Pick<Clock, 'monotonicMs'> },
    settings: FollowerSettings,
  ) {
    [this.#pool, this.#clock] = [parts.pool, parts.clock];
    this.#settings = settings;
  }

  /** @throws AuthorityError CAP-S04; what was taken in stays. */
  async follow(
    { nowMs }: { readonly nowMs: number },
    options: { readonly signal: AbortSignal },
  ): Promise<InventoryProgress> {
    const untilMs = this.#clock.monotonicMs() + STEP_MS;
    for (let lastMs = 0; ;) {
      const batch = await this.#inOneTransaction(nowMs, options);
      lastMs = Math.max(lastMs, batch.lastMs ?? 0);
      if (batch.isCurrent) return { isCurrent: true, asOfMs: nowMs };
      if (this.#clock.monotonicMs() >= untilMs) return { isCurrent: false, asOfMs: lastMs };
    }
  }

  async #inOneTransaction(nowMs: number, options: { readonly signal: AbortSignal }): Promise<Batch> {
    // Should the outcome be unknown, it begins where the database says.
    const read = this.#read;
    this.#read = undefined;
    const { batch, next } = await this.#pool.transaction(async (connection) => {
      await connection.run(BEGIN_STEP);
      const [progress] = await connection.query({ text: HOLD_PROGRESS });
      const from = read?.turn === Number(progress?.['turn']) ? read : readFrom(progress);
      const taken = await this.#takeIn(connection, from, nowMs);
      const turn = from.turn + 1;
      const { decisions, closings } = from;
      const asOfMs = taken.isCurrent ? nowMs : null;
      const values = [turn, decisions.settled, closings.settled, asOfMs];
      await connection.query({ text: KEEP_PROGRESS, values, writes: 1 });
      const lastMs = Math.max(taken.lastMs ?? 0, Number(progress?.['asOfMs'] ?? 0));
      return { batch: { ...taken, lastMs }, next: { turn, decisions, closings } };
    }, options);
    this.#read = next;
    return batch;
  }

  async #takeIn(connection: PostgresConnection, { decisions, closings }: Read, nowMs: number): Promise<Batch> {
    const issued = await this.#rowsOf(connection, SELECT_DECISIONS, decisions);
    const entries = issued.rows
      .filter(({ outcome }) => outcome === 'issued')
      .flatMap((row) => entriesOf(row, this.#settings, nowMs));
    await this.#keep(connection, entries, nowMs);
    if (issued.areMore) return { isCurrent: false, lastMs: Number(issued.rows.at(-1)?.['timeMs']) };
    const ended = await this.#rowsOf(connection, SELECT_CLOSINGS, closings);
    await write(connection, END, newestOf(ended.rows.map((row) => endedEntryOf(closingOf(row)))));
    if (ended.areMore) return { isCurrent: false };
    return { isCurrent: await this.#forget(connection, nowMs) };
  }

  async #rowsOf(
    connection: PostgresConnection,
    text: string,
    open: OpenRows,
  ): Promise<{ readonly rows: readonly Row[]; readonly areMore: boolean }> {
    const snapshot = await snapshotOf(connection);
    const missing = new Set(open.missing);
    const rows = await connection.query({ text, values: [open.newest, JSON.stringify([...missing]), BATCH] });
    const ids = rows.map(({ id }) => Number(id));
    open.took(ids, { snapshot, nowMs: this.#clock.monotonicMs() });
    return { rows, areMore: ids.filter((id) => !missing.has(id)).length === BATCH };
  }

  async #keep(connection: PostgresConnection, entries: readonly EntryRow[], nowMs: number): Promise<void> {
    await write(connection, UPSERT, newestOf(entries));
    const live = entries.filter(({ notAfterMs }) => Number(notAfterMs) > nowMs);
    await write(
      connection,
      KEEP_CERTIFICATES,
      live.map(({ serial, notAfterMs, identity, cluster, podUid }) => ({
        serial,
        notAfterMs,
        identity,
        cluster,
        podUid,
      })),
    );
  }

  /** What is over by now. @returns whether that was all. */
  async #forget(connection: PostgresConnection, nowMs: number): Promise<boolean> {
    const over = FORGETTING.map((text) => ({ text, values: [nowMs, BATCH] }));
    const ended = FORGETTING_ENDED.map((text) => ({ text, values: [nowMs - this.#settings.retentionMs, BATCH] }));
    let isAll = true;
    for (const { text, values } of [...over, ...ended]) {
      const changed = await connection.query({ text, values });
      isAll &&= changed.length < BATCH;
    }
    return isAll;
  }
}

function readFrom(progress: Row | undefined): Read {
  const [turn, decisions, closings] = ['turn', 'decisions', 'closings'].map((name) => Number(progress?.[name] ?? 0));
  return { turn: turn ?? 0, decisions: new OpenRows(decisions ?? 0), closings: new OpenRows(closings ?? 0) };
}

async function snapshotOf(connection: PostgresConnection): Promise<Snapshot> {
  const [row] = await connection.query({ text: SELECT_SNAPSHOT });
  return { xmin: BigInt(String(row?.['xmin'])), xmax: BigInt(String(row?.['xmax'])) };
}

async function write(connection: PostgresConnection, text: string, rows: readonly object[]): Promise<void> {
  if (rows.length > 0) await connection.query({ text, values: [JSON.stringify(rows)] });
}

/** One statement changes a row once: of each key the newest, of those of one moment the last. */
function newestOf(entries: readonly EntryRow[]): readonly EntryRow[] {
  const newest = new Map<string, EntryRow>();
  for (const entry of entries) {
    const key = JSON.stringify([entry.identity, entry.cluster, entry.podUid]);
    const known = newest.get(key);
    if (known === undefined || Number(entry.issuedMs) >= Number(known.issuedMs)) newest.set(key, entry);
  }
  return [...newest.values()];
}

function closingOf(row: Row): ReturnType<typeof closingFrom> {
  return closingFrom(CLOSING_FIELDS.map((field) => row[field]) as unknown as ClosingValues);
}
