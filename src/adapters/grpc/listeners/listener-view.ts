// How a handler learns what a connection showed, whichever listener it came through. A door knows
// its connections; services know doors and never look at sockets.
import type { Metadata, Server } from '@grpc/grpc-js';
import type { PresentedCredentials } from '../../../ports/issuing/authenticator.ts';
import type { Door as DoorKind } from '../../../ports/platform/events.ts';

/** The part of every grpc-js server call that a door looks at. */
export interface AnyCall {
  getPeer(): string;
  readonly metadata: Metadata;
}

export interface Door {
  readonly kind: DoorKind;
  /** Aborts, with AuthorityError CAP-S03 as its reason, when the listener begins to drain: streams end then. */
  readonly draining: AbortSignal;
  /**
   * Calls `listener` with the remote address of a connection that was told to go while others stay; its streams are
   * to end soon. Absent where no connection goes before its door does.
   */
  readonly onLeaving?: (listener: (remoteAddress: string) => void) => void;
  /**
   * What the call's connection and headers showed. A certificate that does not verify is in it with its problem.
   * @throws AuthorityError `cancelled` (CAP-X02) when the connection is gone already; never an anonymous answer instead.
   */
  presentedBy(call: AnyCall): PresentedCredentials;
  /** Whom the call counts for, as far as its connection has shown: a namespace, a source or a socket. */
  ownerOf(call: AnyCall): string;
}

/** Adds one service to the server behind a door; called once per door, before it opens. */
export type ServiceRegistration = (server: Pick<Server, 'addService'>, door: Door) => void;

/** Each `authorization` header as it came. */
export function authorizationOf(call: AnyCall): readonly string[] {
  return call.metadata.get('authorization').map(String);
}
