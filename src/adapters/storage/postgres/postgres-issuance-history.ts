// What was issued before, out of the journal in a PostgreSQL, by every server that writes there: asked only for what
// memory does not know. Each question is one prepared statement and one descent in an index.
import type { CurrentCertificate } from '../../../domain/policy/request.ts';
import type { CurrentCertificates } from '../../../ports/storage/current-certificates.ts';
import type { LeafNames, LeafRecord, LeafRecords } from '../../../ports/storage/issuance-history.ts';
import type { FormerIssuer, FormerIssuers } from '../../../ports/storage/issuer-records.ts';
import { currentCertificateFrom, formerIssuerFrom, leafRecordFrom, type Row } from '../records.ts';
import type { Statement, Value } from './connection/postgres-connection.ts';
import type { PostgresPool } from './connection/postgres-pool.ts';
import {
  SELECT_CURRENT,
  SELECT_CURRENT_OF_OWN_CLUSTER,
  SELECT_ISSUERS,
  SELECT_LEAF,
} from './reading/history-statements.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export class PostgresIssuanceHistory implements CurrentCertificates, LeafRecords, FormerIssuers {
  readonly #pool: PostgresPool;

  /** @param parts.pool whoever made it closes it. */
  constructor({ pool }: { readonly pool: PostgresPool }) {
    this.#pool = pool;
  }

  async currentCertificateOf(identity: string, nowMs: number, options: Waits): Promise<CurrentCertificate | undefined> {
    const [newest] = await this.#ask(SELECT_CURRENT, [identity, nowMs], options);
    const [row] =
      newest === undefined || newest['remoteCluster'] === null
        ? [newest]
        : await this.#ask(SELECT_CURRENT_OF_OWN_CLUSTER, [identity, nowMs], options);
    return row === undefined ? undefined : currentCertificateFrom(row);
  }

  async recordOf({ identity, notAfterMs, serial }: LeafNames, options: Waits): Promise<LeafRecord | undefined> {
    const [row] = await this.#ask(SELECT_LEAF, [identity, notAfterMs, serial], options);
    return row === undefined ? undefined : leafRecordFrom(row);
  }

  async issuersAt(nowMs: number, options: Waits): Promise<readonly FormerIssuer[]> {
    return (await this.#ask(SELECT_ISSUERS, [nowMs], options)).map(formerIssuerFrom);
  }

  async #ask(statement: Statement, values: readonly Value[], options: Waits): Promise<readonly Row[]> {
    return this.#pool.use(async (connection) => connection.query({ ...statement, values }), options);
  }
}
