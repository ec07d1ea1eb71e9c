// Whose token it is said to be: the request names a cluster, the token an issuer, and neither is proven yet. Two clusters may
// well call their issuers the same, so the cluster's id decides by whose keys the token is judged, and those keys decide
// whether it is.
import { unverifiedClaims } from '../token-claims.ts';
import type { TokenVerifier } from '../token-verifier.ts';

export interface VerifyingCluster {
  readonly verifier: TokenVerifier;
  /** As its tokens spell it; nothing before it is known. */
  readonly issuer: string | undefined;
}

export interface ClustersVerifierParts {
  readonly clusters: {
    /** @param id as the request spells it; absent for the server's own cluster. @returns nothing when there is none of that id. */
    byId(id: string | undefined): VerifyingCluster | undefined;
    all(): readonly VerifyingCluster[];
  };
  /** Issuers that are configured one by one, whatever cluster a request names. */
  readonly others: { readonly verifier: TokenVerifier; readonly issuers: readonly string[] };
}

/** No longer than Istio's own names; cut for the message. */
const MAX_ID_CHARACTERS = 63;

export function clustersVerifier({ clusters, others }: ClustersVerifierParts): TokenVerifier {
  return {
    verify: async (token, context) => {
      const { clusterId } = context;
      if (others.issuers.length > 0 && isOfAnother(token, clusters.all(), others.issuers)) {
        return others.verifier.verify(token, context);
      }
      const named = clusters.byId(clusterId);
      if (named !== undefined) return named.verifier.verify(token, context);
      const detail = `clusterid ${JSON.stringify(clusterId?.slice(0, MAX_ID_CHARACTERS))}`;
      return { outcome: 'refused', reason: 'CAP-A14', detail };
    },
  };
}

/**
 * Where an issuer that is configured by itself has the name that a cluster gives itself, the clusters' verifiers decide:
 * only there is it known who of its pods is still there. While a cluster's name is not known, every token with Kubernetes'
 * own claim counts as a cluster's.
 */
function isOfAnother(token: string, clusters: readonly VerifyingCluster[], issuers: readonly string[]): boolean {
  const { iss, 'kubernetes.io': ofKubernetes } = unverifiedClaims(token) ?? {};
  if (iss === undefined || !issuers.includes(iss)) return false;
  return clusters.every(({ issuer }) => (issuer === undefined ? ofKubernetes === undefined : issuer !== iss));
}
