// Which page the address names. What is chosen on a page, a filter or an issuer, stands in the address too, so that it can be sent
// to somebody.
import { useEffect, useState } from 'preact/hooks';

export interface Address {
  readonly path: string;
  readonly query: URLSearchParams;
}

export function useAddress(): Address {
  const [href, setHref] = useState(location.href);
  useEffect(() => {
    const moved = (): void => setHref(location.href);
    addEventListener('popstate', moved);
    document.addEventListener('click', followed);
    return () => {
      removeEventListener('popstate', moved);
      document.removeEventListener('click', followed);
    };
  }, []);
  const { pathname, searchParams } = new URL(href);
  return { path: pathname, query: searchParams };
}

export function goTo(target: string): void {
  history.pushState(null, '', target);
  dispatchEvent(new PopStateEvent('popstate'));
}

/** Where a page shows what is chosen. @param changes an empty text takes the choice back. */
export function withChoice({ path, query }: Address, changes: Readonly<Record<string, string>>): string {
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === '') next.delete(name);
    else next.set(name, value);
  }
  const text = next.toString();
  return text === '' ? path : `${path}?${text}`;
}

/** A plain click on a link to a page of ours needs no loading. */
function followed(event: MouseEvent): void {
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (link === null || !plain || event.defaultPrevented || link.origin !== location.origin || link.target !== '')
    return;
  if (link.hash !== '' || link.pathname.startsWith('/login/')) return;
  event.preventDefault();
  goTo(link.pathname + link.search);
}
