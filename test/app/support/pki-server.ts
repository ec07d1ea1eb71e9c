// A CA above issuers that is reached as the PKI engine of OpenBao is, so that a server of several processes can ask it.
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { CaKeyPair } from '../../../src/adapters/dev/bootstrap-authority.ts';
import { createRoot, issueLeaf } from '../../peers/support/pki.ts';
import { signedUnder } from '../../support/upstream/fake-upstream.ts';
import type { ServerFiles } from './server-files.ts';

export class PkiServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #settings: Readonly<Record<string, unknown>>;
  /** How many certificates it was asked for. */
  signed = 0;

  private constructor(server: Server, settings: Readonly<Record<string, unknown>>) {
    this.#server = server;
    this.#settings = settings;
  }

  /** @param root what it signs with. */
  static async start(files: ServerFiles, root: CaKeyPair): Promise<PkiServer> {
    const authority = await createRoot('The PKI itself');
    const { chainPem, keyPem } = await issueLeaf(authority, { ip: '127.0.0.1' });
    files.write('pki-ca.pem', authority.certificatePem);
    files.write('pki-token', 's.secret\n');
    const server = createServer({ cert: chainPem, key: keyPem }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const vault = { address, caFile: files.path('pki-ca.pem'), mount: 'pki', tokenFile: files.path('pki-token') };
    const pki = new PkiServer(server, vault);
    server.on('request', (request, response) => void pki.#answer(root, request, response));
    return pki;
  }

  /** For `issuer.upstream.vault`. */
  get settings(): Readonly<Record<string, unknown>> {
    return this.#settings;
  }

  async #answer(root: CaKeyPair, request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('content-type', 'application/json');
    if (request.url !== '/v1/pki/root/sign-intermediate') {
      request.resume();
      response.end(JSON.stringify({ data: { ttl: 0, renewable: false } }));
      return;
    }
    this.signed += 1;
    const { csr: csrPem, ttl } = (await json(request)) as { readonly csr: string; readonly ttl: string };
    const lifetimeMs = Number(ttl.replace('s', '')) * 1_000;
    // Begins at once, so that shares of its life are shares of what was asked for.
    const certificate = await signedUnder(root, { csrPem, lifetimeMs }, Date.now(), 0);
    response.end(JSON.stringify({ data: { certificate, issuing_ca: root.certificatePem } }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
