// A web server under a certificate authority of its own that hands out a bundle and its signature, well or badly.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import * as x509 from '@peculiar/x509';

const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 86_400_000;

export interface ServerCertificate {
  readonly caPem: string;
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** A new authority, and a certificate of its for `localhost`. */
export async function serverCertificate(): Promise<ServerCertificate> {
  const make = async () => webcrypto.subtle.generateKey(EC, true, ['sign', 'verify']);
  const [caKeys, keys] = [await make(), await make()];
  const validity = { notBefore: new Date(Date.now() - DAY_MS), notAfter: new Date(Date.now() + DAY_MS) };
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=Web CA',
    keys: caKeys,
    signingAlgorithm: EC,
    ...validity,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
  });
  const certificate = await x509.X509CertificateGenerator.create({
    subject: 'CN=localhost',
    issuer: ca.subject,
    publicKey: keys.publicKey,
    signingKey: caKeys.privateKey,
    signingAlgorithm: EC,
    ...validity,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'localhost' }])],
  });
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    caPem: ca.toString('pem'),
    certificatePem: certificate.toString('pem'),
    keyPem: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'),
  };
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export class BundleServer {
  /** By path; what is not here is 404. */
  readonly documents = new Map<string, string>();
  /** Path and `if-none-match` of each request, in order. */
  readonly asked: string[] = [];
  /** Answers in place of the documents. */
  misbehave: Handler | undefined;
  readonly #server: Server;

  private constructor({ certificatePem, keyPem }: ServerCertificate) {
    this.#server = createServer({ cert: certificatePem, key: keyPem }, (request, response) =>
      this.#answer(request, response),
    );
  }

  static async start(certificate: ServerCertificate): Promise<BundleServer> {
    const server = new BundleServer(certificate);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get url(): string {
    return `https://localhost:${(this.#server.address() as AddressInfo).port}/bundle.yaml`;
  }

  /** Puts a bundle and its signature in place. */
  offer(bundle: string, signature: string): void {
    this.documents.set('/bundle.yaml', bundle);
    this.documents.set('/bundle.yaml.sig', signature);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { url = '' } = request;
    const known = request.headers['if-none-match'];
    this.asked.push(known === undefined ? url : `${url} ${known}`);
    if (this.misbehave !== undefined) {
      this.misbehave(request, response);
      return;
    }
    const document = this.documents.get(url);
    const tag = `"${document?.length ?? 0}"`;
    const status = document === undefined ? 404 : known === tag ? 304 : 200;
    response.writeHead(status, { etag: tag }).end(status === 200 ? document : '');
  }
}
