// What is asked of the journal about certificates that bans hit, whichever database it is: rows that may be hit are found by
// names, and the domain says which of them are.
import type { Ban } from '../../../domain/revocation/ban.ts';
import type { RevokedCertificate } from '../../../domain/revocation/revoked-certificate.ts';
import { revocationsBy, type RecordedLeaf } from '../../../domain/revocation/revoked-leaves.ts';
import { MAX_REVOKED, type RevokedLeavesFound } from '../../../ports/storage/revoked-leaves.ts';
import type { Row } from '../records.ts';

/** Rows that are looked through for one question, those that end last first. */
export const MAX_CANDIDATES = MAX_REVOKED + 1;

/** Fields of a row, with the columns that have them. A record of before proofs were noted is its own proof. */
export const LEAF_COLUMNS = {
  timeMs: 'time_ms',
  identity: 'coalesce(identity, caller)',
  serial: 'serial',
  issuer: 'issuer',
  notAfterMs: 'not_after_ms',
  proofId: 'coalesce(proof_id, decision_id)',
  nodeName: 'node_name',
  remoteCluster: 'remote_cluster',
} as const satisfies Record<keyof RecordedLeaf, string>;

/** By what rows are looked for, each list as JSON. */
export interface NamesOfBans {
  /** SPIFFE IDs, those of revoked certificates too. */
  readonly identities: readonly string[];
  readonly namespaces: readonly string[];
  readonly nodes: readonly string[];
}

export function namesOfBans(bans: readonly Ban[]): NamesOfBans {
  const targets = bans.map(({ target }) => target);
  return {
    identities: unique(targets.flatMap((one) => ('identity' in one ? [one.identity] : []))),
    namespaces: unique(targets.flatMap((one) => (one.kind === 'namespace' ? [one.namespace] : []))),
    nodes: unique(targets.flatMap((one) => (one.kind === 'node' ? [one.node] : []))),
  };
}

/** @param row fields of `LEAF_COLUMNS`. */
export function recordedLeafFrom(row: Row): RecordedLeaf {
  const { nodeName, remoteCluster } = row;
  return {
    timeMs: Number(row['timeMs']),
    identity: String(row['identity']),
    serial: String(row['serial']),
    issuer: String(row['issuer']),
    notAfterMs: Number(row['notAfterMs']),
    proofId: String(row['proofId']),
    ...(typeof nodeName === 'string' && { nodeName }),
    ...(typeof remoteCluster === 'string' && { remoteCluster }),
  };
}

/** @param rows of every question, which may have found the same. */
export function revokedFrom(bans: readonly Ban[], rows: Iterable<Row>): RevokedLeavesFound {
  const revocationOf = revocationsBy(bans);
  const found = new Map<string, RevokedCertificate>();
  for (const row of rows) {
    const revoked = revocationOf(recordedLeafFrom(row));
    if (revoked !== undefined) found.set(`${revoked.issuer} ${revoked.serial}`, revoked);
  }
  return boundedRevoked([...found.values()]);
}

/** Those that end last first, and no more than are named. */
export function boundedRevoked(found: readonly RevokedCertificate[]): RevokedLeavesFound {
  const certificates = found.toSorted((a, b) => b.notAfterMs - a.notAfterMs).slice(0, MAX_REVOKED);
  return { certificates, count: Math.min(found.length, MAX_REVOKED + 1) };
}

function unique(values: readonly string[]): readonly string[] {
  return [...new Set(values)];
}
