// A Unix socket as proof of identity: whoever can open the path is the workload it was made for
// (SPIFFE Workload Endpoint: the orchestrator that places a socket vouches for who can reach it).
import type { KubernetesIdentity } from '../../../domain/identity/kubernetes-identity.ts';
import type { AuthenticationResult, Authenticator } from '../../../ports/authenticator.ts';

/** @param identityAt whose socket a path is; nothing when the path is none of ours any more. */
export function socketAuthenticator(identityAt: (path: string) => KubernetesIdentity | undefined): Authenticator {
  return {
    authenticate: ({ socketPath }): Promise<AuthenticationResult> => {
      if (socketPath === undefined) return Promise.resolve({ outcome: 'absent' });
      const identity = identityAt(socketPath);
      if (identity === undefined) {
        return Promise.resolve({ outcome: 'rejected', reason: 'CAP-A01', detail: 'the socket belongs to no workload' });
      }
      return Promise.resolve({ outcome: 'proven', caller: { identity, provenBy: 'socket', evidence: socketPath } });
    },
  };
}
