// The act that an operator approves, in a ledger that others change too: it is done once, and who comes second hears how things
// stand since.
import { AuthorityError } from '../../domain/errors.ts';
import type { HasPending, PendingActs } from '../../domain/administration/pending-acts.ts';
import type { FollowedLedger } from './followed-ledger.ts';

export interface WaitingActs<A extends object, L> {
  readonly waiting: Pick<PendingActs<A>, 'find' | 'settled'>;
  readonly ledger: Pick<FollowedLedger<L>, 'current' | 'look'>;
  /** How what the acts are about stands now, in words. */
  readonly standing: (ledger: L) => string;
}

/**
 * @returns the act of that digest. Another server may have it wait since a moment ago, so that one is looked for once.
 * @throws AuthorityError CAP-O02 when nothing waits as that; CAP-S04 before the ledger is known.
 */
export async function demandWaiting<A extends object, L extends HasPending<A>>(
  { waiting, ledger, standing }: WaitingActs<A, L>,
  digest: string,
  nowMs: number,
  options: { readonly signal: AbortSignal },
) {
  const known = waiting.find(ledger.current(), digest, nowMs);
  if (known !== undefined) return known;
  await ledger.look(options);
  const found = waiting.find(ledger.current(), digest, nowMs);
  if (found === undefined) throw nothingWaits(digest, standing(ledger.current()));
  return found;
}

/** @returns the ledger where the act waits no more. @throws AuthorityError CAP-O02 when somebody was faster, or its hour is over. */
export function settledIn<A extends object, L extends HasPending<A>>(
  { waiting, standing }: Pick<WaitingActs<A, L>, 'waiting' | 'standing'>,
  known: L,
  digest: string,
  nowMs: number,
): L {
  if (waiting.find(known, digest, nowMs) === undefined) throw nothingWaits(digest, standing(known));
  return waiting.settled(known, digest, nowMs);
}

function nothingWaits(digest: string, standing: string): AuthorityError {
  const why = 'it is done, has lapsed, or nobody asked for it';
  return new AuthorityError('CAP-O02', { detail: `no act is pending as ${digest}: ${why}; ${standing}` });
}
