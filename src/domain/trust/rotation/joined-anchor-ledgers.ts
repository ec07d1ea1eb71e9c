// Two memories of one CA's trust anchors, as a restore brings them together: what either retired is out, unless a later rotation
// brought it back, and what either keeps is in.
import { MAX_KEPT, MAX_RETIRED, type AnchorLedger, type RetiredAnchor } from './anchor-ledger.ts';
import { shasOf, type AnchorName, type AnchorRotation } from './rotation.ts';

/**
 * @param own of the store. @param other of a backup of it; what waits there for a second person has lapsed.
 * @returns with the rotation that began later, or of the same one what is farther.
 */
export function joinedAnchorLedgers(own: AnchorLedger, other: AnchorLedger): AnchorLedger {
  const rotations = [own.rotation, other.rotation].filter((one) => one !== undefined);
  const isOut = (anchor: RetiredAnchor): boolean => !rotations.some((rotation) => cameBack(rotation, anchor));
  const retired = union(own.retired, other.retired).filter(isOut).slice(-MAX_RETIRED);
  const out = new Set(shasOf(retired));
  const kept = union(own.kept, other.kept)
    .filter(({ sha256 }) => !out.has(sha256))
    .slice(0, MAX_KEPT);
  const stays = new Set(shasOf(kept));
  const left = union(own.left, other.left).filter(({ sha256 }) => !stays.has(sha256));
  const rotation = further(own.rotation, other.rotation);
  return { kept, retired, left: left.slice(-MAX_RETIRED), pending: own.pending, ...(rotation && { rotation }) };
}

function cameBack({ added, moves: [first] }: AnchorRotation, { sha256, timeMs }: RetiredAnchor): boolean {
  return shasOf(added).includes(sha256) && first.timeMs > timeMs;
}

function further(own: AnchorRotation | undefined, other: AnchorRotation | undefined): AnchorRotation | undefined {
  if (own === undefined || other === undefined) return own ?? other;
  if (own.id !== other.id) return other.moves[0].timeMs > own.moves[0].timeMs ? other : own;
  const [one, lesser] = other.moves.length > own.moves.length ? [other, own] : [own, other];
  // One too many breaks nobody; one too few cuts off who needs it.
  const bridge = one.bridge ?? lesser.bridge;
  return { ...one, ...(bridge && { bridge }) };
}

function union<T extends AnchorName>(own: readonly T[], other: readonly T[]): readonly T[] {
  const known = new Set(shasOf(own));
  return [...own, ...other.filter(({ sha256 }) => !known.has(sha256))];
}
