// What is around every page: where one can go, who is signed in.
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { SessionAnswer } from '../ask.ts';
import { pageAt, pagesFor, type Page } from '../pages/pages.tsx';
import { useAddress } from '../route.ts';
import { Name } from './values.tsx';

interface Props {
  readonly session: SessionAnswer;
  readonly onSignOut: () => void;
}

export function Frame({ session, onSignOut }: Props) {
  const address = useAddress();
  const pages = pagesFor(session);
  const page = pageAt(address.path, pages);
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  // With the page itself, not a moment after it is seen.
  useLayoutEffect(() => {
    document.title = `${page?.title ?? 'No such page'} – Capstan`;
    // Who hears the page is told that it is another one.
    if (!first.current) main.current?.focus();
    first.current = false;
  }, [page]);
  // The address stays: what stands after its `#` is a link that works once.
  const skip = (event: MouseEvent): void => {
    event.preventDefault();
    main.current?.focus();
  };
  const View = page?.view;
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        Skip to the page
      </a>
      <header>
        <a class="brand" href="/">
          Capstan
        </a>
        <nav aria-label="Pages">
          <ul>
            {pages
              .filter(({ under }) => under === undefined)
              .map(({ path, title }) => (
                <li key={path}>
                  <a href={path} aria-current={currentAs(path, page)}>
                    {title}
                  </a>
                </li>
              ))}
          </ul>
        </nav>
        <p class="who">
          <Name of={session.called} /> <span class="role">{roleOf(session)}</span>
          <button type="button" onClick={onSignOut}>
            Sign out
          </button>
        </p>
      </header>
      <main id="main" tabIndex={-1} ref={main}>
        <h1>{page?.title ?? 'No such page'}</h1>
        {View === undefined ? <p>There is nothing at this address.</p> : <View address={address} />}
      </main>
    </>
  );
}

/** A page under another one is within its section. */
function currentAs(path: string, page: Page | undefined): 'page' | 'true' | undefined {
  if (path === page?.path) return 'page';
  return page !== undefined && path === page.under ? 'true' : undefined;
}

function roleOf({ role, namespaces }: SessionAnswer): string {
  return namespaces === undefined ? role : `${role} of ${namespaces.join(', ')}`;
}
