import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import {
  observationRoutes,
  type Readers,
  type PolicyInForce,
} from '../../../../src/adapters/http/observation/routes.ts';
import { HttpServer, MAX_CONNECTIONS } from '../../../../src/adapters/http/observation/server.ts';
import { AuthorityError } from '../../../../src/domain/errors.ts';
import { FakeHealth } from '../../../support/fakes/fake-health.ts';

describe('The HTTP listener', () => {
  /** Of each test by itself, however long the others take. */
  let signal: AbortSignal;
  let health: FakeHealth;
  let metrics: () => Promise<string>;
  let policy: PolicyInForce | undefined;
  let readers: Readers;
  let faults: { readonly where: string; readonly cause: unknown }[];
  let server: HttpServer;

  beforeEach(async () => {
    signal = AbortSignal.timeout(30_000);
    health = new FakeHealth({ part: 'issuer', state: 'ready' });
    policy = undefined;
    metrics = async () => 'capstan_sds_pushes_total 0\n';
    faults = [];
    readers = { mayRead: () => true, note: () => undefined };
    server = serverAt(0);
    await server.start({ signal });
  });
  afterEach(() => server[Symbol.asyncDispose]());

  function serverAt(port: number): HttpServer {
    const events = { unexpected: (fault: (typeof faults)[number]) => void faults.push(fault) };
    const routes = observationRoutes({
      health: () => health.parts(),
      policy: () => policy,
      collect: () => metrics(),
      readers,
      events,
    });
    return new HttpServer({ routes }, { host: '127.0.0.1', port });
  }

  const ask = (page: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`http://${server.address()}${page}`, { signal, ...init });

  it('says that the process is alive, ready or not', async () => {
    health.now = [{ part: 'issuer', state: 'not ready', why: 'no issuer certificate' }];
    const answer = await ask('/healthz');
    assert.deepEqual([answer.status, await answer.json()], [200, { status: 'alive' }]);
  });

  it('is ready when every part is', async () => {
    const answer = await ask('/readyz');
    assert.deepEqual([answer.status, await answer.json()], [200, { ready: true }]);
  });

  it('says which policies are in force, by name and digest', async () => {
    assert.equal((await ask('/policy')).status, 503);
    const bundle = { name: 'corp', sequence: 7, digest: 'aa' };
    policy = {
      revision: '0123',
      bundle,
      policies: [{ kind: 'IssuancePolicy', namespace: 'shop', name: 'x', digest: 'bb' }],
    };
    const answer = await ask('/policy');
    assert.deepEqual([answer.status, await answer.json()], [200, policy]);
  });

  it('names each part that is not ready, and why', async () => {
    health.now = [
      { part: 'issuer', state: 'not ready', why: 'no issuer certificate' },
      { part: 'policy', state: 'ready' },
      { part: 'journal', state: 'not ready', why: 'disk full' },
    ];
    const answer = await ask('/readyz');
    assert.equal(answer.status, 503);
    assert.deepEqual(await answer.json(), {
      ready: false,
      unready: [
        { part: 'issuer', why: 'no issuer certificate' },
        { part: 'journal', why: 'disk full' },
      ],
    });
  });

  it('stays ready while a part is only degraded, and names it', async () => {
    health.now = [
      { part: 'sds-sockets', state: 'degraded', why: 'one path is taken' },
      { part: 'journal', state: 'ready' },
    ];
    const answer = await ask('/readyz');
    assert.equal(answer.status, 200);
    assert.deepEqual(await answer.json(), {
      ready: true,
      degraded: [{ part: 'sds-sockets', why: 'one path is taken' }],
    });
  });

  it('serves the metrics as Prometheus text that nobody may cache', async () => {
    const answer = await ask('/metrics');
    assert.equal(await answer.text(), 'capstan_sds_pushes_total 0\n');
    assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    assert.equal(answer.headers.get('cache-control'), 'no-store');
  });

  it('answers a fault with fixed words and tells the operator the cause', async () => {
    const cause = new Error('private words');
    metrics = () => Promise.reject(cause);
    const answer = await ask('/metrics');
    assert.deepEqual([answer.status, await answer.json()], [500, { error: 'internal error' }]);
    assert.deepEqual(faults, [{ where: 'http', cause }]);
  });

  for (const page of ['/', '/metrics/', '/debug', '/healthz/x', '/..%2fetc/passwd', '//metrics']) {
    it(`has nothing at ${page}`, async () => {
      const answer = await ask(page);
      assert.deepEqual([answer.status, await answer.json()], [404, { error: 'not found' }]);
    });
  }

  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    it(`lets nobody ${method}`, async () => {
      for (const page of ['/healthz', '/readyz', '/metrics']) {
        const answer = await ask(page, { method });
        assert.deepEqual([answer.status, answer.headers.get('allow')], [405, 'GET, HEAD']);
      }
    });
  }

  it('answers HEAD like GET, without a body', async () => {
    const answer = await ask('/readyz', { method: 'HEAD' });
    assert.deepEqual([answer.status, await answer.text()], [200, '']);
  });

  it('refuses headers that no probe sends', async () => {
    const answer = await raw(`GET /healthz HTTP/1.1\r\nhost: x\r\npad: ${'x'.repeat(20_000)}\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 431 /);
  });

  it('refuses what is not HTTP', async () => {
    assert.match(await raw('\x16\x03\x01 hello\r\n\r\n'), /^HTTP\/1\.1 400 /);
  });

  it('answers a probe while a stranger holds every connection that there may be', async () => {
    const port = Number(server.address().split(':')[1]);
    const held = Array.from({ length: 2 * MAX_CONNECTIONS }, () =>
      connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' })
        .on('error', () => undefined)
        .resume(),
    );
    await Promise.all(held.map(async (socket) => once(socket, 'connect')));
    assert.equal((await ask('/healthz')).status, 200);
    while (held.filter(({ closed }) => !closed).length >= MAX_CONNECTIONS) await new Promise(setImmediate);
    assert.equal((await ask('/readyz')).status, 200);
    for (const socket of held) socket.destroy();
  });

  it('answers one request of a connection at a time: who sends thousands ahead has it closed', async () => {
    const collected = Promise.withResolvers<string>();
    let asked = 0;
    metrics = async () => {
      asked += 1;
      return collected.promise;
    };
    await raw('GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(3_000)).catch(() => undefined);
    assert.equal(asked, 1);
    collected.resolve('');
    // One after the other is as ever.
    for (let request = 0; request < 3; request += 1) assert.equal(await (await ask('/metrics')).text(), '');
  });

  it('listens on loopback only', () => {
    assert.match(server.address(), /^127\.0\.0\.1:\d+$/);
  });

  it('says which address is taken', async () => {
    const taken = server.address();
    await using second = serverAt(Number(taken.split(':')[1]));
    await assert.rejects(second.start({ signal }), (error: unknown) => {
      assert.ok(error instanceof AuthorityError);
      assert.equal(error.reason, 'CAP-X03');
      assert.match(error.message, new RegExp(`the HTTP address ${taken} is already in use`));
      return true;
    });
  });

  it('does not start once the server was told to stop', async () => {
    await using stopped = serverAt(0);
    await assert.rejects(stopped.start({ signal: AbortSignal.abort() }), { name: 'AbortError' });
  });

  it('stops although a client keeps its connection open', async () => {
    const address = server.address();
    const idle = connect(Number(address.split(':')[1]), '127.0.0.1');
    await once(idle, 'connect');
    idle.on('error', () => undefined);
    await server[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    await assert.rejects(fetch(`http://${address}/healthz`));
    idle.destroy();
  });

  async function raw(bytes: string): Promise<string> {
    const socket = connect(Number(server.address().split(':')[1]), '127.0.0.1');
    socket.end(bytes);
    return text(socket);
  }
});
