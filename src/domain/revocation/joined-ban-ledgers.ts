// Two memories of a CA's bans, as a restore brings them together: what either has is banned.
import { withRoom, type BanLedger } from './ban-ledger.ts';

/**
 * @param own of the store. @param other of a backup of it; what waits there for a second person has lapsed.
 * @returns the bans of both, so also one that was lifted after the backup: nobody is let in by a restore. Or why they are too many.
 */
export function joinedBanLedgers(own: BanLedger, other: BanLedger): BanLedger | { readonly problem: string } {
  const known = new Set(own.bans.map(({ id }) => id));
  const bans = [...own.bans, ...other.bans.filter(({ id }) => !known.has(id))].toSorted(
    (one, two) => one.timeMs - two.timeMs,
  );
  if (bans.length === known.size) return { ...own, bans };
  // It was this late, at least, when the newest of them came.
  const kept = withRoom(bans, bans.at(-1)?.timeMs ?? 0);
  if (kept === undefined) return { problem: `with the backup's there were ${bans.length} bans` };
  return { ...own, bans: kept };
}
