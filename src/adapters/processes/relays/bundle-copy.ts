// The copy of a fetched policy bundle, which the supervisor writes for its workers: each of them fetches, and only one
// process writes the file.
import type { Json, Link } from '../link.ts';

const KEEP_TOPIC = 'bundle-copy/keep';

/** A bundle that was accepted, and what it was read from. */
export interface CopiedBundle {
  readonly name: string;
  readonly sequence: number;
  readonly bundle: string;
  readonly signature?: string;
}

/** Durable when it resolves; an older bundle than the one that is kept changes nothing. */
export type KeepBundle = (copied: CopiedBundle, options: { readonly signal: AbortSignal }) => Promise<void>;

/** At the supervisor's end. */
export function serveBundleCopy(link: Link, keep: KeepBundle): void {
  link.serve(KEEP_TOPIC, async (body, options) => {
    await keep(body as unknown as CopiedBundle, options);
    return null;
  });
}

/** At a worker's end. */
export function relayedBundleCopy(link: Link): KeepBundle {
  return async ({ name, sequence, bundle, signature }, options) => {
    const copied: CopiedBundle = { name, sequence, bundle, ...(signature !== undefined && { signature }) };
    await link.ask(KEEP_TOPIC, copied as unknown as Json, options);
  };
}
