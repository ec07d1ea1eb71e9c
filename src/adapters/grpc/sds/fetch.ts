// FetchSecrets: the secrets of one request, once, for tools and tests. Envoy does not use it. Here a
// name that cannot be served fails the call: there is no later in which it could be.
import { AuthorityError } from '../../../domain/errors.ts';
import { abortable } from '../../../live/abortable.ts';
import type { Watcher } from '../../../authority/surface/surface.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Events } from '../../../ports/platform/events.ts';
import { distinctNames, excessOf, secretKindOf, type SecretKind } from './session/resource-names.ts';
import type { BundleShape, SecretContent } from './secret-content.ts';
import { isProven, type FeedFollower, type SecretFeed, type SecretFeeds } from './secret-feeds.ts';
import { SECRET_TYPE_URL, type NamedSecret, replyVersion, type Reply } from './session/session.ts';
import type { SotwRequest } from './session/sotw-session.ts';

export interface FetchParts {
  readonly feeds: SecretFeeds;
  readonly clock: Clock;
  readonly events: Pick<Events, 'secretUnavailable'>;
}

export interface FetchRequest {
  readonly watcher: Watcher;
  /** Names this call in events, as a stream's does. */
  readonly streamId: string;
  readonly request: SotwRequest;
  readonly shape: BundleShape;
}

/**
 * @throws AuthorityError CAP-M03 or CAP-Q02 for a bad request, CAP-M04 for a name that is not the
 *   caller's, or why the secret is unavailable.
 */
export async function fetchSecrets(
  parts: FetchParts,
  asked: FetchRequest,
  options: { readonly signal: AbortSignal },
): Promise<Reply> {
  const named = demandNames(parts, asked);
  const contents = new Map<SecretKind, SecretContent>();
  for (const kind of new Set(named.values())) contents.set(kind, await currentContent(parts, asked, kind, options));
  const secrets = [...named].flatMap(([name, kind]): NamedSecret[] => {
    const content = contents.get(kind);
    return content === undefined ? [] : [{ name, content }];
  });
  return { nonce: '', version: replyVersion(secrets), secrets, absent: [] };
}

function demandNames(
  { events }: FetchParts,
  { watcher: { caller }, request, streamId }: FetchRequest,
): ReadonlyMap<string, SecretKind> {
  if (request.typeUrl !== '' && request.typeUrl !== SECRET_TYPE_URL) {
    throw new AuthorityError('CAP-M03', { detail: `type_url is not ${SECRET_TYPE_URL}` });
  }
  const names = distinctNames(request.names);
  if (names.size === 0) throw new AuthorityError('CAP-M03', { detail: 'resource_names is empty; name what you want' });
  const excess = excessOf(names);
  if (excess !== undefined) throw new AuthorityError('CAP-Q02', { detail: excess });
  const named = new Map<string, SecretKind>();
  for (const name of names) {
    const kind = secretKindOf(name, caller.identity.spiffeId);
    if (kind === undefined) {
      const facts = { streamId, caller: caller.identity.spiffeId.uri, protocol: 'sotw' } as const;
      events.secretUnavailable({ ...facts, name, why: 'it is not a secret of the caller' });
      throw new AuthorityError('CAP-M04', { detail: name });
    }
    named.set(name, kind);
  }
  return named;
}

/** Waits until it is known what is available. */
async function currentContent(
  { feeds, clock }: FetchParts,
  asked: FetchRequest,
  kind: SecretKind,
  { signal }: { readonly signal: AbortSignal },
): Promise<SecretContent> {
  return abortable<SecretContent>(signal, ({ resolve, reject }) => {
    const look = (): void => {
      const nowMs = clock.nowMs();
      const availability = feed.availability(asked.shape, nowMs);
      if (!isProven(asked.watcher, nowMs)) reject(new AuthorityError('CAP-S09'));
      else if (availability !== undefined && 'unavailable' in availability) reject(availability.unavailable);
      else if (availability !== undefined) resolve(availability);
    };
    const follower: FeedFollower = { watcher: asked.watcher, refresh: look, abandon: reject };
    const feed: SecretFeed = kind === 'svid' ? feeds.followSvid(follower) : feeds.followBundle(follower);
    look();
    return () => feed.leave(follower);
  });
}
