// One question to the CA above an issuer: it has an end, and whatever goes wrong, or is more than was asked for, is one sentence.
import { AuthorityError } from '../../../domain/errors.ts';
import { formatDuration } from '../../../domain/text/duration.ts';
import { formatTime } from '../../../domain/text/format-time.ts';
import type { IntermediateRequest, IntermediateUpstream } from '../../../ports/issuing/intermediate-upstream.ts';
import type { IssuerPair } from '../../../ports/issuing/issuer-generations.ts';
import type { Clock } from '../../../ports/platform/clock.ts';

/** A CA that has a person look at each request is no upstream. */
export const ANSWER_WITHIN_MS = 30_000;
/** Chains of a real PKI have a few certificates of some 2 KiB. */
const MAX_ANSWER = 256 * 1024;
/** Times what was asked for: a CA rounds up, and its clock may be ahead. */
const LONGER = 1.1;

/** @throws AuthorityError CAP-S16; the signal's reason. */
export async function askUpstream(
  upstream: IntermediateUpstream,
  request: IntermediateRequest,
  clock: Pick<Clock, 'after'>,
  { signal }: { readonly signal: AbortSignal },
): Promise<string> {
  const late = new AbortController();
  const takeBack = clock.after(ANSWER_WITHIN_MS, () => late.abort());
  // One that does not heed its signal is not waited for either.
  const over = new Promise<never>((_, reject) => {
    const end = AbortSignal.any([signal, late.signal]);
    end.addEventListener('abort', () => reject(end.reason as Error), { once: true });
  });
  over.catch(() => undefined);
  try {
    const chainPem = await Promise.race([
      upstream.sign(request, { signal: AbortSignal.any([signal, late.signal]) }),
      over,
    ]);
    if (chainPem.length <= MAX_ANSWER) return chainPem;
    throw new AuthorityError('CAP-S16', { detail: `${upstream.place} sent more than ${MAX_ANSWER} characters` });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof AuthorityError) throw error;
    const what = late.signal.aborted ? `did not answer within ${ANSWER_WITHIN_MS / 1_000} s` : 'failed unexpectedly';
    throw new AuthorityError('CAP-S16', { detail: `${upstream.place} ${what}`, cause: error });
  } finally {
    takeBack();
  }
}

/**
 * Whoever has its key can sign for so long, and the next one is asked for so late.
 * @param asked.place of the CA; `name` of the issuer.
 * @returns the warning of a certificate that lives longer than was asked for.
 */
export function longerThanAsked(
  { id, notAfterMs }: Pick<IssuerPair, 'id' | 'notAfterMs'>,
  asked: { readonly name: string; readonly place: string; readonly lifetimeMs: number; readonly prepareAt: number },
  nowMs: number,
): string | undefined {
  const { name, place, lifetimeMs, prepareAt } = asked;
  if (notAfterMs <= nowMs + LONGER * lifetimeMs) return undefined;
  return (
    `issuer ${name}: certificate ${id} ends at ${formatTime(notAfterMs)}, and ${place} was asked for ` +
    `${formatDuration(lifetimeMs)}: the next one is asked for when ${Math.round(prepareAt * 100)} % of that life are over`
  );
}
