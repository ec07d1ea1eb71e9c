// The TLS listener. The handshake is ours and not grpc-js's, because grpc-js cannot tell a client
// without a certificate from one whose certificate does not verify: the second must be refused by name.
// A connection goes TCP -> (bounds) -> handshake -> (ALPN, what it showed) -> HTTP/2. One that was opened with a
// client certificate gets GOAWAY before that certificate expires.
import { createServer as createTcpServer, type Server as TcpServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer, type TLSSocket } from 'node:tls';
import { decodePemBlocks } from '../../../domain/x509/pem.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Events } from '../../../ports/platform/events.ts';
import { ConnectionExpiry } from './connection-expiry.ts';
import { ConnectionLimits, type ConnectionSettings } from './connection-limits.ts';
import { Connections } from './connections.ts';
import { presentedOver, type AnyCall, type ListenerView, type ServiceRegistration } from './listener-view.ts';
import { GrpcServer, REQUEST_ARRIVAL_MS, type StreamLimits } from '../grpc-server.ts';
import { Handshakes, type HandshakeLimits } from './handshakes.ts';
import { hostAndPort, listen, peerOf, stopListening, type Listener } from './listener.ts';
import type { Sources } from './sources.ts';
import { HANDSHAKE, secureContext, type ServingMaterial } from './tls-context.ts';

export interface TlsListenerSettings extends ConnectionSettings, HandshakeLimits, StreamLimits {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Other processes of this server listen on the same address; the kernel chooses among them. */
  readonly reusePort?: boolean;
  /** From the headers of a unary request to its end; 10 s when absent. */
  readonly requestArrivalMs?: number;
}

export interface TlsListenerParts {
  readonly clock: Clock;
  readonly events: Pick<Events, 'connectionRefused'>;
  readonly services: readonly ServiceRegistration[];
  readonly sources: Sources;
}

export class TlsListener implements Listener {
  readonly #settings: TlsListenerSettings;
  readonly #events: TlsListenerParts['events'];
  readonly #tcp: TcpServer;
  readonly #tls: TlsServer;
  readonly #grpc: GrpcServer;
  readonly #sources: Sources;
  readonly #handshakes: Handshakes;
  readonly #limits: ConnectionLimits;
  readonly #connections = new Connections();
  readonly #expiry: ConnectionExpiry;
  readonly #end = new AbortController();
  #serving: ServingMaterial | undefined;
  #clientTrustPem: string | undefined;

  constructor({ clock, events, services, sources }: TlsListenerParts, settings: TlsListenerSettings) {
    this.#settings = settings;
    this.#events = events;
    this.#sources = sources;
    const onEnded = (peer: string, problem: string): void => this.#refuse(peer, problem);
    this.#limits = new ConnectionLimits({ sources, onEnded }, settings);
    this.#handshakes = new Handshakes(settings);
    this.#expiry = new ConnectionExpiry({ clock });
    this.#grpc = new GrpcServer(settings);
    this.#grpc.register(services, this.#view());
    this.#tls = createTlsServer(HANDSHAKE);
    this.#tls.on('secureConnection', (socket) => this.#secured(socket));
    this.#tls.on('tlsClientError', (error, socket) => this.#failed(error, socket));
    this.#tcp = createTcpServer((socket) => this.#limits.accept(socket, (peer) => this.#shakeHands(peer, socket)));
  }

  /**
   * Every later handshake shows this certificate; open connections keep theirs.
   * @throws Error when the chain or key does not parse or do not belong together; the former ones stay.
   */
  setServingCertificate(serving: ServingMaterial): void {
    if (this.#clientTrustPem !== undefined) this.#tls.setSecureContext(secureContext(serving, this.#clientTrustPem));
    this.#serving = serving;
  }

  /**
   * The anchors for client certificates. Connections authenticated by one are closed when an anchor
   * was taken away: it is not known which of them depended on it, and they reconnect at once.
   */
  setClientTrust(pem: string): void {
    if (this.#serving !== undefined) this.#tls.setSecureContext(secureContext(this.#serving, pem));
    const shrinks = this.#clientTrustPem !== undefined && lacksAnchorOf(this.#clientTrustPem, pem);
    this.#clientTrustPem = pem;
    if (!shrinks) return;
    this.#handshakes.closeAll();
    this.#connections.closeAuthenticated();
  }

  /** Before it has a serving certificate every handshake fails, which clients take for "not yet". */
  async start({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    if (this.#clientTrustPem === undefined) throw new Error('a TLS listener needs its client trust before it starts');
    const { host, port, reusePort = false } = this.#settings;
    this.#grpc.guard(this.#settings.requestArrivalMs ?? REQUEST_ARRIVAL_MS);
    await listen(this.#tcp, { host, port, reusePort }, { named: `the TLS address ${host}:${port}`, signal });
    void this.#expiry.sweep(this.#end);
  }

  address(): string {
    return hostAndPort(this.#tcp);
  }

  stopAccepting(): void {
    stopListening(this.#tcp);
    this.#handshakes.closeAll();
  }

  async drain({ deadlineMs }: { readonly deadlineMs: number }): Promise<void> {
    this.stopAccepting();
    await this.#grpc.drain({ deadlineMs });
    this.#end.abort();
  }

  #view(): ListenerView {
    const connections = this.#connections;
    return {
      kind: 'tls',
      draining: this.#grpc.draining,
      ownerOf: (call: AnyCall) => this.#limits.ownerOf(call.getPeer()),
      onLeaving: (callback) => this.#expiry.onLeaving(callback),
      presentedBy: (call: AnyCall) => {
        const remoteAddress = call.getPeer();
        return presentedOver(call, remoteAddress, this.#limits, connections.certificateOf(remoteAddress));
      },
    };
  }

  #shakeHands(peer: string, socket: Socket): void {
    const begin = (): void => void this.#tls.emit('connection', socket);
    const refuse = (problem: string): void => this.#refuseAndClose(peer, socket, problem);
    this.#handshakes.expect({ peer, source: this.#sources.of(peer), socket, begin, refuse });
  }

  #secured(socket: TLSSocket): void {
    const peer = peerOf(socket);
    if (peer === undefined) {
      socket.destroy();
      return;
    }
    this.#handshakes.end(peer);
    if (socket.alpnProtocol !== 'h2') {
      this.#refuseAndClose(peer, socket, 'the client does not ask for HTTP/2 (ALPN h2)');
      return;
    }
    this.#connections.add(peer, socket);
    const leaf = socket.authorized ? socket.getPeerX509Certificate() : undefined;
    const leave = (graceMs: number): void => this.#grpc.sendGoaway(socket, graceMs);
    if (leaf !== undefined) this.#expiry.expect(peer, socket, leaf.validToDate.getTime(), leave);
    this.#grpc.serve(socket);
  }

  #failed(error: Error & { readonly code?: string }, socket: TLSSocket): void {
    // A load balancer's probe connects and leaves; it is no failure.
    const left = error.code === 'ECONNRESET';
    if (!left) this.#refuse(peerOf(socket) ?? 'unknown', `TLS handshake: ${error.code ?? error.message}`);
    socket.destroy();
  }

  #refuseAndClose(peer: string, socket: Socket, problem: string): void {
    this.#refuse(peer, problem);
    socket.destroy();
  }

  #refuse(remoteAddress: string, problem: string): void {
    this.#events.connectionRefused({ listener: 'tls', remoteAddress, problem });
  }
}

function lacksAnchorOf(formerPem: string, pem: string): boolean {
  const anchors = anchorsIn(pem);
  return [...anchorsIn(formerPem)].some((anchor) => !anchors.has(anchor));
}

function anchorsIn(pem: string): ReadonlySet<string> {
  const blocks = decodePemBlocks(pem, 'CERTIFICATE');
  return new Set('problem' in blocks ? [] : blocks.map((der) => Buffer.from(der).toString('base64')));
}
