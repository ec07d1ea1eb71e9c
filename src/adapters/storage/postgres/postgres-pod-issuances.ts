// What was issued to pods and which of them are closed, out of the journal in a PostgreSQL.
import type { ClosedPod, FollowedUntil } from '../../../ports/storage/closing-journal.ts';
import type { PodIssuance, PodIssuances } from '../../../ports/storage/pod-issuances.ts';
import { closedPodFrom, podIssuancesFrom } from '../closing-records.ts';
import type { Row } from '../records.ts';
import type { Statement, Value } from './connection/postgres-connection.ts';
import type { PostgresPool } from './connection/postgres-pool.ts';
import {
  SELECT_CLOSED,
  SELECT_FOLLOWED,
  SELECT_ISSUED_BETWEEN,
  SELECT_ISSUED_TO,
  SELECT_PAGE_END,
} from './reading/closing-statements.ts';

interface Waits {
  readonly signal: AbortSignal;
}

/** Decisions of one page, about. */
const PAGE = 1_000;

export class PostgresPodIssuances implements PodIssuances {
  readonly #pool: PostgresPool;

  /** @param parts.pool whoever made it closes it. */
  constructor({ pool }: { readonly pool: PostgresPool }) {
    this.#pool = pool;
  }

  async issuedTo(
    { identity, remoteCluster, podUids }: Parameters<PodIssuances['issuedTo']>[0],
    options: Waits,
  ): Promise<readonly PodIssuance[]> {
    const asked = new Set(podUids);
    const values = [identity, remoteCluster ?? null, JSON.stringify(podUids)];
    const rows = await this.#ask(SELECT_ISSUED_TO, values, options);
    return rows.flatMap(podIssuancesFrom).filter(({ podUid }) => asked.has(podUid));
  }

  async issuedBetween(
    { fromMs, toMs, remoteCluster }: Parameters<PodIssuances['issuedBetween']>[0],
    options: Waits,
  ): ReturnType<PodIssuances['issuedBetween']> {
    const [beyond] = await this.#ask(SELECT_PAGE_END, [fromMs, toMs, PAGE], options);
    // More than a page within one moment are one page.
    const untilMs = beyond === undefined ? toMs : Math.max(Number(beyond['timeMs']), fromMs + 1);
    const rows = await this.#ask(SELECT_ISSUED_BETWEEN, [fromMs, untilMs, remoteCluster ?? null], options);
    return { issuances: rows.flatMap(podIssuancesFrom), untilMs };
  }

  async closedPods(podUids: readonly string[], options: Waits): Promise<readonly ClosedPod[]> {
    return (await this.#ask(SELECT_CLOSED, [JSON.stringify(podUids)], options)).map(closedPodFrom);
  }

  async followedUntil(remoteCluster: string | undefined, options: Waits): Promise<FollowedUntil | undefined> {
    const [row] = await this.#ask(SELECT_FOLLOWED, [remoteCluster ?? ''], options);
    if (row === undefined) return undefined;
    return { ...(remoteCluster !== undefined && { remoteCluster }), untilMs: Number(row['untilMs']) };
  }

  async #ask(statement: Statement, values: readonly Value[], options: Waits): Promise<readonly Row[]> {
    return this.#pool.use(async (connection) => connection.query({ ...statement, values }), options);
  }
}
