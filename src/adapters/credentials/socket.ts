// A Unix socket as proof of identity: each workload has a socket of its own, in a directory that only it
// can reach, and the operator (or the node's agent) says whose socket it is.
import type { KubernetesIdentity } from '../../domain/identity/kubernetes-identity.ts';
import type { Authenticator } from '../../ports/issuing/authenticator.ts';

/** @param identityOf whose socket this path is now; `undefined` once it is nobody's. */
export function socketAuthenticator(identityOf: (path: string) => KubernetesIdentity | undefined): Authenticator {
  return {
    authenticate: async ({ socketPath }) => {
      if (socketPath === undefined) return { outcome: 'absent' };
      const identity = identityOf(socketPath);
      if (identity === undefined) {
        return { outcome: 'rejected', reason: 'CAP-A01', detail: 'the socket belongs to no workload any more' };
      }
      return {
        outcome: 'authenticated',
        caller: { identity, authenticationMethod: 'socket', credentialId: socketPath },
      };
    },
  };
}
