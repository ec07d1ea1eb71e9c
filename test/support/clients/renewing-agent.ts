// Istio's agent on a virtual machine, as far as its connection goes: it keeps one TLS connection for as long as the CA
// lets it, shows the newest certificate it has whenever it opens one, and repeats on another a call that a connection
// which was told to go has not taken (RFC 9113 section 6.8). `test/peers/istio-agent` has the real one.
import { once } from 'node:events';
import { connect, constants, type ClientHttp2Session } from 'node:http2';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  IstioCertificateRequestSchema,
  IstioCertificateResponseSchema,
} from '../../../src/gen/istio/v1/auth/certificate_service_pb.js';
import { buildCsr, spiffe } from '../certificates.ts';

export interface AgentCredentials {
  readonly chainPem: string;
  readonly keyPem: string;
}

export interface AgentAnswer {
  /** As in gRPC. */
  readonly code: number;
  readonly message: string;
  /** Another connection was opened for it. */
  readonly fresh: boolean;
}

const PATH = '/istio.v1.auth.IstioCertificateService/CreateCertificate';
/** gRPC's length-prefixed message: one byte of flags, four of length. */
const PREFIX_BYTES = 5;

export class RenewingAgent implements Disposable {
  readonly #port: number;
  readonly #anchorsPem: string;
  readonly #identity: string;
  #credentials: AgentCredentials | undefined;
  #session: ClientHttp2Session | undefined;
  /** Connections so far. */
  connections = 0;

  constructor(port: number, anchorsPem: string, identity: string) {
    this.#port = port;
    this.#anchorsPem = anchorsPem;
    this.#identity = identity;
  }

  /** Asks for a certificate, by token where one is given, and keeps what it gets. */
  async renew(token?: string): Promise<AgentAnswer> {
    const { pem: csr, privateKeyPem: keyPem } = await buildCsr({ names: [spiffe(this.#identity)] });
    const former = this.connections;
    const { code, message, body } = await this.#call(csr, token);
    const fresh = this.connections > former;
    if (code !== 0) {
      // The agent builds its client anew after each failure.
      this.#session?.destroy();
      return { code, message, fresh };
    }
    const { certChain } = fromBinary(IstioCertificateResponseSchema, body.subarray(PREFIX_BYTES));
    this.#credentials = { chainPem: certChain.slice(0, -1).join(''), keyPem };
    return { code, message, fresh };
  }

  /** The same machine with what it stored, at another server. */
  movedTo(port: number): RenewingAgent {
    const moved = new RenewingAgent(port, this.#anchorsPem, this.#identity);
    moved.#credentials = this.#credentials;
    return moved;
  }

  /** Its process starts again, with what it stored. */
  restart(): void {
    this.#session?.destroy();
  }

  [Symbol.dispose](): void {
    this.#session?.destroy();
  }

  async #call(csr: string, token: string | undefined): Promise<{ code: number; message: string; body: Buffer }> {
    for (;;) {
      const answer = await this.#attempt(csr, token);
      if (answer !== 'not taken') return answer;
    }
  }

  async #attempt(csr: string, token: string | undefined) {
    const session = await this.#connected();
    const stream = session.request({
      ':method': 'POST',
      ':path': PATH,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    });
    let status: Record<string, unknown> = {};
    const note = (headers: object): void => void (status = { ...status, ...headers });
    stream.on('response', note).on('trailers', note);
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => undefined);
    const message = toBinary(IstioCertificateRequestSchema, create(IstioCertificateRequestSchema, { csr }));
    const prefix = Buffer.alloc(PREFIX_BYTES);
    prefix.writeUInt32BE(message.length, 1);
    stream.end(Buffer.concat([prefix, message]));
    await once(stream, 'close');
    if (stream.rstCode === constants.NGHTTP2_REFUSED_STREAM) return 'not taken' as const;
    const body = Buffer.concat(chunks);
    const text = typeof status['grpc-message'] === 'string' ? decodeURIComponent(status['grpc-message']) : 'broken off';
    return { code: Number(status['grpc-status'] ?? 14), message: text, body };
  }

  async #connected(): Promise<ClientHttp2Session> {
    const current = this.#session;
    if (current !== undefined && !current.closed && !current.destroyed) return current;
    const { chainPem, keyPem } = this.#credentials ?? {};
    const session = connect(`https://127.0.0.1:${this.#port}`, {
      ca: this.#anchorsPem,
      cert: chainPem,
      key: keyPem,
      servername: 'localhost',
    });
    session.on('error', () => undefined);
    session.on('goaway', () => session.close());
    this.#session = session;
    this.connections += 1;
    await once(session, 'connect');
    return session;
  }
}
