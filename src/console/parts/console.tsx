// Who is signed in decides what is shown: the pages, or how to sign in.
import { useCallback, useEffect, useState } from 'preact/hooks';
import type { NotSignedIn } from '../../adapters/http/console/oidc/sign-in-by-oidc.ts';
import { ask, Refused, tell, type SessionAnswer } from '../ask.ts';
import { Frame } from './frame.tsx';
import { SignIn, type Way } from './sign-in.tsx';

type Known =
  | { readonly kind: 'asking' }
  | { readonly kind: 'in'; readonly session: SessionAnswer }
  | { readonly kind: 'out'; readonly ways: readonly Way[]; readonly problem?: string };

export function Console() {
  const [known, setKnown] = useState<Known>({ kind: 'asking' });
  const look = useCallback(async (problem?: string): Promise<void> => {
    try {
      setKnown({ kind: 'in', session: await ask<SessionAnswer>('/api/session', { byItself: false }) });
    } catch (cause) {
      const { ways = [] } = (cause as { body?: { ways?: readonly Way[] } }).body ?? {};
      const said = cause instanceof Refused && cause.status === 401 ? problem : 'The server does not answer.';
      setKnown({ kind: 'out', ways, ...(said !== undefined && { problem: said }) });
    }
  }, []);
  useEffect(() => {
    void whyNot().then(look);
    const signedOut = (): void => void look('Your session is over.');
    // A link that works once, put into a tab that is here already, loads nothing.
    const led = (): void => void (location.hash !== '' && whyNot().then(look));
    addEventListener('signed-out', signedOut);
    addEventListener('hashchange', led);
    return () => {
      removeEventListener('signed-out', signedOut);
      removeEventListener('hashchange', led);
    };
  }, [look]);
  if (known.kind === 'asking') return <p class="waiting">Asking the server…</p>;
  if (known.kind === 'out')
    return <SignIn ways={known.ways} problem={known.problem} onSignIn={(why) => void look(why)} />;
  const signOut = async (): Promise<void> => {
    await tell('/logout', {}).catch(() => undefined);
    await look('You are signed out.');
  };
  return <Frame session={known.session} onSignOut={() => void signOut()} />;
}

const WHY_NOT: Readonly<Record<NotSignedIn, string>> = {
  'provider-away': 'The provider at which people sign in does not answer. Sessions that are open go on.',
  'not-begun': 'This sign-in was not begun in this browser, or too long ago, or is over already.',
  'bad-answer': 'The answer of the provider cannot be taken; the log of the server says why.',
  'no-role': 'You have no role here: nothing that the provider says of you gives one.',
};

const NOT_SIGNED_IN = 'not-signed-in';

/**
 * Uses what stands after the `#` of a link that works once.
 * @returns why somebody who came back from a provider, or by such a link, is not signed in.
 */
async function whyNot(): Promise<string | undefined> {
  const { pathname, searchParams, hash } = new URL(location.href);
  const why = searchParams.get(NOT_SIGNED_IN);
  if (why === null && hash === '') return undefined;
  searchParams.delete(NOT_SIGNED_IN);
  const query = searchParams.size === 0 ? '' : `?${searchParams.toString()}`;
  history.replaceState(null, '', pathname + query);
  if (hash === '') return (WHY_NOT as Readonly<Record<string, string>>)[why ?? ''];
  return tell('/login/link', { secret: hash.slice(1) }).then(
    () => undefined,
    (cause: unknown) => (cause instanceof Refused ? `${cause.message}.` : 'The server does not answer.'),
  );
}
