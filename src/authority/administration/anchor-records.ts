// The records of what becomes of a rotation of trust anchors.
import type { AnchorRotation, RotationMove } from '../../domain/trust/rotation/rotation.ts';
import type { OperationRecord } from '../../ports/storage/operation-journal.ts';

export function recordOfMove(act: string, rotation: AnchorRotation): OperationRecord {
  const { timeMs, actor, role, reason, approvedBy, from, to, overridden } = lastMove(rotation);
  const why = overridden === undefined ? reason : `${reason} (overriding: ${overridden})`;
  const target = targetOf(rotation);
  const details = { actor, role, target, reason: why, ...(approvedBy !== undefined && { approvedBy }) };
  return { timeMs, operation: `anchor ${act}`, was: from ?? '-', is: to, details };
}

export function targetOf({ id, added, old }: AnchorRotation): string {
  const names = (anchors: typeof added): string => anchors.map(({ sha256 }) => sha256.slice(0, 16)).join(', ');
  return `rotation ${id} from ${names(old)} to ${names(added)}`;
}

export function lastMove({ moves }: AnchorRotation): RotationMove {
  return moves.at(-1) ?? moves[0];
}
