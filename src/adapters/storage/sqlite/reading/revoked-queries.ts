// Certificates that bans hit, in one journal. An identity's are found by its index; of what has none, all that may live is
// looked through.
import type { DatabaseSync } from 'node:sqlite';
import type { Ban } from '../../../../domain/revocation/ban.ts';
import type { RevokedCertificate } from '../../../../domain/revocation/revoked-certificate.ts';
import type { RecordedLeaf } from '../../../../domain/revocation/revoked-leaves.ts';
import type { LeafWindow } from '../../../../ports/storage/revoked-leaves.ts';
import type { Row } from '../../records.ts';
import {
  LEAF_COLUMNS,
  MAX_CANDIDATES,
  namesOfBans,
  recordedLeafFrom,
  revokedFrom,
} from '../../readings/revoked-leaf-records.ts';
import { ATTESTED_SINCE_VERSION } from '../file/closing-schema.ts';
import { namespaceOf } from './issuer-counting.ts';

const FIELDS = Object.entries(LEAF_COLUMNS).map(([field, column]) => `${column} AS ${field}`);
/** Our own certificates, which nobody asked for, are no workload's. */
const LEAVES = `SELECT ${FIELDS.join(', ')} FROM decisions
  WHERE not_after_ms > ? AND outcome = 'issued' AND authentication_method IS NOT NULL`;
const AMONG = 'IN (SELECT value FROM json_each(?))';
const BY_IDENTITY = `${LEAVES} AND coalesce(identity, caller) ${AMONG} ORDER BY not_after_ms DESC LIMIT ${MAX_CANDIDATES}`;
const BY_PLACE = `${LEAVES} AND time_ms >= ? AND (${namespaceOf('coalesce(identity, caller)')} ${AMONG} OR node_name ${AMONG})
  ORDER BY not_after_ms DESC LIMIT ${MAX_CANDIDATES}`;
const BY_SERIAL = `${LEAVES} AND time_ms >= ? AND serial = ? LIMIT 1`;

interface Journal {
  readonly database: DatabaseSync;
  readonly version: number;
}

/** None in a journal of before clusters were noted: its certificates are over. */
export function revokedIn(
  { database, version }: Journal,
  bans: readonly Ban[],
  { nowMs, sinceMs }: LeafWindow,
): readonly RevokedCertificate[] {
  if (version < ATTESTED_SINCE_VERSION) return [];
  const { identities, namespaces, nodes } = namesOfBans(bans);
  const rows: Row[] = [];
  if (identities.length > 0) {
    for (const row of database.prepare(BY_IDENTITY).iterate(nowMs, JSON.stringify(identities))) rows.push(row);
  }
  if (namespaces.length + nodes.length > 0) {
    const places = [JSON.stringify(namespaces), JSON.stringify(nodes)];
    for (const row of database.prepare(BY_PLACE).iterate(nowMs, sinceMs, ...places)) rows.push(row);
  }
  return revokedFrom(bans, rows).certificates;
}

export function leafIn(
  { database, version }: Journal,
  serial: string,
  { nowMs, sinceMs }: LeafWindow,
): RecordedLeaf | undefined {
  if (version < ATTESTED_SINCE_VERSION) return undefined;
  const row = database.prepare(BY_SERIAL).get(nowMs, sinceMs, serial);
  return row === undefined ? undefined : recordedLeafFrom(row);
}
