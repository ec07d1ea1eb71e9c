// Who is signed in decides what is shown: the pages, or how to sign in.
import { useCallback, useEffect, useState } from 'preact/hooks';
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
    void useLink().then(look);
    const signedOut = (): void => void look('Your session is over.');
    addEventListener('signed-out', signedOut);
    return () => removeEventListener('signed-out', signedOut);
  }, [look]);
  if (known.kind === 'asking') return <p class="waiting">Asking the server…</p>;
  if (known.kind === 'out') return <SignIn ways={known.ways} problem={known.problem} />;
  const signOut = async (): Promise<void> => {
    await tell('/logout', {}).catch(() => undefined);
    await look('You are signed out.');
  };
  return <Frame session={known.session} onSignOut={() => void signOut()} />;
}

/** What stands after the `#` of a link that works once. @returns why it does not. */
async function useLink(): Promise<string | undefined> {
  const secret = location.hash.slice(1);
  if (secret === '') return undefined;
  history.replaceState(null, '', location.pathname + location.search);
  return tell('/login/link', { secret }).then(
    () => undefined,
    (cause: unknown) => (cause instanceof Refused ? `${cause.message}.` : 'The server does not answer.'),
  );
}
