// What has been done to the database, one step per schema version; a step that was released is never edited. A step may
// only add: servers of the version before work with the database meanwhile (docs/decisions/0050).
import { INDEX_ENDED_BY_NODE, INDEX_POD_UIDS } from '../../inventory/entry-statements.ts';
import { CHAINS } from './chains.ts';
import { CLOSINGS } from './closings.ts';
import { DECISIONS, ISSUERS, OPERATIONS } from './decisions.ts';
import { EVIDENCE } from './evidence.ts';
import { INVENTORY, INVENTORY_REPORTED, SERIALS_OF_THE_ENDED } from './inventory.ts';
import {
  ANCHOR_LEDGERS,
  BAN_LEDGERS,
  CRLS,
  ISSUER_LEDGERS,
  LEASES,
  LEDGER_DIGESTS,
  POLICY_BUNDLE_STATES,
  QUOTA_BUCKETS,
} from './shared.ts';

export const MIGRATIONS: readonly string[] = [
  `${DECISIONS}${ISSUERS}${OPERATIONS}${LEASES}${POLICY_BUNDLE_STATES}${QUOTA_BUCKETS}`,
  'ALTER TABLE decisions ADD COLUMN attestation text, ADD COLUMN remote_cluster text',
  CLOSINGS,
  `ALTER TABLE operations ADD COLUMN details text; ${ISSUER_LEDGERS}`,
  CRLS,
  ANCHOR_LEDGERS,
  EVIDENCE,
  BAN_LEDGERS,
  'ALTER TABLE decisions ADD COLUMN cluster text',
  LEDGER_DIGESTS,
  CHAINS,
  INVENTORY,
  INVENTORY_REPORTED,
  SERIALS_OF_THE_ENDED,
  INDEX_POD_UIDS,
  INDEX_ENDED_BY_NODE,
];

/** The schema version that brought chains. */
export const CHAINS_SINCE_VERSION = 11;

/** The oldest version whose servers can use a database of MIGRATIONS.length; as of SQLite's journal. */
export const USABLE_FROM = 1;
