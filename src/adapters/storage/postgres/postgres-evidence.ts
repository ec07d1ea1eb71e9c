// Evidence of trust in a PostgreSQL, of every server that writes there. A reading takes one connection of its own for the seconds
// that it lasts, in one snapshot, and closes it: what requests ask waits for none of it. It imports much because all kinds of records meet here.
import { AuthorityError } from '../../../domain/errors.ts';
import type { WorkloadEvidence } from '../../../domain/trust/rotation/evidence.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { EvidenceReader } from '../../../ports/storage/evidence.ts';
import { closedPodFrom } from '../closing-records.ts';
import {
  bundlesFrom,
  notEnded,
  podUidsOf,
  proxyFrom,
  workloadsFrom,
  type Bundles,
} from '../readings/evidence-records.ts';
import type { Row } from '../records.ts';
import type { PostgresConnection } from './connection/postgres-connection.ts';
import { PostgresPool } from './connection/postgres-pool.ts';
import { PostgresProblem } from './connection/postgres-problem.ts';
import type { PostgresSettings } from './connection/settings.ts';
import { SELECT_CLOSED } from './reading/closing-statements.ts';
import { SELECT_BUNDLES, SELECT_LAST_ISSUED, SELECT_LIVE, SELECT_PROXIES_OF } from './reading/evidence-statements.ts';
import { inSnapshot, LONG_MS, snapshot } from './reading/snapshot.ts';

interface Waits {
  readonly signal: AbortSignal;
}

/** Rows that are fetched at once: taken in within some milliseconds. */
const PAGE = 500;

export class PostgresEvidence implements EvidenceReader {
  readonly #parts: { readonly clock: Pick<Clock, 'after' | 'monotonicMs'> };
  readonly #settings: PostgresSettings;

  constructor(parts: { readonly clock: Pick<Clock, 'after' | 'monotonicMs'> }, settings: PostgresSettings) {
    this.#parts = parts;
    this.#settings = { ...settings, maxConnections: 1 };
  }

  async *liveWorkloads(
    { nowMs }: { readonly nowMs: number },
    options: Waits,
  ): AsyncGenerator<WorkloadEvidence, void, undefined> {
    options.signal.throwIfAborted();
    try {
      await using pool = new PostgresPool(this.#parts, this.#settings);
      await using borrowed = await snapshot(pool, options);
      const { connection } = borrowed;
      const bundles = bundlesFrom(await connection.query({ text: SELECT_BUNDLES }));
      await connection.query({ text: `DECLARE live NO SCROLL CURSOR FOR ${SELECT_LIVE}`, values: [nowMs] }, LONG_MS);
      for await (const groups of wholeSubjects(connection, options)) {
        yield* await workloadsOf(connection, groups, bundles);
      }
    } catch (cause) {
      throw readingProblem(cause, options);
    }
  }

  async lastIssuedMs({ beforeMs }: { readonly beforeMs: number }, options: Waits): Promise<number | undefined> {
    options.signal.throwIfAborted();
    try {
      await using pool = new PostgresPool(this.#parts, this.#settings);
      const [row] = await inSnapshot(
        pool,
        async (connection) => connection.query({ text: SELECT_LAST_ISSUED, values: [beforeMs] }, LONG_MS),
        options,
      );
      return row === undefined ? undefined : Number(row['timeMs']);
    } catch (cause) {
      throw readingProblem(cause, options);
    }
  }
}

function readingProblem(cause: unknown, { signal }: Waits): unknown {
  if (signal.aborted) return signal.reason;
  return cause instanceof PostgresProblem ? new AuthorityError('CAP-S04', { cause }) : cause;
}

/** Pages with all rows of each subject in them: those of one subject come one after another. */
async function* wholeSubjects(
  connection: PostgresConnection,
  { signal }: Waits,
): AsyncGenerator<readonly Row[], void, undefined> {
  let held: Row[] = [];
  for (let fetched = PAGE; fetched === PAGE;) {
    signal.throwIfAborted();
    const rows = await connection.query({ text: `FETCH ${PAGE} FROM live` }, LONG_MS);
    fetched = rows.length;
    const last = rows.at(-1)?.['subject'];
    const ready = rows.filter(({ subject }) => subject !== last);
    if (ready.length > 0) {
      yield [...held, ...ready];
      held = [];
    }
    held.push(...rows.filter(({ subject }) => subject === last));
  }
  if (held.length > 0) yield held;
}

async function workloadsOf(
  connection: PostgresConnection,
  groups: readonly Row[],
  bundles: Bundles,
): Promise<readonly WorkloadEvidence[]> {
  const bySubject = Map.groupBy(groups, ({ subject }) => String(subject));
  const asked = JSON.stringify([...bySubject.keys()]);
  const rows = await connection.query({ text: SELECT_PROXIES_OF, values: [asked] });
  const proxies = Map.groupBy(rows.map(proxyFrom), ({ identity }) => identity);
  const found = [...bySubject].flatMap(([subject, those]) => workloadsFrom(those, proxies.get(subject) ?? [], bundles));
  const workloads: WorkloadEvidence[] = [];
  for (let first = 0; first < found.length; first += PAGE) {
    const some = found.slice(first, first + PAGE);
    const closed = await connection.query({ ...SELECT_CLOSED, values: [JSON.stringify(podUidsOf(some))] });
    workloads.push(...notEnded(some, closed.map(closedPodFrom)));
  }
  return workloads;
}
