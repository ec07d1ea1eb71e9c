// What proxies acknowledged goes into the shared store, by whichever server they came to.
import type { EvidenceNotes, EvidenceRecords } from '../../../../ports/storage/evidence.ts';
import { PROXY_COLUMNS, proxyValues } from '../../readings/evidence-records.ts';
import type { Database } from './database.ts';

const COLUMNS = Object.values(PROXY_COLUMNS);
const TYPES = ['text', 'text', 'text', 'text', 'text', 'bigint', 'bigint', 'text', 'bigint', 'text', 'bigint'];
const NOTED = COLUMNS.map((_, index) => `(note ->> ${index})::${TYPES[index]}`);
/**
 * Parameters: bundles as JSON arrays of digest and anchors, notes as JSON arrays in the order of `PROXY_COLUMNS`, in the order of
 * their keys, so that two servers do not wait for each other's rows.
 */
const RECORD = `WITH kept AS (
    INSERT INTO bundles (digest, anchors) SELECT bundle ->> 0, bundle ->> 1
    FROM json_array_elements($1::json) AS bundle ON CONFLICT DO NOTHING
  ) INSERT INTO proxies AS known (${COLUMNS.join(', ')})
  SELECT ${NOTED.join(', ')} FROM json_array_elements($2::json) AS note
  ON CONFLICT (identity, remote_cluster, pod_uid, proxy) DO UPDATE SET bundle = excluded.bundle,
    time_ms = excluded.time_ms, seen_ms = excluded.seen_ms, rejection = excluded.rejection,
    rejected_ms = excluded.rejected_ms, leaf_anchor = coalesce(excluded.leaf_anchor, known.leaf_anchor),
    leaf_end_ms = coalesce(excluded.leaf_end_ms, known.leaf_end_ms)
  WHERE excluded.seen_ms >= known.seen_ms`;

export class PostgresEvidenceRecords implements EvidenceRecords {
  readonly #database: Database;

  constructor({ database }: { readonly database: Database }) {
    this.#database = database;
  }

  async recordEvidence({ bundles, proxies }: EvidenceNotes, options: { readonly signal: AbortSignal }): Promise<void> {
    options.signal.throwIfAborted();
    const known = bundles.map(({ digest, anchors }) => [digest, JSON.stringify(anchors)]);
    const notes = proxies.map(proxyValues).toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    await this.#database.commit(RECORD, [storable(known), storable(notes)], options);
  }
}

function keyOf(values: readonly unknown[]): string {
  return JSON.stringify(values.slice(0, 4));
}

/** No text of PostgreSQL holds U+0000 (postgresql.org/docs/current/datatype-json.html); node ids and rejections are what clients say. */
function storable(rows: readonly unknown[]): string {
  return JSON.stringify(rows, (_, value: unknown) =>
    typeof value === 'string' ? value.toWellFormed().replaceAll('\0', '\ufffd') : value,
  );
}
