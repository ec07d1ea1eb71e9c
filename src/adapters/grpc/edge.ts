// The doors of the gRPC edge, together: which service stands behind which, and how they open and
// close. Workload keys leave through SDS only, so a Unix socket, whose path is an identity, carries SDS
// and nothing else.
import type { ServiceRegistration } from './door.ts';

/** What stands behind each kind of door. */
export interface EdgeServices {
  /** Behind TLS, and behind plaintext where that is allowed. */
  readonly tcp: readonly ServiceRegistration[];
  /** Behind each Unix socket. */
  readonly unix: readonly ServiceRegistration[];
}
