// One question to the CA above an issuer: it has an end, and whatever goes wrong is one sentence.
import { AuthorityError } from '../../../domain/errors.ts';
import type { IntermediateRequest, IntermediateUpstream } from '../../../ports/issuing/intermediate-upstream.ts';
import type { Clock } from '../../../ports/platform/clock.ts';

/** A CA that has a person look at each request is no upstream. */
export const ANSWER_WITHIN_MS = 30_000;
/** Chains of a real PKI have a few certificates of some 2 KiB. */
const MAX_ANSWER = 256 * 1024;

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
