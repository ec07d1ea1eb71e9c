// What the CA offers at the wire: the CSR API and SDS.
import { csrService } from '../../adapters/grpc/csr/service.ts';
import type { ServiceRegistration } from '../../adapters/grpc/listeners/listener-view.ts';
import { SdsService } from '../../adapters/grpc/sds/service.ts';
import { csrAuthority } from '../../authority/surface/answer-csr.ts';
import { SharedWorkloadSecrets } from '../../authority/svids/workload-secrets.ts';
import type { Config } from '../../config/schema.ts';
import type { Cluster } from './cluster.ts';
import type { Credentials } from './credentials/credentials.ts';
import type { Foundation } from './foundation.ts';
import type { Issuing } from './issuing.ts';
import { composeNodeProof } from './kubernetes/node-proof.ts';
import type { Policy } from './policy/policy.ts';
import type { Storage } from './storage.ts';
import type { Revocation } from './trust/revocation.ts';
import type { Trust } from './trust/trust.ts';

export interface Services {
  readonly csr: ServiceRegistration;
  readonly sds: SdsService;
}

interface Former {
  readonly trust: Trust;
  readonly cluster: Cluster;
  readonly policy: Policy;
  readonly issuing: Issuing;
  readonly credentials: Credentials;
  readonly storage: Pick<Storage, 'notedEvidence'>;
  readonly revocation: Revocation | undefined;
}

export function composeServices(config: Config, foundation: Foundation, former: Former): Services {
  const { clock, random, events, startUp, running } = foundation;
  const secrets = composeSecrets(config, former);
  const sds = composeSds(config, { secrets, clock, random, events, evidence: former.storage.notedEvidence });
  startUp.at('load', () => {
    secrets.start({ signal: running });
    void sds.run({ signal: running });
  });
  return { csr: composeCsr(config, foundation, former), sds };
}

function composeCsr(config: Config, foundation: Foundation, former: Former): ServiceRegistration {
  const { listen } = config;
  const { clock, events } = foundation;
  const { issuing, credentials, cluster, policy } = former;
  const { authenticators, attestation } = credentials;
  const asked = { kubernetes: cluster.kubernetes, policies: policy.policies };
  const nodeProof = composeNodeProof(config, foundation, asked);
  const parts = { ...issuing.parts, authenticators, attestation, ...(nodeProof && { nodeProof }) };
  return csrService(
    { authority: csrAuthority(parts, issuing.lifetimes), clock, events },
    {
      deadlineMs: listen.requestTimeout,
      maxInFlight: listen.maxRequestsInFlight,
      maxInFlightEach: listen.maxRequestsPerNamespace,
    },
  );
}

function composeSecrets({ sds }: Config, former: Former): SharedWorkloadSecrets {
  const { ttl, keyType, renewAt, rotationSpread, maxIdentities, namespaceShare } = sds;
  const { issuing, trust, policy, cluster, credentials, revocation } = former;
  const { federated } = trust;
  const feed = revocation?.feed && { revocation: revocation.feed };
  const { policies } = policy;
  const { authenticators, attestation } = credentials;
  return new SharedWorkloadSecrets(
    { ...issuing.parts, federated, policies, clusters: cluster.views, authenticators, attestation, ...feed },
    {
      lifetimes: { ...issuing.lifetimes, defaultMs: ttl, maxMs: ttl },
      keyType,
      renewAt,
      spreadMs: rotationSpread,
      maxIdentities,
      maxIdentitiesPerNamespace: shareOf(maxIdentities, namespaceShare),
    },
  );
}

function composeSds({ sds, listen }: Config, parts: ConstructorParameters<typeof SdsService>[0]): SdsService {
  const { spiffeValidator, acknowledgeWithin, maxStreamAge, maxStreams, maxStreamsPerCaller, namespaceShare } = sds;
  return new SdsService(parts, {
    spiffeValidator,
    acknowledgeWithinMs: acknowledgeWithin,
    maxStreamAgeMs: maxStreamAge,
    maxStreams,
    maxStreamsPerCaller,
    maxStreamsPerNamespace: shareOf(maxStreams, namespaceShare),
    deadlineMs: listen.requestTimeout,
  });
}

/** Never none: every namespace gets in. */
function shareOf(most: number, share: number): number {
  return Math.max(1, Math.floor(most * share));
}
