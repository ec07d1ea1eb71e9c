// The chains of the journal in PostgreSQL: names and columns are those of the embedded journal.
import { INDEX_CHAINS, TABLES } from '../../chain-records.ts';

const LINKED = Object.values(TABLES).map(
  (table) =>
    `ALTER TABLE ${table} ADD COLUMN chain text, ADD COLUMN chain_sequence bigint, ADD COLUMN chain_digest text;`,
);

/** No server goes on with the chains of another, nor with those of its last start. */
export const CHAINS = `
  ${LINKED.join('\n  ')}
  CREATE TABLE chains (
    chain text PRIMARY KEY, kind text NOT NULL, opened_ms bigint NOT NULL, opening text NOT NULL,
    removed_sequence bigint NOT NULL, removed_digest text NOT NULL, removed_ms bigint
  );
  ${INDEX_CHAINS}
  CREATE TABLE audit_heads (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, time_ms bigint NOT NULL, digest text NOT NULL, head text NOT NULL
  );`;
