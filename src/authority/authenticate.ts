// Who is asking: authenticators in their configured order. The first that finds its kind of
// credential decides; a rejected credential never falls through to a weaker one.
import { AuthorityError } from '../domain/errors.ts';
import type { Caller } from '../domain/identity/caller.ts';
import type { Authenticator, PresentedCredentials } from '../ports/authenticator.ts';

/**
 * @throws AuthorityError `unauthenticated` (CAP-A01 when nothing was presented, otherwise the
 *   authenticator's own reason), or `dependency_unavailable` when an authenticator could not judge.
 */
export async function authenticate(
  authenticators: readonly Authenticator[],
  presented: PresentedCredentials,
  options: { readonly signal: AbortSignal },
): Promise<Caller> {
  for (const authenticator of authenticators) {
    const result = await authenticator.authenticate(presented, options);
    if (result.outcome === 'proven') return result.caller;
    if (result.outcome === 'rejected') {
      throw new AuthorityError(result.reason, result.detail === undefined ? {} : { detail: result.detail });
    }
  }
  throw new AuthorityError('CAP-A01');
}
