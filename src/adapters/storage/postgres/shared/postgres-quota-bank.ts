// Quotas over all replicas as rows, by the database's clock. What is asked for within one turn of the event loop, or while
// a question is under way, is one statement; the rows are locked in one order, so that replicas cannot block each other.
import { ROUNDING, roomAfterMs } from '../../../../domain/bounded/leaky-bucket.ts';
import type { Clock } from '../../../../ports/platform/clock.ts';
import type { Loan, QuotaBank } from '../../../../ports/storage/quota-bank.ts';
import type { FullBucket, QuotaBucket } from '../../../../ports/storage/quota-counters.ts';
import { GroupCommit } from '../../group-commit.ts';
import type { Row } from '../../records.ts';
import type { Database } from './database.ts';

interface Asked {
  readonly bucket: QuotaBucket;
  readonly most: number;
  answer?: Loan | FullBucket;
}

export interface PostgresQuotaBankParts {
  readonly database: Database;
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

const MINUTE_MS = 60_000;
/** How often each process looks for buckets that are empty again, and most of them that it removes at once. */
const SWEEP_EVERY_MS = MINUTE_MS;
const MAX_SWEPT = 10_000;

/** What is left of a level since it was written. A clock that was set back has leaked nothing. */
const leaked = (perMinute: string): string => `greatest(0, kept.level
  - greatest(0, extract(epoch FROM clock_timestamp() - kept.leaked_at))::float8 * ${perMinute} / 60)`;
const granted = (level: string): string =>
  `greatest(0, least(excluded.asked, floor(excluded.per_minute - ${level} + ${ROUNDING})))`;
const LEVEL = leaked('excluded.per_minute');

/** Parameter: JSON of what is asked for, each bucket once. */
const LEND = `INSERT INTO quota_buckets AS kept (central, key, per_minute, asked, lent, level, leaked_at)
  SELECT central, key, per_minute, asked, least(asked, floor(per_minute)), least(asked, floor(per_minute)), clock_timestamp()
  FROM jsonb_to_recordset($1::jsonb) AS want(central boolean, key text, per_minute float8, asked float8)
  ORDER BY central, key
  ON CONFLICT (central, key) DO UPDATE SET per_minute = excluded.per_minute, asked = excluded.asked,
    lent = ${granted(LEVEL)}, level = ${LEVEL} + ${granted(LEVEL)}, leaked_at = clock_timestamp()
  RETURNING central, key, per_minute, lent, level`;
/** Of no more use than a bucket that was never there. Parameter: how many at most. */
const SWEEP = `WITH idle AS MATERIALIZED (
    SELECT central, key FROM quota_buckets AS kept WHERE ${leaked('kept.per_minute')} = 0
    LIMIT $1 FOR UPDATE SKIP LOCKED
  ) DELETE FROM quota_buckets AS kept USING idle WHERE kept.central = idle.central AND kept.key = idle.key`;
/** A question is sent for many; the database's time limit bounds it. */
const NEVER = { signal: new AbortController().signal };

export class PostgresQuotaBank implements QuotaBank {
  readonly #parts: PostgresQuotaBankParts;
  readonly #questions: GroupCommit<Asked>;
  #sweptMs: number;

  constructor(parts: PostgresQuotaBankParts) {
    this.#parts = parts;
    this.#questions = new GroupCommit((batch) => this.#ask(batch));
    this.#sweptMs = parts.clock.monotonicMs();
  }

  async lend(
    bucket: QuotaBucket,
    most: number,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<Loan | FullBucket> {
    const asked: Asked = { bucket, most };
    await this.#questions.add(asked, signal);
    return asked.answer ?? { granted: 0 };
  }

  async #ask(batch: readonly Asked[]): Promise<void> {
    const byBucket = Map.groupBy(batch, ({ bucket: { central, key } }) => rowKey(central, key));
    const rows = await this.#parts.database.commit(LEND, [JSON.stringify([...byBucket.values()].flatMap(want))], NEVER);
    for (const row of rows) share(byBucket.get(rowKey(row['central'] === true, String(row['key']))) ?? [], row);
    this.#sweepWhenDue();
  }

  /** What cannot be swept now is swept later; a row too many only takes room. */
  #sweepWhenDue(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    if (nowMs - this.#sweptMs < SWEEP_EVERY_MS) return;
    this.#sweptMs = nowMs;
    this.#parts.database.commit(SWEEP, [MAX_SWEPT], NEVER).catch(() => undefined);
  }
}

const rowKey = (central: boolean, key: string): string => `${central} ${key}`;

/** Those who ask for one bucket ask as one; the number of the last is the newest. */
function want(same: readonly Asked[]): readonly unknown[] {
  const last = same.at(-1);
  if (last === undefined) return [];
  const { central, key, perMinute } = last.bucket;
  return [{ central, key, per_minute: perMinute, asked: same.reduce((sum, { most }) => sum + most, 0) }];
}

/** First come, first served. */
function share(same: readonly Asked[], row: Row): void {
  let left = Number(row['lent']);
  for (const asked of same) {
    const granted = Math.min(asked.most, left);
    left -= granted;
    asked.answer = granted === 0 ? full(asked.bucket, Number(row['level'])) : { granted };
  }
}

function full({ key, perMinute }: QuotaBucket, level: number): FullBucket {
  return { key, roomAfterMs: roomAfterMs(level, perMinute) };
}
