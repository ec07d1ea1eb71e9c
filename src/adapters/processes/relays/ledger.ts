// The file of a ledger, which the supervisor keeps for its workers.
import type { Json, Link } from '../link.ts';

/** Of what waits for a disk. Whoever asks for an act waits longer (`app/operators-wait.ts`). */
const REPLACED_WITHIN_MS = 5_000;

interface Waits {
  readonly signal: AbortSignal;
}

/** @typeParam Head @typeParam Kept what the file holds: data all through. */
interface KeptFile<Head, Kept extends Head> {
  readonly place: string;
  head(options: Waits): Promise<Head>;
  read(options: Waits): Promise<Kept>;
  replace(next: Kept, options: Waits): Promise<boolean>;
}

/** At the supervisor's end. @param kind tells ledgers apart. */
export function serveLedger<Head, Kept extends Head>(link: Link, kind: string, file: KeptFile<Head, Kept>): void {
  const { head, read, replace } = topicsOf(kind);
  link.serve(head, async (_body, options) => (await file.head(options)) as unknown as Json);
  link.serve(read, async (_body, options) => (await file.read(options)) as unknown as Json);
  link.serve(replace, async (body, options) => file.replace(body as unknown as Kept, options));
}

/** At a worker's end. */
export function relayedLedger<Head, Kept extends Head>(link: Link, kind: string, place: string): KeptFile<Head, Kept> {
  const { head, read, replace } = topicsOf(kind);
  return {
    place,
    head: async (options) => (await link.ask(head, null, options)) as unknown as Head,
    read: async (options) => (await link.ask(read, null, options)) as unknown as Kept,
    replace: async (next, { signal }) => {
      const options = { signal, withinMs: REPLACED_WITHIN_MS, changes: true };
      return (await link.ask(replace, next as unknown as Json, options)) === true;
    },
  };
}

function topicsOf(kind: string) {
  return { head: `${kind}/head`, read: `${kind}/read`, replace: `${kind}/replace` };
}
