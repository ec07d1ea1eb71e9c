// What the files here ask of the connections: a statement each, in a transaction of its own.
import type { Row } from '../../records.ts';

export type Ask = (
  text: string,
  values: readonly (string | number | boolean | null)[],
  options: { readonly signal: AbortSignal },
) => Promise<readonly Row[]>;

/** Both throw AuthorityError CAP-S04 when it cannot be asked, or nobody knows what came of it; the signal's reason. */
export interface Database {
  readonly query: Ask;
  /** For what changes something: durable when it resolves, on every synchronous standby too. */
  readonly commit: Ask;
}
