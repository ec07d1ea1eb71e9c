// Whose Unix socket is whose: filled by what opens and closes the sockets, read by the authenticator of those who come
// through them.
import type { KubernetesIdentity } from '../../domain/identity/kubernetes-identity.ts';

/** At most one entry per open socket: what fills it bounds their number. */
export class SocketIdentities {
  readonly #identities = new Map<string, KubernetesIdentity>();

  get size(): number {
    return this.#identities.size;
  }

  /** @param path as the listener was bound to it: sockets are known by their paths, so each has one spelling. */
  set(path: string, identity: KubernetesIdentity): void {
    this.#identities.set(path, identity);
  }

  delete(path: string): void {
    this.#identities.delete(path);
  }

  /** @returns nothing when the path is nobody's, or nobody's any more. */
  identityAt(path: string): KubernetesIdentity | undefined {
    return this.#identities.get(path);
  }
}
