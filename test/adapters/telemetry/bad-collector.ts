// A collector on loopback that takes what it is sent and answers it badly.
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

const SLOW_MS = 200;
const MEGABYTE = Buffer.alloc(1024 * 1024, ' ');

/** What each does with a request that came whole. */
export const BAD_ANSWERS = {
  'never answers': () => undefined,
  'answers its head by single bytes': ({ socket }) => drip(socket, 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n'),
  'answers its body by single bytes': (response) => {
    response.writeHead(503, { 'content-type': 'application/json', 'content-length': 100_000 }).flushHeaders();
    drip(response.socket, '{');
  },
  'asks to be left alone for a year': (response) => response.writeHead(429, { 'retry-after': '31536000' }).end(),
  'goes away in the middle of its head': ({ socket }) => socket?.write('HTTP/1.1 20', () => socket.destroy()),
  'answers without an end': (response) => {
    response.writeHead(400);
    const more = (): void => {
      while (!response.destroyed && response.write(MEGABYTE));
      response.once('drain', more);
    };
    more();
  },
} as const satisfies Readonly<Record<string, (response: ServerResponse) => unknown>>;

export type BadAnswer = keyof typeof BAD_ANSWERS;

export class BadCollector implements AsyncDisposable {
  asked = 0;
  readonly #server: Server;

  private constructor(bad: BadAnswer) {
    this.#server = createServer((request, response) => {
      this.asked += 1;
      response.on('error', () => undefined);
      request.resume().once('end', () => BAD_ANSWERS[bad](response));
    });
  }

  static async start(bad: BadAnswer): Promise<BadCollector> {
    const collector = new BadCollector(bad);
    collector.#server.listen(0, '127.0.0.1');
    await once(collector.#server, 'listening');
    return collector;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Connections that are open. */
  async open(): Promise<number> {
    return new Promise((resolve, reject) =>
      this.#server.getConnections((cause, count) => (cause === null ? resolve(count) : reject(cause))),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** Sends the text byte by byte, and its last one for ever. */
function drip(socket: Socket | null, text: string): void {
  let sent = 0;
  const timer = setInterval(() => {
    socket?.write(text[sent] ?? 'x');
    sent += 1;
  }, SLOW_MS);
  socket?.on('error', () => undefined).once('close', () => clearInterval(timer));
}
