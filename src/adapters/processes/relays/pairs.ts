// The pairs of issuers whose keys end with the server: the supervisor has them for its workers, so that a worker that ends takes none
// with it. What crosses are chains and the names of keys.
import { AuthorityError } from '../../../domain/errors.ts';
import { Listeners } from '../../../live/listeners.ts';
import type { Json, Link } from '../link.ts';

const READ_TOPIC = 'pairs/read';
const WAITING_TOPIC = 'pairs/waiting';
const REPLACE_TOPIC = 'pairs/replace';
/** Told to each worker after a change, with the issuer's name. */
const CHANGED_TOPIC = 'pairs/changed';

interface Waits {
  readonly signal: AbortSignal;
}

/** @typeParam Pairs of one issuer: data all through. */
interface PairsPlace<Pairs> {
  read(issuer: string, options: Waits): Promise<Pairs>;
  withWaiting(issuer: string, options: Waits): Promise<Pairs>;
  replace(issuer: string, next: Pairs, options: Waits): Promise<boolean>;
  onChange(listener: (issuer: string) => void, options: Waits): void;
}

/** At the supervisor's end. @param closed aborts when the worker is gone. */
export function servePairs<Pairs>(link: Link, pairs: PairsPlace<Pairs>, closed: AbortSignal): void {
  const json = (found: Pairs): Json => found as unknown as Json;
  link.serve(READ_TOPIC, async (issuer, options) => json(await pairs.read(issuer as string, options)));
  link.serve(WAITING_TOPIC, async (issuer, options) => json(await pairs.withWaiting(issuer as string, options)));
  link.serve(REPLACE_TOPIC, async (body, options) => {
    const { issuer, next } = body as unknown as { readonly issuer: string; readonly next: Pairs };
    return pairs.replace(issuer, next, options);
  });
  pairs.onChange((issuer) => link.tell(CHANGED_TOPIC, issuer), { signal: closed });
}

/** At a worker's end. What the supervisor does not answer within the bound of the link is CAP-S15, and asked again by whoever needs it. */
export function relayedPairs<Pairs>(link: Link): PairsPlace<Pairs> {
  const listeners = new Listeners<[string]>();
  link.serve(CHANGED_TOPIC, (issuer) => {
    listeners.notify(issuer as string);
    return null;
  });
  const ask = async (topic: string, issuer: string, options: Waits): Promise<Pairs> =>
    (await keyAtHand(link.ask(topic, issuer, options))) as unknown as Pairs;
  return {
    read: async (issuer, options) => ask(READ_TOPIC, issuer, options),
    withWaiting: async (issuer, options) => ask(WAITING_TOPIC, issuer, options),
    replace: async (issuer, next, { signal }) => {
      const body = { issuer, next: next as unknown as Json };
      return (await link.ask(REPLACE_TOPIC, body, { signal, changes: true })) === true;
    },
    onChange: (listener, options) => listeners.add(listener, options),
  };
}

/** For whoever asks it is a key whose place does not answer. @throws AuthorityError CAP-S15 for CAP-S04. */
export async function keyAtHand<T>(answer: Promise<T>): Promise<T> {
  return answer.catch((error: unknown) => {
    if (!(error instanceof AuthorityError) || error.reason !== 'CAP-S04') throw error;
    throw new AuthorityError('CAP-S15', { detail: `its supervisor: ${error.detail ?? 'no answer'}`, cause: error });
  });
}
