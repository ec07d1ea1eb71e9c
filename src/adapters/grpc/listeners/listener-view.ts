// What services see of a listener: what a connection showed, whichever listener it came through. A listener knows
// its connections; services never look at sockets.
import type { Metadata, Server } from '@grpc/grpc-js';
import type { Caller } from '../../../domain/identity/caller.ts';
import type { PresentedCertificate, PresentedCredentials } from '../../../ports/issuing/authenticator.ts';
import type { ListenerKind } from '../../../ports/platform/events.ts';
import type { ConnectionLimits } from './connection-limits.ts';

/** The part of every grpc-js server call that a listener looks at. */
export interface AnyCall {
  getPeer(): string;
  readonly metadata: Metadata;
}

export interface ListenerView {
  readonly kind: ListenerKind;
  /** Aborts, with AuthorityError CAP-S03 as its reason, when the listener begins to drain: streams end then. */
  readonly draining: AbortSignal;
  /**
   * Calls `callback` with the remote address of a connection that gets GOAWAY while others stay; its streams are
   * to end soon. Absent where no connection goes before its listener does.
   */
  readonly onLeaving?: (callback: (remoteAddress: string) => void) => void;
  /**
   * What the call's connection and headers showed. A certificate that does not verify is in it with its problem.
   * @throws AuthorityError `cancelled` (CAP-X02) when the connection is gone already; never an anonymous answer instead.
   */
  presentedBy(call: AnyCall): PresentedCredentials;
  /** Whom the call counts for, as far as its connection has shown: a namespace, a node proxy, a source or a socket. */
  ownerOf(call: AnyCall): string;
}

/** Adds one service to the server behind a listener; called once per listener, before it starts. */
export type ServiceRegistration = (server: Pick<Server, 'addService'>, listener: ListenerView) => void;

/** What a call over TCP showed. @param limits told when a caller is authenticated on the connection. */
export function presentedOver(
  call: AnyCall,
  remoteAddress: string,
  limits: Pick<ConnectionLimits, 'markAuthenticated'>,
  clientCertificate?: PresentedCertificate,
): PresentedCredentials {
  const onAuthenticated = (caller: Caller): void => limits.markAuthenticated(remoteAddress, caller);
  const clusterId = call.metadata.get('clusterid').map(String).join(', ');
  return {
    authorization: authorizationOf(call),
    ...(clusterId !== '' && { clusterId }),
    remoteAddress,
    onAuthenticated,
    ...(clientCertificate && { clientCertificate }),
  };
}

/** Each `authorization` header as it came. */
export function authorizationOf(call: AnyCall): readonly string[] {
  return call.metadata.get('authorization').map(String);
}
