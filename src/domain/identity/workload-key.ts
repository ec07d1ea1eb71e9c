// Which workload a caller is: the one answer to "may these two share a private key, or a count?".
import type { Caller } from './caller.ts';

/**
 * All that policy may judge a caller by and that lasts while its credential is renewed: its identity and cluster, the
 * credential that proved it, and its pod. What one pod may have, another of its identity may not, and what one
 * machine holds, another of its account does not. A token counts as its issuer and a socket as its path; a client
 * certificate as its lineage, which outlives each of its serial numbers.
 */
export function workloadKey(caller: Caller): string {
  const { identity, authenticationMethod, pod, remoteCluster } = caller;
  return JSON.stringify([
    identity.spiffeId.uri,
    authenticationMethod,
    lastingCredential(caller),
    pod?.podName,
    pod?.podUid,
    pod?.nodeName,
    remoteCluster,
  ]);
}

function lastingCredential(caller: Caller): string {
  return caller.authenticationMethod === 'client-certificate' ? caller.lineage.id : caller.credentialId;
}
