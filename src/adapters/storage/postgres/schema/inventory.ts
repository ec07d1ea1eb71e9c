// The tables of the inventory in PostgreSQL. What they have in common with those of SQLite is written once; whoever changes it, or what
// is put into them, adds a step that drops them and makes them anew: all that is in them is read out of the journal again.
import { entryTables, reportedTable } from '../../inventory/entry-statements.ts';

const TYPES = {
  id: 'bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY',
  // Compared byte by byte, as SQLite does: pages are in the same order everywhere.
  text: 'text COLLATE "C"',
  number: 'bigint',
  options: '',
  keyed: '',
};
const ENTRIES = entryTables(TYPES);

/**
 * How far the journal is read: all up to these rows is in, of what is behind them some. `turn` rises with each commit, so that whoever
 * follows notices when another did meanwhile, and when a commit of its own was lost.
 */
export const INVENTORY = `${ENTRIES}
  CREATE TABLE inventory_progress (
    one boolean PRIMARY KEY DEFAULT true CHECK (one), turn bigint NOT NULL DEFAULT 0, decisions bigint NOT NULL DEFAULT 0,
    closings bigint NOT NULL DEFAULT 0, as_of_ms bigint, reported_ms bigint
  );`;

/** Servers of the version before keep a moment instead, in `reported_ms`. */
export const INVENTORY_REPORTED = reportedTable(TYPES);

/** That of INVENTORY where it was made before 14: of what lives the serials are looked up among the certificates. */
export const SERIALS_OF_THE_ENDED = `DROP INDEX inventory_by_serial;
  CREATE INDEX inventory_by_serial ON inventory_entries (serial) WHERE ended_ms IS NOT NULL;`;
