// Which trust bundle the proxies of an entry have, as far as they said.
import type { AcknowledgedBundle } from '../../../domain/inventory/entry.ts';
import type { ProxyNote } from '../../../ports/storage/evidence.ts';

/** @returns the newest that one of them acknowledged; nothing where none did. */
export function acknowledgedIn(notes: readonly ProxyNote[]): AcknowledgedBundle | undefined {
  const [newest] = notes
    .flatMap(({ bundle, timeMs }) => (bundle === undefined ? [] : [{ digest: bundle, timeMs }]))
    .toSorted((a, b) => b.timeMs - a.timeMs);
  return newest;
}
