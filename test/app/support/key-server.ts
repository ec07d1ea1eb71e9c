// The key set endpoint of a token issuer, which answers no sooner than a test lets it: a request that
// needs the keys is in flight for as long as that.
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export class KeyServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #waiting: ServerResponse[] = [];

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', (_request, response) => void this.#waiting.push(response));
  }

  static async start(): Promise<KeyServer> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new KeyServer(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/jwks.json`;
  }

  /** Resolves once somebody waits for the keys. */
  async asked(): Promise<void> {
    while (this.#waiting.length === 0) await new Promise(setImmediate);
  }

  /** Answers all who wait. */
  answer(statusCode: number, text: string): void {
    for (const response of this.#waiting.splice(0)) response.writeHead(statusCode).end(text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
