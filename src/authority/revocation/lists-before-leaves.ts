// Lists strictly before leaves: a verifier that looks for a list refuses the leaf of an issuer that it has none of. So an issuer that
// comes in force has its first list signed and handed out before it signs leaves; where that fails all lists are withdrawn first.
import { AuthorityError } from '../../domain/errors.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { Events } from '../../ports/platform/events.ts';
import type { CrlSigner } from './crl-signer.ts';
import type { CrlsInForce } from './crls-in-force.ts';
import { certificateOf, type SigningIssuer } from './known-signers.ts';

export interface ListsBeforeLeavesParts {
  /** Absent in a process that leaves signing to another one. */
  readonly signer: Pick<CrlSigner, 'signFirst' | 'announce'> | undefined;
  readonly inForce: Pick<CrlsInForce, 'expect' | 'lookSoon' | 'knows'>;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly events: Pick<Events, 'reloadFailed'>;
}

/** Other servers look every two seconds; the rest is for streams, and for proxies to take what they are sent. */
export const SETTLE_MS = 10_000;
/** Longest that another process is waited for, which finds the same files within half a minute. */
const OTHER_MS = 40_000;
const POLL_MS = 500;

/** Resolves when peers had time to take the list, or the withdrawal. Rejects with the signal's reason. */
export async function listBeforeLeaves(
  parts: ListsBeforeLeavesParts,
  next: SigningIssuer,
  options: { readonly signal: AbortSignal },
): Promise<void> {
  const { signer, inForce, clock, events } = parts;
  if (signer === undefined) {
    await listedByOther(parts, next, options);
    await clock.sleep(SETTLE_MS, options);
    return;
  }
  const takeBack = inForce.expect(certificateOf(next.issuer));
  try {
    await signer.signFirst(next, options).catch(async (error: unknown) => {
      options.signal.throwIfAborted();
      // A store that cannot be written says so by itself.
      await signer.announce(next, options).catch(() => undefined);
      const why = error instanceof AuthorityError ? error.message : 'unexpected failure';
      events.reloadFailed({
        source: 'crls',
        problem: `the first list of issuer ${next.issuer.id} cannot be signed: ${why}`,
      });
    });
    inForce.lookSoon();
    await clock.sleep(SETTLE_MS, options);
  } finally {
    takeBack();
  }
}

async function listedByOther(
  { inForce, clock }: Pick<ListsBeforeLeavesParts, 'inForce' | 'clock'>,
  { issuer }: SigningIssuer,
  options: { readonly signal: AbortSignal },
): Promise<void> {
  for (let waitedMs = 0; waitedMs < OTHER_MS && !inForce.knows(issuer.id); waitedMs += POLL_MS) {
    await clock.sleep(POLL_MS, options);
  }
}
