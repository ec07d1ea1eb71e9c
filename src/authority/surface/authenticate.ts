// Who is asking: authenticators in their configured order. The first that finds its kind of credential decides,
// and a rejected credential never falls through to a weaker one. One that is sound but not enough by itself
// leaves the decision to the next: a caller who always shows an old certificate is not worse off with a good
// token than one who shows the token alone.
import { AuthorityError } from '../../domain/errors.ts';
import type { Caller } from '../../domain/identity/caller.ts';
import type { Reason } from '../../domain/reasons.ts';
import type { Authenticator, PresentedCredentials } from '../../ports/issuing/authenticator.ts';

/**
 * @throws AuthorityError `unauthenticated` (CAP-A01 when nothing was presented, otherwise the
 *   authenticator's own reason), or `dependency_unavailable` when an authenticator could not judge.
 */
export async function authenticate(
  authenticators: readonly Authenticator[],
  presented: PresentedCredentials,
  options: { readonly signal: AbortSignal },
): Promise<Caller> {
  let insufficient: AuthorityError | undefined;
  for (const authenticator of authenticators) {
    const result = await authenticator.authenticate(presented, options);
    if (result.outcome === 'authenticated') {
      presented.onAuthenticated?.(result.caller);
      return result.caller;
    }
    if (result.outcome === 'rejected') throw refusalOf(result);
    if (result.outcome === 'insufficient') insufficient ??= refusalOf(result);
  }
  throw insufficient ?? new AuthorityError('CAP-A01');
}

function refusalOf({ reason, detail }: { readonly reason: Reason; readonly detail?: string }): AuthorityError {
  return new AuthorityError(reason, detail === undefined ? {} : { detail });
}
