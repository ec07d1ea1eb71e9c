// What the journal in a PostgreSQL counts of issuers, and how far its chains go, over all servers that write there.
import type { ChainState, ChainStates, StoredPoint } from '../../../ports/audit/chain-reader.ts';
import type {
  IssuerFigures,
  IssuerStatistics,
  LiveLeaves,
  StatisticsWindow,
} from '../../../ports/storage/issuer-statistics.ts';
import { figuresFrom, liveLeavesFrom, MAX_COUNTED } from '../readings/issuer-counts.ts';
import type { Row } from '../records.ts';
import { chainsAmong, pointOf } from './reading/chain-questions.ts';
import type { Database } from './shared/database.ts';

interface Waits {
  readonly signal: AbortSignal;
}

const LIVE = `SELECT count(*) AS count, max(not_after_ms) AS "latestEndMs" FROM decisions
  WHERE time_ms >= $1 AND issuer = $2 AND not_after_ms > $3`;
const OLDEST_COUNTED = `SELECT time_ms AS "timeMs" FROM decisions WHERE time_ms >= $1
  ORDER BY time_ms DESC LIMIT 1 OFFSET ${MAX_COUNTED}`;
/** spiffe://<trust domain>/ns/<namespace>/sa/<service account>; null for any other name. */
const NAMESPACES = `SELECT substring(subject FROM '^spiffe://[^/]+/ns/([^/]+)/') AS namespace, count(*) AS issued,
    count(*) FILTER (WHERE not_after_ms > $1) AS live, max(not_after_ms) FILTER (WHERE not_after_ms > $1) AS "latestEndMs"
  FROM decisions WHERE time_ms >= $2 AND outcome = 'issued' AND issuer_name = $3 GROUP BY 1`;
const REVISIONS = `SELECT policy_revision AS revision, count(*) FILTER (WHERE outcome = 'issued') AS issued,
    coalesce(sum(coalesce(count, 1)) FILTER (WHERE outcome = 'refused'), 0) AS refused, max(time_ms) AS "latestMs"
  FROM decisions WHERE time_ms >= $1 AND (issuer_name = $2
    OR (outcome = 'refused' AND policy IS NOT NULL AND policy::json ->> 'issuer' = $2)) GROUP BY 1`;

export class PostgresIssuerStatistics implements IssuerStatistics, ChainStates {
  readonly #database: Pick<Database, 'query'>;

  constructor({ database }: { readonly database: Pick<Database, 'query'> }) {
    this.#database = database;
  }

  async liveLeavesOf(id: string, { nowMs, sinceMs }: StatisticsWindow, options: Waits): Promise<LiveLeaves> {
    return liveLeavesFrom(await this.#ask(LIVE, [sinceMs, id, nowMs], options));
  }

  async chains(options: Waits): Promise<readonly ChainState[]> {
    return chainsAmong(async (text, values) => this.#ask(text, values, options));
  }

  async pointOf(chain: string, sequence: number, options: Waits): Promise<StoredPoint | undefined> {
    return pointOf(async (text, values) => this.#ask(text, values, options), chain, sequence);
  }

  async figuresOf(name: string, window: StatisticsWindow, options: Waits): Promise<IssuerFigures> {
    const [oldest] = await this.#ask(OLDEST_COUNTED, [window.sinceMs], options);
    const sinceMs = Math.max(window.sinceMs, Number(oldest?.['timeMs'] ?? 0));
    const namespaces = await this.#ask(NAMESPACES, [window.nowMs, sinceMs, name], options);
    const revisions = await this.#ask(REVISIONS, [sinceMs, name], options);
    return figuresFrom([{ sinceMs, namespaces, revisions }]);
  }

  async #ask(text: string, values: readonly (string | number)[], options: Waits): Promise<readonly Row[]> {
    options.signal.throwIfAborted();
    return this.#database.query(text, values, options);
  }
}
