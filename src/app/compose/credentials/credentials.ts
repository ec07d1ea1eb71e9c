// How callers prove who they are. The table of socket identities is filled by the sockets of SDS, which come later.
import { SocketIdentities } from '../../../adapters/credentials/socket-identities.ts';
import { NO_ATTESTATION, type Attestation } from '../../../authority/attestation/attestation.ts';
import type { Revocations } from '../../../authority/revocation/revocations.ts';
import { unlessRevoked } from '../../../authority/revocation/unless-revoked.ts';
import type { Config } from '../../../config/schema.ts';
import type { CaCertificate } from '../../../domain/x509/ca-certificate.ts';
import type { Authenticator } from '../../../ports/issuing/authenticator.ts';
import { composeAuthenticators } from './authenticators.ts';
import { composeClientCertificates } from './client-certificates.ts';
import type { Cluster } from '../cluster.ts';
import type { Foundation } from '../foundation.ts';
import type { Policy } from '../policy/policy.ts';
import type { Storage } from '../storage.ts';
import type { Trust } from '../trust/trust.ts';

export interface Credentials {
  /** In the order in which they are asked. */
  readonly authenticators: readonly Authenticator[];
  readonly socketIdentities: SocketIdentities;
  /** Whether the workloads of callers are still there, and not banned. */
  readonly attestation: Attestation;
  /** Issuers of other servers of the same mesh. */
  readonly furtherIssuers: () => readonly CaCertificate[];
}

interface Former {
  readonly storage: Storage;
  readonly trust: Trust;
  readonly policy: Policy;
  readonly cluster: Pick<Cluster, 'kubernetes'>;
  readonly revocations: Revocations;
}

export function composeCredentials(config: Config, foundation: Foundation, former: Former): Credentials {
  const { watching: clock, files, events, health, startUp, running } = foundation;
  const { journal, history, issuances } = former.storage;
  const { issuers, ledger } = former.trust;
  const { policies } = former.policy;
  const socketIdentities = new SocketIdentities();
  const certificates = composeClientCertificates(config, {
    clock,
    files,
    events,
    issuers,
    journal,
    former: history,
    leaves: issuances,
    policies,
    ledger,
  });
  const authentication = composeAuthenticators(config, {
    clock,
    files,
    events,
    socketIdentities,
    certificates,
    cluster: former.cluster.kubernetes?.attestation,
  });
  const { attestation = NO_ATTESTATION } = former.cluster.kubernetes?.attestation ?? {};
  startUp.at('load', async () => authentication.start({ signal: running }));
  health.report('token keys', authentication.health);
  return {
    authenticators: authentication.authenticators,
    socketIdentities,
    attestation: unlessRevoked(attestation, former.revocations),
    furtherIssuers: certificates.furtherIssuers,
  };
}
