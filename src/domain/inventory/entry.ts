// One line of the inventory: a workload that has a certificate, or had one. Whoever has several is there with the newest.
import type { IssuanceClass } from '../policy/request.ts';
import { excusedMs, type ExcusedTime } from '../trust/interruption.ts';

/**
 * An identity in one pod; holders without a pod that share an identity are one, for nobody can tell them apart. What a node proxy
 * holds for pods of its node is an entry of each of those pods, as far as they are known.
 */
export interface InventoryKey {
  /** SPIFFE ID; of the server's own certificates the first DNS name. */
  readonly identity: string;
  /** Id of the cluster that it runs in. */
  readonly cluster: string;
  readonly podUid?: string;
}

export interface InventoryEntry extends InventoryKey {
  readonly class: IssuanceClass;
  /** Absent of what is named otherwise than Istio names workloads. */
  readonly namespace?: string;
  readonly podName?: string;
  readonly nodeName?: string;
  /** SPIFFE ID of the node proxy that holds the certificate. */
  readonly relay?: string;
  /** `csr`, `sds` and so on, as in the journal. */
  readonly api: string;
  readonly authenticationMethod?: string;
  /** The decision that issued the certificate, and the one that it goes back to; as in the journal. */
  readonly decisionId: string;
  readonly proofId?: string;
  /** Lower-case hex. */
  readonly serial: string;
  /** Issuer id, and its name. */
  readonly issuer: string;
  readonly issuerName?: string;
  /** Hex SHA-256. */
  readonly trustAnchor?: string;
  readonly policyRevision?: string;
  /** Digest of the trust bundle that came with the certificate; absent where answers bring none. */
  readonly bundle?: string;
  /** All moments in ms since the epoch. */
  readonly issuedMs: number;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** When the next certificate is expected, and from when on it is late if it could come all the while: see trust/renewal.ts. */
  readonly renewalMs: number;
  readonly overdueMs: number;
  /** The newest trust bundle that one of its proxies has acknowledged over SDS. */
  readonly acknowledged?: AcknowledgedBundle;
  readonly end?: InventoryEnd;
}

export interface AcknowledgedBundle {
  readonly digest: string;
  readonly timeMs: number;
}

export interface InventoryEnd {
  /** That of a closing, or `EXPIRED`. */
  readonly reason: string;
  readonly atMs: number;
}

/** Nobody renewed it, and nobody saw its holder go. */
export const EXPIRED = 'expired';

/** `ended` has no certificate that is of use; `revoked` has one that lives, and is banned. */
export const INVENTORY_STATES = ['live', 'renewing', 'overdue', 'ended', 'revoked'] as const;
export type InventoryState = (typeof INVENTORY_STATES)[number];

/**
 * @param moment.isRevoked whether a ban hits its certificate.
 * @param moment.excused time in which who had to renew could not.
 */
export function stateOf(
  entry: StatedEntry,
  { nowMs, isRevoked, excused }: { readonly nowMs: number; readonly isRevoked: boolean } & Excused,
): InventoryState {
  const { end, notAfterMs, renewalMs } = entry;
  if (end !== undefined || notAfterMs <= nowMs) return 'ended';
  if (isRevoked) return 'revoked';
  if (isOverdue(entry, { nowMs, excused })) return 'overdue';
  return renewalMs <= nowMs ? 'renewing' : 'live';
}

type LatenessFacts = Pick<InventoryEntry, 'renewalMs' | 'overdueMs' | 'issuerName' | 'cluster' | 'podUid'>;
type StatedEntry = LatenessFacts & Pick<InventoryEntry, 'end' | 'notAfterMs'>;
interface Excused {
  readonly excused: readonly ExcusedTime[];
}

function isOverdue(entry: LatenessFacts, { nowMs, excused }: { readonly nowMs: number } & Excused): boolean {
  return entry.overdueMs + excusedMs(excused, entry, entry.renewalMs) <= nowMs;
}
