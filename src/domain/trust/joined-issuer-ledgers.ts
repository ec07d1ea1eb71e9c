// Two memories of one CA, as a restore brings them together: what either knows is known, and what either withdrew stays so.
import { canonicalJson } from '../text/canonical-json.ts';
import type { IssuerLedger, IssuerMove } from './issuer-ledger.ts';

/**
 * @param own of the store. @param other of a backup of it; what waits there for a second person has lapsed.
 * @returns all moves of both in the order of their times, but nothing that was tainted or retired in either is any less so, and
 *   a suspension ends by nothing but a move out of it. The store's own ledger where it lacks nothing.
 */
export function joinedIssuerLedgers(own: IssuerLedger, other: IssuerLedger): IssuerLedger {
  const known = new Set(own.moves.map(canonicalJson));
  const lacking = other.moves.filter((move) => !known.has(canonicalJson(move)));
  if (lacking.length === 0) return own;
  const inTime = [...own.moves, ...lacking].toSorted((one, two) => one.timeMs - two.timeMs);
  const ranks = new Map(inTime.map((move, at) => [move, rankOf(move, inTime.slice(at + 1))]));
  const moves = inTime.toSorted((one, two) => (ranks.get(one) ?? 0) - (ranks.get(two) ?? 0));
  return { ...own, moves };
}

/** What decides comes last: a clock that was set back, or a server that ran without its ledger, would else put it before what it ended. */
function rankOf({ id, to }: IssuerMove, later: readonly IssuerMove[]): number {
  if (to === 'retired') return 3;
  if (to === 'tainted') return 2;
  if (to !== 'suspended') return 0;
  return later.some((move) => move.id === id && move.from === 'suspended') ? 0 : 1;
}
