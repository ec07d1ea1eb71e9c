// What is asked of the journal's file about pods: what they were given, and which of them are closed. Synchronous, as the
// other questions are.
import type { StatementSync } from 'node:sqlite';
import type { ClosedPod, FollowedUntil } from '../../../../ports/storage/closing-journal.ts';
import type { PodIssuance, PodIssuances } from '../../../../ports/storage/pod-issuances.ts';
import { closedPodFrom, podIssuancesFrom } from '../../closing-records.ts';
import type { Row } from '../../records.ts';
import {
  ATTESTED_SINCE_VERSION,
  CLOSINGS_SINCE_VERSION,
  SELECT_CLOSED,
  SELECT_FOLLOWED,
  SELECT_ISSUED_BETWEEN,
  SELECT_ISSUED_TO,
  SELECT_PAGE_END,
} from '../file/closing-schema.ts';

type PodsOfIdentity = Parameters<PodIssuances['issuedTo']>[0];
type IssuedRange = Parameters<PodIssuances['issuedBetween']>[0];

/** Asks a prepared statement; nothing is found in a file whose schema is of before `since`. */
type Ask = (sql: string, since: number, ask: (statement: StatementSync) => readonly Row[]) => readonly Row[];

/** Decisions of one page, about. */
const PAGE = 1_000;
const FIRST_VERSION = 1;

/** Every method throws JournalProblem, naming the file. */
export class PodQueries {
  readonly #ask: Ask;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  issuedTo({ identity, remoteCluster, podUids }: PodsOfIdentity): readonly PodIssuance[] {
    const asked = new Set(podUids);
    const rows = this.#ask(SELECT_ISSUED_TO, ATTESTED_SINCE_VERSION, (statement) =>
      statement.all(identity, remoteCluster ?? null, JSON.stringify(podUids)),
    );
    return rows.flatMap(podIssuancesFrom).filter(({ podUid }) => asked.has(podUid));
  }

  /** @returns the moment before which a page of the decisions since `fromMs` ends; `toMs` where all are in it. */
  pageEnd({ fromMs, toMs }: IssuedRange): number {
    const [row] = this.#ask(SELECT_PAGE_END, FIRST_VERSION, (statement) => statement.all(fromMs, toMs, PAGE));
    // More than a page within one moment are one page.
    return row === undefined ? toMs : Math.max(Number(row['timeMs']), fromMs + 1);
  }

  issuedBetween({ fromMs, toMs, remoteCluster }: IssuedRange): readonly PodIssuance[] {
    return this.#ask(SELECT_ISSUED_BETWEEN, ATTESTED_SINCE_VERSION, (statement) =>
      statement.all(fromMs, toMs, remoteCluster ?? null),
    ).flatMap(podIssuancesFrom);
  }

  closedPods(podUids: readonly string[]): readonly ClosedPod[] {
    return this.#ask(SELECT_CLOSED, CLOSINGS_SINCE_VERSION, (statement) => statement.all(JSON.stringify(podUids))).map(
      closedPodFrom,
    );
  }

  followedUntil(remoteCluster: string | undefined): FollowedUntil | undefined {
    const [row] = this.#ask(SELECT_FOLLOWED, CLOSINGS_SINCE_VERSION, (statement) => statement.all(remoteCluster ?? ''));
    if (row === undefined) return undefined;
    return { ...(remoteCluster !== undefined && { remoteCluster }), untilMs: Number(row['untilMs']) };
  }
}
