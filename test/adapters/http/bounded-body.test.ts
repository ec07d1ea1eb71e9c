// Bodies of requests as they come over the wire, of whatever length they say to have.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { Hono } from 'hono';
import { boundedBody } from '../../../src/adapters/http/bounded-body.ts';
import { HttpServer } from '../../../src/adapters/http/observation/server.ts';
import { freePort } from '../../support/eventually.ts';

const MOST = 8;

describe('The body of a request', () => {
  let server: HttpServer;
  let port: number;
  let faults: unknown[];
  beforeEach(async () => {
    faults = [];
    const routes = new Hono();
    routes.use(boundedBody(MOST));
    routes.all('/echo', async (c) =>
      c.json({ method: c.req.method, kind: c.req.header('x-kind'), body: await c.req.text() }),
    );
    routes.onError((cause, c) => {
      faults.push(cause);
      return c.text('a bug', 500);
    });
    port = await freePort();
    server = new HttpServer({ routes }, { host: '127.0.0.1', port });
    await server.start({ signal: new AbortController().signal });
  });
  afterEach(async () => server[Symbol.asyncDispose]());

  /** @returns what comes back until the connection ends. */
  async function answerTo(method: string, rest: string): Promise<string> {
    const socket = connect({ host: '127.0.0.1', port });
    socket.write(`${method} /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Kind: a\r\n${rest}`);
    return text(socket);
  }

  const CHUNKED = 'Transfer-Encoding: chunked\r\n\r\n';

  it('is taken with its length said before, without, and where there is none', async () => {
    for (const rest of ['Content-Length: 8\r\n\r\n12345678', `${CHUNKED}3\r\n123\r\n5\r\n45678\r\n0\r\n\r\n`]) {
      assert.match(await answerTo('POST', rest), /\{"method":"POST","kind":"a","body":"12345678"\}/);
    }
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'GET']) {
      assert.match(await answerTo(method, '\r\n'), new RegExp(`{"method":"${method}","kind":"a","body":""}`));
    }
    for (const method of ['TRACE', 'PROPFIND']) assert.match(await answerTo(method, '\r\n'), /^HTTP\/1.1 200/);
    assert.deepEqual(faults, []);
  });

  it('is refused where it is larger, whether it says so or not', async () => {
    for (const rest of ['Content-Length: 9\r\n\r\n123456789', `${CHUNKED}9\r\n123456789\r\n0\r\n\r\n`]) {
      assert.match(await answerTo('POST', rest), /^HTTP\/1.1 413 [^]*the request is too large/);
    }
  });

  it('is no bug of the server where it breaks off', async () => {
    for (const rest of ['Content-Length: 8\r\n\r\n1', `${CHUNKED}3\r\n1`]) {
      const socket = connect({ host: '127.0.0.1', port });
      socket.write(`POST /echo HTTP/1.1\r\nHost: localhost\r\n${rest}`);
      await once(socket, 'connect');
      await answerTo('GET', '\r\n');
      socket.destroy();
      await answerTo('GET', '\r\n');
    }
    assert.deepEqual(faults, []);
  });
});
