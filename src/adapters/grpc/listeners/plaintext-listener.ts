// Plaintext gRPC, for a sidecar-less laptop and for debugging: on loopback alone, because tokens travel
// in the clear. Nothing is known of a connection but its headers.
import { BlockList, createServer, isIPv6, type Server } from 'node:net';
import { AuthorityError } from '../../../domain/errors.ts';
import type { Events } from '../../../ports/platform/events.ts';
import { presentedOver, type AnyCall, type ServiceRegistration } from './listener-view.ts';
import { ConnectionLimits, type ConnectionSettings } from './connection-limits.ts';
import { GrpcServer, REQUEST_ARRIVAL_MS, type StreamLimits } from '../grpc-server.ts';
import { hostAndPort, listen, stopListening, type Listener } from './listener.ts';
import { Sources } from './sources.ts';

export interface PlaintextListenerSettings extends ConnectionSettings, StreamLimits {
  /** An address, not a name: what a name resolves to is somebody else's decision. */
  readonly host: string;
  readonly port: number;
  /** Other processes of this server listen on the same address; the kernel chooses among them. */
  readonly reusePort?: boolean;
  /** From the headers of a unary request to its end; 10 s when absent. */
  readonly requestArrivalMs?: number;
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

export class PlaintextListener implements Listener {
  readonly #settings: PlaintextListenerSettings;
  readonly #tcp: Server;
  readonly #grpc: GrpcServer;

  constructor(
    parts: { readonly events: Pick<Events, 'connectionRefused'>; readonly services: readonly ServiceRegistration[] },
    settings: PlaintextListenerSettings,
  ) {
    this.#settings = settings;
    this.#grpc = new GrpcServer(settings);
    const { draining } = this.#grpc;
    // Every client is this machine, so no gateway stands before any.
    const limits = new ConnectionLimits(
      {
        sources: new Sources([]),
        onEnded: (remoteAddress, problem) =>
          parts.events.connectionRefused({ listener: 'plaintext', remoteAddress, problem }),
      },
      settings,
    );
    const presentedBy = (call: AnyCall) => presentedOver(call, call.getPeer(), limits);
    const ownerOf = (call: AnyCall) => limits.ownerOf(call.getPeer());
    this.#grpc.register(parts.services, { kind: 'plaintext', draining, presentedBy, ownerOf });
    this.#tcp = createServer((socket) => limits.accept(socket, () => this.#grpc.serve(socket)));
  }

  async start({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { host, port, reusePort = false } = this.#settings;
    const named = `the plaintext address ${host}:${port}`;
    if (!LOOPBACK.check(host, isIPv6(host) ? 'ipv6' : 'ipv4')) {
      throw new AuthorityError('CAP-X03', { detail: `${named} is not a loopback address (127.0.0.0/8 or ::1)` });
    }
    this.#grpc.guard(this.#settings.requestArrivalMs ?? REQUEST_ARRIVAL_MS);
    await listen(this.#tcp, { host, port, reusePort }, { named, signal });
  }

  address(): string {
    return hostAndPort(this.#tcp);
  }

  stopAccepting(): void {
    stopListening(this.#tcp);
  }

  async drain({ deadlineMs }: { readonly deadlineMs: number }): Promise<void> {
    this.stopAccepting();
    await this.#grpc.drain({ deadlineMs });
  }
}
