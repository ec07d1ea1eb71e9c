// Who is signed in decides what is shown: the pages, or how to sign in.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { NotSignedIn } from '../../adapters/http/console/oidc/sign-in-by-oidc.ts';
import { ask, Refused, tell, type SessionAnswer } from '../ask.ts';
import { Frame } from './frame.tsx';
import { SignIn, type Way } from './sign-in.tsx';

type Known =
  | { readonly kind: 'asking' }
  | { readonly kind: 'in'; readonly session: SessionAnswer }
  | { readonly kind: 'out'; readonly ways: readonly Way[]; readonly problem?: string }
  | { readonly kind: 'unknown' };

/** The tabs of one browser, which have one session: each tells the others who is signed in after it looked by itself. */
const TABS = 'capstan-tabs';

export function Console() {
  const [known, setKnown] = useState<Known>({ kind: 'asking' });
  const who = useRef<string | undefined>(undefined);
  const tabs = useRef<BroadcastChannel>(undefined);
  const look = useCallback(async (problem?: string): Promise<void> => {
    const found = await lookNow(problem);
    who.current = whoIn(found);
    setKnown(found);
  }, []);
  const lookForAll = useCallback(
    async (problem?: string): Promise<void> => {
      await look(problem);
      if (who.current !== undefined) tabs.current?.postMessage(who.current);
    },
    [look],
  );
  useEffect(() => {
    const channel = new BroadcastChannel(TABS);
    tabs.current = channel;
    void whyNot().then(lookForAll);
    const signedOut = (): void => void look('Your session is over.');
    // Somebody signed out or in elsewhere: what stands here is of who is not signed in any more.
    channel.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (data !== who.current) signedOut();
    };
    // A link that works once, put into a tab that is here already, loads nothing.
    const led = (): void => void (location.hash !== '' && whyNot().then(lookForAll));
    addEventListener('signed-out', signedOut);
    addEventListener('hashchange', led);
    return () => {
      channel.close();
      removeEventListener('signed-out', signedOut);
      removeEventListener('hashchange', led);
    };
  }, [look, lookForAll]);
  if (known.kind === 'asking') return <p class="waiting">Asking the server…</p>;
  if (known.kind === 'unknown')
    return <SignIn ways={[]} problem="The server does not answer." onSignIn={(why) => void lookForAll(why)} />;
  if (known.kind === 'out')
    return <SignIn ways={known.ways} problem={known.problem} onSignIn={(why) => void lookForAll(why)} />;
  const signOut = async (): Promise<void> => {
    await tell('/logout', {}).catch(() => undefined);
    await lookForAll('You are signed out.');
  };
  // Another person's pages begin anew: no answer of before is shown to who is signed in now.
  return <Frame key={whoIn(known)} session={known.session} onSignOut={() => void signOut()} />;
}

async function lookNow(problem?: string): Promise<Known> {
  try {
    return { kind: 'in', session: await ask<SessionAnswer>('/api/session', { byItself: false }) };
  } catch (cause) {
    if (!(cause instanceof Refused) || cause.status !== 401) return { kind: 'unknown' };
    const { ways = [] } = (cause as { body?: { ways?: readonly Way[] } }).body ?? {};
    return { kind: 'out', ways, ...(problem !== undefined && { problem }) };
  }
}

/** @returns the same for the same person with the same sight, empty for nobody; nothing where the server did not say. */
function whoIn(known: Known): string | undefined {
  if (known.kind === 'out') return '';
  if (known.kind !== 'in') return undefined;
  const { actor, role, namespaces } = known.session;
  return JSON.stringify([actor, role, namespaces]);
}

const WHY_NOT: Readonly<Record<NotSignedIn, string>> = {
  'provider-away': 'The provider at which people sign in does not answer. Sessions that are open go on.',
  'not-begun': 'This sign-in was not begun in this browser, or too long ago, or is over already.',
  denied: 'The provider did not let you in, or you did not go on there.',
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
