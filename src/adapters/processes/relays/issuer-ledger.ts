// The file of the ledger of issuers, which the supervisor keeps for its workers.
import type { Json, Link } from '../link.ts';

const READ_TOPIC = 'issuer-ledger/read';
const REPLACE_TOPIC = 'issuer-ledger/replace';

interface Waits {
  readonly signal: AbortSignal;
}

/** @typeParam Kept what the file holds: data all through. */
interface KeptFile<Kept> {
  readonly place: string;
  read(options: Waits): Promise<Kept>;
  replace(next: Kept, options: Waits): Promise<boolean>;
}

/** At the supervisor's end. */
export function serveIssuerLedger<Kept>(link: Link, file: KeptFile<Kept>): void {
  link.serve(READ_TOPIC, async (_body, options) => (await file.read(options)) as unknown as Json);
  link.serve(REPLACE_TOPIC, async (body, options) => file.replace(body as unknown as Kept, options));
}

/** At a worker's end. */
export function relayedIssuerLedger<Kept>(link: Link, place: string): KeptFile<Kept> {
  return {
    place,
    read: async (options) => (await link.ask(READ_TOPIC, null, options)) as unknown as Kept,
    replace: async (next, options) => (await link.ask(REPLACE_TOPIC, next as unknown as Json, options)) === true,
  };
}
