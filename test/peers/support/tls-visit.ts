// The independent judge of what a proxy presents: Node's own TLS. A visitor opens a fresh mTLS
// connection and says what it saw; an upstream records who called it.
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type PeerCertificate, TLSSocket } from 'node:tls';
import type { TestLeaf } from './pki.ts';

/** A visit may take this long, all in all, on a machine that others use too. */
const VISIT_MS = 30_000;

export interface Visitor {
  /** Absent, it shows no certificate. */
  readonly identity?: Pick<TestLeaf, 'chainPem' | 'keyPem'>;
  /** What the visitor trusts. */
  readonly anchorsPem: string;
}

export interface SnapshotReader {
  readonly status: number;
  /** Of the server's leaf, upper-case hex. */
  readonly serial: string;
  /** `subjectAltName` as Node prints it. */
  readonly subjectAltName: string;
  /** Common names of the issuers in the verified chain, leaf's issuer first, anchor last. */
  readonly issuers: readonly string[];
}

/**
 * One GET over a fresh mTLS connection, with the server's chain verified against the anchors.
 * @throws Error when the handshake, the request or the answer fails; nothing is tried twice.
 */
export async function visit(port: number, { identity, anchorsPem }: Visitor): Promise<SnapshotReader> {
  const call = request({
    host: '127.0.0.1',
    port,
    agent: false,
    ...(identity && { cert: identity.chainPem, key: identity.keyPem }),
    ca: anchorsPem,
    servername: '',
    checkServerIdentity: () => undefined, // mesh names are URIs; the test looks at them itself
    signal: AbortSignal.timeout(VISIT_MS),
  });
  call.end();
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  if (!(response.socket instanceof TLSSocket)) throw new Error('the answer did not come over TLS');
  const certificate = response.socket.getPeerCertificate(true);
  response.resume();
  await once(response, 'end');
  return {
    status: response.statusCode ?? 0,
    serial: certificate.serialNumber,
    subjectAltName: certificate.subjectaltname ?? '',
    issuers: issuersOf(certificate),
  };
}

/** An mTLS upstream that answers 200 and remembers the client serials of its connections, in order. */
export class RecordingUpstream implements AsyncDisposable {
  /** Each change of the client's serial, upper-case hex. */
  readonly clientSerials: string[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    server.on('secureConnection', (socket) => {
      const { serialNumber } = socket.getPeerCertificate();
      if (this.clientSerials.at(-1) !== serialNumber) this.clientSerials.push(serialNumber);
    });
  }

  static async listen({ identity, anchorsPem }: Required<Visitor>): Promise<RecordingUpstream> {
    const options = { cert: identity.chainPem, key: identity.keyPem, ca: anchorsPem, requestCert: true };
    const server = createServer({ ...options, rejectUnauthorized: true }, (_, response) => response.end('ok\n'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new RecordingUpstream(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

function issuersOf(leaf: PeerCertificate): readonly string[] {
  const names: string[] = [];
  let certificate = leaf as PeerCertificate & { issuerCertificate?: PeerCertificate };
  while (certificate.issuerCertificate !== undefined && certificate.issuerCertificate !== certificate) {
    certificate = certificate.issuerCertificate;
    names.push(String(certificate.subject.CN));
  }
  return names;
}
