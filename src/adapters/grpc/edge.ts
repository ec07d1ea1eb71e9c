// The doors of the gRPC edge, together: which services stand behind which, and how they open and close.
// Workload keys leave through SDS only, so a Unix socket, whose path is an identity, carries SDS
// and nothing else.
import type { Events } from '../../ports/events.ts';
import type { ServiceRegistration } from './door.ts';
import type { Listener } from './listener.ts';
import { PlaintextListener, type PlaintextListenerSettings } from './plaintext-listener.ts';
import { TlsListener, type TlsListenerSettings } from './tls-listener.ts';
import { UnixListener, type UnixListenerSettings } from './unix-listener.ts';

/** What stands behind each kind of door. */
export interface EdgeServices {
  /** Behind TLS, and behind plaintext where that is allowed. */
  readonly tcp: readonly ServiceRegistration[];
  /** Behind each Unix socket. */
  readonly unix: readonly ServiceRegistration[];
}

export interface EdgeParts {
  readonly events: Pick<Events, 'connectionRefused'>;
  readonly services: EdgeServices;
}

export interface EdgeSettings {
  readonly tls: TlsListenerSettings;
  /** Absent unless the operator asked for it. */
  readonly plaintext?: PlaintextListenerSettings;
  /** For every Unix socket. */
  readonly unix: Omit<UnixListenerSettings, 'path'>;
}

export interface Edge {
  readonly tls: TlsListener;
  readonly plaintext: PlaintextListener | undefined;
  /** Opens the TCP doors. @throws AuthorityError CAP-X03. */
  start(options: { readonly signal: AbortSignal }): Promise<void>;
  /** Opens a Unix socket, also long after the start; does nothing when it is open. @throws AuthorityError CAP-X03. */
  openSocket(path: string, options: { readonly signal: AbortSignal }): Promise<void>;
  /** Drains and removes one Unix socket; does nothing when it is not open. */
  closeSocket(path: string, options: { readonly deadlineMs: number }): Promise<void>;
  /** Paths of the open Unix sockets. */
  sockets(): readonly string[];
  stopAccepting(): void;
  /** All doors at once; see `Listener.drain`. */
  drain(options: { readonly deadlineMs: number }): Promise<void>;
}

/** @returns the edge, closed; each door has a server of its own. */
export function createEdge({ events, services }: EdgeParts, settings: EdgeSettings): Edge {
  const tls = new TlsListener({ events, services: services.tcp }, settings.tls);
  const plaintext = settings.plaintext && new PlaintextListener({ events, services: services.tcp }, settings.plaintext);
  const sockets = new Map<string, UnixListener>();
  const doors = (): readonly Listener[] => [tls, ...(plaintext ? [plaintext] : []), ...sockets.values()];

  return {
    tls,
    plaintext,
    start: async (options) => {
      await tls.start(options);
      await plaintext?.start(options);
    },
    openSocket: async (path, options) => {
      if (sockets.has(path)) return;
      const listener = new UnixListener({ events, services: services.unix }, { ...settings.unix, path });
      sockets.set(path, listener);
      try {
        await listener.start(options);
      } catch (error) {
        sockets.delete(path);
        throw error;
      }
    },
    closeSocket: async (path, options) => {
      const listener = sockets.get(path);
      sockets.delete(path);
      await listener?.drain(options);
    },
    sockets: () => [...sockets.keys()],
    stopAccepting: () => {
      for (const door of doors()) door.stopAccepting();
    },
    drain: async (options) => {
      await Promise.all(doors().map(async (door) => door.drain(options)));
    },
  };
}
