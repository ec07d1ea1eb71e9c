// Which of several hosts that take writes is the primary: one that was promoted is on a newer timeline than the primary it
// took over from (postgresql.org/docs/current/continuous-archiving.html, 26.3.6), also when that comes back unfenced.
import type { Clock } from '../../../../ports/platform/clock.ts';
import { PostgresConnection } from './postgres-connection.ts';
import type { PostgresProblem } from './postgres-problem.ts';

/** What the other hosts are waited for once one takes writes: those that are silent must not hold a commit up. */
const MOMENT_MS = 300;
/** The name of a WAL file begins with the timeline in eight hexadecimal digits. */
const SELECT_TIMELINE = 'SELECT substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) AS timeline';

/**
 * @param first that takes writes, in the order in which hosts count.
 * @param results of all hosts, in that order.
 * @returns it, or another that takes writes and is on a newer timeline.
 */
export async function onNewestTimeline(
  clock: Pick<Clock, 'after'>,
  first: PostgresConnection,
  results: readonly Promise<PostgresConnection | PostgresProblem>[],
): Promise<PostgresConnection> {
  const writable = await answeredSoon(clock, results);
  if (writable.length < 2) return first;
  const timelines = await Promise.all(writable.map(timelineOf));
  const newest = writable[timelines.indexOf(Math.max(...timelines))];
  return newest?.usable === true ? newest : first;
}

async function answeredSoon(
  clock: Pick<Clock, 'after'>,
  results: readonly Promise<PostgresConnection | PostgresProblem>[],
): Promise<readonly PostgresConnection[]> {
  const found: (PostgresConnection | PostgresProblem | undefined)[] = results.map(() => undefined);
  const all = Promise.all(results.map(async (result, index) => (found[index] = await result)));
  const moment = Promise.withResolvers<undefined>();
  const cancel = clock.after(MOMENT_MS, () => moment.resolve(undefined));
  await Promise.race([all, moment.promise]);
  cancel();
  return found.filter((one) => one instanceof PostgresConnection);
}

/** @returns 0 where it cannot be asked: then the order of the hosts counts. */
async function timelineOf(connection: PostgresConnection): Promise<number> {
  return connection.query({ text: SELECT_TIMELINE }, MOMENT_MS).then(
    ([row]) => Number.parseInt(String(row?.['timeline']), 16) || 0,
    () => 0,
  );
}
