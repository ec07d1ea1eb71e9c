// Two memories of a CA's bans, as a restore brings them together: what either has is banned.
import { isFull, type BanLedger } from './ban-ledger.ts';

/**
 * @param own of the store. @param other of a backup of it; what waits there for a second person has lapsed.
 * @returns the bans of both, so also one that was lifted after the backup: nobody is let in by a restore. Or why they are too many.
 */
export function joinedBanLedgers(own: BanLedger, other: BanLedger): BanLedger | { readonly problem: string } {
  const known = new Set(own.bans.map(({ id }) => id));
  const bans = [...own.bans, ...other.bans.filter(({ id }) => !known.has(id))].toSorted(
    (one, two) => one.timeMs - two.timeMs,
  );
  if (bans.length > known.size && isFull(bans)) return { problem: `with the backup's there were ${bans.length} bans` };
  return { ...own, bans };
}
