// How bans stand in the journal of operations, and what they are called where an operator reads.
import { formatTime } from '../../domain/text/format-time.ts';
import { OWN_CLUSTER, type Ban, type BanTarget } from '../../domain/revocation/ban.ts';
import type { PendingBanAct } from '../../domain/revocation/ban-ledger.ts';
import type { Authorship } from '../../domain/trust/issuer-ledger.ts';
import type { OperationRecord } from '../../ports/storage/operation-journal.ts';

const REVOKE = 'revoke';
const LIFT = 'revoke lift';

export function banRecord({ id, target, untilMs }: Ban, by: Authorship, isNew: boolean): OperationRecord {
  const until = untilMs === undefined ? '' : ` until ${formatTime(untilMs)}`;
  const is = `revoked${until} as ${id}`;
  return recordOf(REVOKE, isNew ? 'free' : is, is, describeTarget(target), by);
}

export function liftRecord({ id, target }: Ban, by: Authorship): OperationRecord {
  return recordOf(LIFT, `revoked as ${id}`, 'free', describeTarget(target), by);
}

export function proposedBanRecord({ wanted, digest, timeMs, actor, role }: PendingBanAct): OperationRecord {
  const { reason } = wanted;
  const by = { timeMs, actor, role, reason };
  if (wanted.act === 'lift') return recordOf(LIFT, `revoked as ${wanted.id}`, `pending ${digest}`, wanted.id, by);
  return recordOf(REVOKE, 'free', `pending ${digest}`, describeTarget(wanted.target), by);
}

/** In words: `node worker-3`, `namespace payments of cluster east`. */
export function describeTarget(target: BanTarget): string {
  switch (target.kind) {
    case 'serial':
      return `certificate ${target.serial} of ${target.identity}`;
    case 'identity':
      return `identity ${target.identity}${clusterIn(target)}`;
    case 'namespace':
      return `namespace ${target.namespace}${clusterIn(target)}`;
    case 'node':
      return `node ${target.node}${target.cluster === OWN_CLUSTER ? '' : clusterIn(target)}`;
  }
}

function clusterIn({ cluster }: { readonly cluster?: string }): string {
  if (cluster === undefined) return '';
  return cluster === OWN_CLUSTER ? " of the server's own cluster" : ` of cluster ${cluster}`;
}

function recordOf(operation: string, was: string, is: string, target: string, by: Authorship): OperationRecord {
  const { timeMs, actor, role, reason, approvedBy } = by;
  const details = { actor, role, target, reason, ...(approvedBy !== undefined && { approvedBy }) };
  return { timeMs, operation, was, is, details };
}
