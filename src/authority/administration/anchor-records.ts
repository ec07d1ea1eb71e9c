// The records of what becomes of a rotation of trust anchors.
import { formatTime } from '../../domain/text/format-time.ts';
import type { Authorship } from '../../domain/trust/issuer-ledger.ts';
import type { AnchorRotation, BridgeAct, RotationMove } from '../../domain/trust/rotation/rotation.ts';
import type { OperationRecord } from '../../ports/storage/operation-journal.ts';

/** Of what was overridden, in the ledger and in the journal. */
export const MAX_OVERRIDDEN = 2_000;

export function recordOfMove(act: string, rotation: AnchorRotation): OperationRecord {
  const { timeMs, actor, role, reason, approvedBy, from, to, overridden } = lastMove(rotation);
  const why = overridden === undefined ? reason : `${reason} (overriding: ${overridden})`;
  const target = targetOf(rotation);
  const details = { actor, role, target, reason: why, ...(approvedBy !== undefined && { approvedBy }) };
  return { timeMs, operation: `anchor ${act}`, was: from ?? '-', is: to, details };
}

/** Of a bridge that is given or taken, which leaves the phase as it is. */
export function recordOfBridge(
  act: BridgeAct,
  before: AnchorRotation,
  after: AnchorRotation,
  by: Authorship,
  against: readonly string[],
): OperationRecord {
  const { timeMs, actor, role, approvedBy } = by;
  const overriding = against.join('; ').slice(0, MAX_OVERRIDDEN);
  const reason = against.length === 0 ? by.reason : `${by.reason} (overriding: ${overriding})`;
  const name = ({ bridge }: AnchorRotation): string =>
    bridge === undefined ? '-' : `${bridge.sha256.slice(0, 16)} until ${formatTime(bridge.notAfterMs)}`;
  const details = { actor, role, target: targetOf(after), reason, ...(approvedBy !== undefined && { approvedBy }) };
  return { timeMs, operation: `anchor ${act}`, was: name(before), is: name(after), details };
}

export function targetOf({ id, added, old }: AnchorRotation): string {
  const names = (anchors: typeof added): string => anchors.map(({ sha256 }) => sha256.slice(0, 16)).join(', ');
  return `rotation ${id} from ${names(old)} to ${names(added)}`;
}

export function lastMove({ moves }: AnchorRotation): RotationMove {
  return moves.at(-1) ?? moves[0];
}
