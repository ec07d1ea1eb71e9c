// Certificates that bans hit, in the journal in a PostgreSQL. An identity's are found by its index; of what has none, all that
// may live is looked through.
import type { Ban } from '../../../domain/revocation/ban.ts';
import type { RecordedLeaf } from '../../../domain/revocation/revoked-leaves.ts';
import type { LeafWindow, RevokedLeaves, RevokedLeavesFound } from '../../../ports/storage/revoked-leaves.ts';
import type { Row } from '../records.ts';
import {
  LEAF_COLUMNS,
  MAX_CANDIDATES,
  namesOfBans,
  recordedLeafFrom,
  revokedFrom,
} from '../readings/revoked-leaf-records.ts';
import type { Database } from './shared/database.ts';

interface Waits {
  readonly signal: AbortSignal;
}

const FIELDS = Object.entries({ ...LEAF_COLUMNS, identity: 'subject' }).map(
  ([field, column]) => `${column} AS "${field}"`,
);
/** Our own certificates, which nobody asked for, are no workload's. */
const LEAVES = `SELECT ${FIELDS.join(', ')} FROM decisions
  WHERE not_after_ms > $1 AND outcome = 'issued' AND authentication_method IS NOT NULL`;
const BY_IDENTITY = `${LEAVES} AND subject ${among(2)} ORDER BY not_after_ms DESC LIMIT ${MAX_CANDIDATES}`;
const BY_PLACE = `${LEAVES} AND time_ms >= $2
  AND (substring(subject FROM '^spiffe://[^/]+/ns/([^/]+)/') ${among(3)} OR node_name ${among(4)})
  ORDER BY not_after_ms DESC LIMIT ${MAX_CANDIDATES}`;
const BY_SERIAL = `${LEAVES} AND time_ms >= $2 AND serial = $3 LIMIT 1`;

/** @param parameter JSON. */
function among(parameter: number): string {
  return `IN (SELECT jsonb_array_elements_text($${parameter}::jsonb))`;
}

export class PostgresRevokedLeaves implements RevokedLeaves {
  readonly #database: Pick<Database, 'query'>;

  constructor({ database }: { readonly database: Pick<Database, 'query'> }) {
    this.#database = database;
  }

  async revokedBy(bans: readonly Ban[], { nowMs, sinceMs }: LeafWindow, options: Waits): Promise<RevokedLeavesFound> {
    const { identities, namespaces, nodes } = namesOfBans(bans);
    const rows: Row[] = [];
    if (identities.length > 0) {
      const found = await this.#ask(BY_IDENTITY, [nowMs, JSON.stringify(identities)], options);
      for (const row of found) rows.push(row);
    }
    if (namespaces.length + nodes.length > 0) {
      const values = [nowMs, sinceMs, JSON.stringify(namespaces), JSON.stringify(nodes)];
      for (const row of await this.#ask(BY_PLACE, values, options)) rows.push(row);
    }
    return revokedFrom(bans, rows);
  }

  async leafOf(serial: string, { nowMs, sinceMs }: LeafWindow, options: Waits): Promise<RecordedLeaf | undefined> {
    const [row] = await this.#ask(BY_SERIAL, [nowMs, sinceMs, serial], options);
    return row === undefined ? undefined : recordedLeafFrom(row);
  }

  async #ask(text: string, values: readonly (string | number)[], options: Waits): Promise<readonly Row[]> {
    options.signal.throwIfAborted();
    return this.#database.query(text, values, options);
  }
}
