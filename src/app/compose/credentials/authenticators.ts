// The authenticators in their order: socket, client certificate, bearer token. A connection shows a
// socket or TLS credentials, never both; of the latter the certificate decides where there is one.
import { existsSync } from 'node:fs';
import { SystemClock } from '../../../adapters/clock/system-clock.ts';
import { watchFolder, type Watching } from '../../../adapters/files/watch-folder.ts';
import { watchedFiles } from '../../../adapters/files/watched-files.ts';
import { bearerTokenAuthenticator } from '../../../adapters/credentials/tokens/bearer-token.ts';
import { DocumentKeys } from '../../../adapters/credentials/tokens/document-keys.ts';
import { FetchedKeys } from '../../../adapters/credentials/tokens/fetched-keys.ts';
import { jwtVerifier } from '../../../adapters/credentials/tokens/jwt-verifier.ts';
import type { KeySource } from '../../../adapters/credentials/tokens/key-set.ts';
import { publishedKeys } from '../../../adapters/credentials/tokens/published-keys.ts';
import { clustersVerifier } from '../../../adapters/credentials/tokens/clusters/clusters-verifier.ts';
import type { TokenVerifier } from '../../../adapters/credentials/tokens/token-verifier.ts';
import type { SocketIdentities } from '../../../adapters/credentials/socket-identities.ts';
import { socketAuthenticator } from '../../../adapters/credentials/socket.ts';
import type { Config } from '../../../config/schema.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import type { Authenticator } from '../../../ports/issuing/authenticator.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Events } from '../../../ports/platform/events.ts';
import { degraded, notReady, READY, type HealthState } from '../../../ports/platform/health.ts';
import type { ClusterAttestation } from '../kubernetes/attestation.ts';
import type { ClientCertificates } from './client-certificates.ts';

type ConfiguredIssuer = Config['authentication']['tokens']['issuers'][number];

interface KeyParts {
  readonly clock: Clock;
  readonly files: Watching;
  readonly events: Pick<Events, 'reloaded' | 'reloadFailed'>;
}

interface AuthenticationParts extends KeyParts {
  /** Absent where no API server is asked. */
  readonly cluster?: ClusterAttestation | undefined;
  readonly socketIdentities: SocketIdentities;
  readonly certificates: ClientCertificates;
}

export interface Authentication {
  readonly authenticators: readonly Authenticator[];
  /** Loads what verifying needs. @throws AuthorityError CAP-X03 naming a file that cannot be read, or CAP-S04. */
  start(options: { readonly signal: AbortSignal }): Promise<void>;
  /** Whose tokens cannot be judged now; not ready when nobody could prove anything else either. */
  readonly health: () => HealthState;
}

export function composeAuthenticators(config: Config, parts: AuthenticationParts): Authentication {
  const { clock, socketIdentities, certificates, cluster } = parts;
  const { trustDomain } = config;
  const { clientCertificates, tokens } = config.authentication;
  const starts: DocumentKeys[] = [];
  const fetched: FetchedKeys[] = [];
  const issuers = tokens.issuers.map((issuer) => {
    const keys = keysOf(issuer, parts);
    if (keys instanceof DocumentKeys) starts.push(keys);
    if (keys instanceof FetchedKeys) fetched.push(keys);
    const { audiences, algorithms, clockSkew: clockSkewMs } = issuer;
    return { issuer: issuer.issuer, audiences, algorithms, clockSkewMs, keys };
  });
  return {
    authenticators: [
      socketAuthenticator((socketPath) => socketIdentities.identityAt(socketPath)),
      ...(clientCertificates ? [certificates.authenticator] : []),
      bearerTokenAuthenticator({ clock, verifier: tokenVerifier() }),
    ],
    start: async (options) => {
      await certificates.start(options);
      await Promise.all([cluster?.start(), ...starts.map(async (keys) => keys.start(options))]);
      for (const keys of fetched) void keys.keepTrying(options);
    },
    health: () => {
      const [first, ...more] = [...(cluster?.problems() ?? []), ...fetched.flatMap((keys) => keys.problem() ?? [])];
      if (first === undefined) return READY;
      const sources = issuers.length + (cluster?.clusters.all().length ?? 0);
      const nobodyElse = more.length + 1 === sources && !clientCertificates && socketIdentities.size === 0;
      return nobodyElse ? notReady(first) : degraded(first);
    },
  };

  function tokenVerifier(): TokenVerifier {
    const verifier = jwtVerifier({ clock, trustDomain, issuers });
    if (cluster === undefined) return verifier;
    const others = { verifier, issuers: issuers.map(({ issuer }) => issuer) };
    return clustersVerifier({ clusters: cluster.clusters, others });
  }
}

function keysOf({ issuer, keys }: ConfiguredIssuer, { clock, files, events }: KeyParts): KeySource {
  if (keys.from === 'file')
    return new DocumentKeys({ documents: watchedFiles({ [keys.file]: keys.file }, files), events });
  const jwksUrl = keys.from === 'url' ? keys.url : undefined;
  return new FetchedKeys({ clock, events, fetch: publishedKeys({ issuer, jwksUrl }) }, { issuer });
}

/** @returns what a server would say now of keys in files, by the place of their issuer; of those that are on this machine. */
export async function checkTokenKeys(
  config: Config,
): Promise<readonly { readonly index: number; readonly problem: string }[]> {
  const once = new AbortController();
  const clock = new SystemClock();
  const parts = { clock, files: { clock, watchFolder }, events: { reloaded: ignore, reloadFailed: ignore } };
  const said = config.authentication.tokens.issuers.map(async (issuer, index) => {
    const keys = issuer.keys.from === 'file' && existsSync(issuer.keys.file) ? keysOf(issuer, parts) : undefined;
    if (!(keys instanceof DocumentKeys)) return [];
    try {
      await keys.start({ signal: once.signal });
      return [];
    } catch (error) {
      if (!(error instanceof AuthorityError)) throw error;
      return [{ index, problem: error.detail ?? error.message }];
    }
  });
  try {
    return (await Promise.all(said)).flat();
  } finally {
    once.abort();
  }
}

const ignore = (): void => undefined;
