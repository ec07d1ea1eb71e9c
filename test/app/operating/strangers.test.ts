// What a client who proves nobody can do to those who do: over the wire, with the bounds lowered.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { status } from '@grpc/grpc-js';
import type { CsrWire } from '../../adapters/grpc/wire.ts';
import { buildCsr } from '../../support/certificates.ts';
import { secretsOf } from '../../support/clients/sds-client.ts';
import { KeyServer } from '../support/key-server.ts';
import { ChildServer } from '../support/child-server.ts';
import { RunningServer } from '../support/running-server.ts';
import { POLICY, ServerFiles } from '../support/server-files.ts';
import { TOKEN_ISSUER } from '../support/token-mint.ts';

const SLOW = 20_000;

/** An open HTTP/2 connection that only answers and sends pings. */
async function idle(server: RunningServer, localAddress: string): Promise<TLSSocket> {
  const socket = connectTls({
    socket: connectTcp({ host: '127.0.0.1', port: server.tlsPort, localAddress }).on('error', () => undefined),
    servername: 'localhost',
    ca: server.files.pki.root.certificatePem,
    ALPNProtocols: ['h2'],
  });
  socket.on('error', () => undefined);
  await Promise.race([once(socket, 'secureConnect'), once(socket, 'close')]);
  if (socket.closed) return socket;
  const session: ClientHttp2Session = connectHttp2('https://localhost', { createConnection: () => socket });
  session.on('error', () => undefined);
  await Promise.race([once(session, 'remoteSettings'), once(session, 'close')]);
  if (!session.destroyed) session.ping(() => undefined);
  return socket;
}

async function askWith(client: CsrWire, server: RunningServer): Promise<status> {
  const headers = { authorization: `Bearer ${await server.files.mint.token()}` };
  return (await client.call({ csr: (await buildCsr()).pem, headers })).code;
}

async function askAfresh(server: RunningServer): Promise<status> {
  using client = server.client();
  return await askWith(client, server);
}

const open = (sockets: readonly Socket[]): number => sockets.filter(({ closed }) => !closed).length;

async function until(what: () => boolean): Promise<void> {
  while (!what()) await new Promise(setImmediate);
}

describe('A stranger with idle connections', () => {
  let server: RunningServer;
  let sockets: TLSSocket[] = [];
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    sockets = [];
    await server[Symbol.asyncDispose]();
  });

  it('locks nobody out: all calls succeed while every place is taken, and taken again', async () => {
    server = await RunningServer.start({ settings: { 'listen.maxConnections': 40 } });
    using kept = server.client();
    const outcomes = [await askWith(kept, server)];
    for (let round = 0; round < 20; round += 1) {
      for (const source of [2, 3, 4, 5, 6]) sockets.push(await idle(server, `127.0.0.${source}`));
      outcomes.push(await askAfresh(server), await askWith(kept, server));
    }
    assert.deepEqual(
      outcomes.filter((code) => code !== status.OK),
      [],
    );
    assert.ok(sockets.length > 2 * 40);
    assert.ok(open(sockets) <= 40);
  }).timeout(SLOW);

  it('has no more than its share of the places, by default a quarter', async () => {
    server = await RunningServer.start({ settings: { 'listen.maxConnections': 40 } });
    for (let i = 0; i < 15; i += 1) sockets.push(await idle(server, '127.0.0.2'));
    await until(() => open(sockets) === 10);
    assert.deepEqual(
      sockets.map(({ closed }) => closed),
      sockets.map((_socket, index) => index < 5),
    );
  }).timeout(SLOW);

  it('keeps a connection only for a while, pings or not; who was proven keeps it', async () => {
    server = await RunningServer.start({ settings: { 'listen.unauthenticatedTimeout': '1s' } });
    using kept = server.client();
    await askWith(kept, server);
    const socket = await idle(server, '127.0.0.2');
    await once(socket, 'close');
    await askWith(kept, server);
    const [first, second] = server.files.decisions({ outcome: 'issued', identity: DEMO });
    assert.equal(first?.remoteAddress, second?.remoteAddress);
  }).timeout(SLOW);
});

const DEMO = 'spiffe://cluster.local/ns/default/sa/demo';

describe('Many agents behind one address', () => {
  it('keep their connections: only those count that have proven nobody', async () => {
    await using server = await RunningServer.start({ settings: { 'listen.maxConnections': 40 } });
    const agents = Array.from({ length: 30 }, () => server.client());
    for (let round = 0; round < 2; round += 1) {
      for (const agent of agents) assert.equal(await askWith(agent, server), status.OK);
    }
    const connections = new Set(server.files.decisions({ identity: DEMO }).map(({ remoteAddress }) => remoteAddress));
    assert.equal(connections.size, 30);
    for (const agent of agents) agent[Symbol.dispose]();
  }).timeout(SLOW);

  it('all get in when they come in the same moment, as after an outage', async () => {
    using files = await ServerFiles.create();
    await using server = await ChildServer.start(files, { 'listen.maxHandshakes': 4 });
    const csr = (await buildCsr()).pem;
    const headers = { authorization: `Bearer ${await files.mint.token()}` };
    const agents = Array.from({ length: 60 }, () => server.client());
    const outcomes = await Promise.all(agents.map(async (agent) => agent.call({ csr, headers })));
    assert.deepEqual(
      outcomes.filter(({ code }) => code !== status.OK).map(({ details }) => details),
      [],
    );
    for (const agent of agents) agent[Symbol.dispose]();
  }).timeout(SLOW);

  it('may come through a gateway that the operator names, however many have proven nobody yet', async () => {
    const settings = { 'listen.maxConnections': 40, 'listen.gateways': ['127.0.0.2/31'] };
    await using server = await RunningServer.start({ settings });
    const sockets: TLSSocket[] = [];
    for (let i = 0; i < 15; i += 1) sockets.push(await idle(server, '127.0.0.3'));
    assert.equal(open(sockets), 15);
    for (const socket of sockets) socket.destroy();
  }).timeout(SLOW);
});

describe('A stranger with slow handshakes', () => {
  it('keeps nobody out while none of them is slow yet', async () => {
    await using server = await RunningServer.start({ settings: { 'listen.maxHandshakes': 8 } });
    const slow: Socket[] = [];
    const outcomes: status[] = [];
    for (let round = 0; round < 10; round += 1) {
      for (let i = 0; i < 8; i += 1) {
        const socket = connectTcp({ host: '127.0.0.1', port: server.tlsPort, localAddress: '127.0.0.2' }).resume();
        socket.on('error', () => undefined);
        // The head of a TLS record, and no more.
        socket.write(Buffer.of(22, 3, 1, 2, 0));
        slow.push(socket);
        await once(socket, 'connect');
      }
      outcomes.push(await askAfresh(server));
    }
    assert.deepEqual(
      outcomes.filter((code) => code !== status.OK),
      [],
    );
    for (const socket of slow) socket.destroy();
  }).timeout(SLOW);
});

describe('A workload with a Unix socket', () => {
  it('has so many connections to it and no more, and nobody else notices', async () => {
    await using server = await RunningServer.start();
    const held = Array.from({ length: 300 }, () =>
      connectTcp(server.files.socket('demo'))
        .on('error', () => undefined)
        .resume(),
    );
    await until(() => open(held) <= 256);
    assert.equal(open(held), 256);
    assert.equal(await askAfresh(server), status.OK);
    for (const socket of held) socket.destroy();
  }).timeout(SLOW);
});

describe('A stranger whose calls are refused', () => {
  it('writes a few records and lines, not one for each; the id in each refusal leads to a record', async () => {
    using files = await ServerFiles.create();
    await using server = await RunningServer.start({ files });
    const ids: string[] = [];
    using client = server.client();
    for (let round = 0; round < 2; round += 1) {
      const calls = Array.from({ length: 250 }, async (_none, index) =>
        client.call({ headers: index % 2 === 0 ? {} : { authorization: 'Bearer garbage' } }),
      );
      for (const { code, details } of await Promise.all(calls)) {
        assert.equal(code, status.UNAUTHENTICATED);
        ids.push(details.split(' id=')[1] ?? 'none');
      }
    }
    const metrics = await (await server.get('/metrics')).text();
    assert.match(metrics, /capstan_decisions_total\{api="csr",outcome="refused",reason="CAP-A01"\} 250/);
    assert.match(metrics, /capstan_decisions_total\{api="csr",outcome="refused",reason="CAP-A05"\} 250/);
    await server.stop();
    const records = files.decisions({ outcome: 'refused' });
    assert.equal(records.length, 4, 'for each reason the first, and the number of the others');
    assert.deepEqual(
      ids.filter((id) => !records.some(({ decisionId }) => decisionId === id)),
      [],
    );
    const counts = records.map((record) => (record.outcome === 'refused' && record.count) || 1);
    assert.deepEqual(counts.toSorted(byNumber), [1, 1, 249, 249]);
    assert.equal(files.logged('decided').filter(({ outcome }) => outcome === 'refused').length, 2);
    assert.equal(files.logged('refusalsCounted').length, 2);
  }).timeout(SLOW);
});

describe('A namespace whose requests take every place they can have', () => {
  it('keeps no other from being served: its own wait, and those of others do not', async () => {
    using files = await ServerFiles.create();
    const condition = { id: 'has-ingress', exists: { kind: 'Ingress' }, message: 'Publish one', waitFor: '4s' };
    files.setPolicy([...POLICY, { namespaces: ['noisy'], more: { conditions: [condition] } }]);
    const settings = { 'listen.maxRequestsInFlight': 8, 'listen.maxRequestsPerNamespace': 4 };
    await using server = await RunningServer.start({ files, settings });
    using noisy = server.client();
    using quiet = server.client();
    const headers = { authorization: `Bearer ${await files.mint.tokenIn('noisy', 'demo')}` };
    // Whom a connection counts for is known once somebody was proven on it.
    assert.equal((await noisy.call({ csr: 'not one', headers })).code, status.INVALID_ARGUMENT);
    assert.equal(await askWith(quiet, server), status.OK);

    const csr = (await buildCsr()).pem;
    const noise = Promise.all(Array.from({ length: 60 }, async () => noisy.call({ csr, headers })));
    await until(() => files.logged('requestDropped').length > 0);
    for (let i = 0; i < 20; i += 1) assert.equal(await askWith(quiet, server), status.OK);
    const codes = (await noise).map(({ code }) => code);
    assert.ok(codes.includes(status.RESOURCE_EXHAUSTED), 'what waited in vain is told to come again');
    assert.equal(codes.filter((code) => code === status.PERMISSION_DENIED).length, 4);
  }).timeout(SLOW);
});

const byNumber = (a: number, b: number): number => a - b;

describe('A stranger with streams whose token cannot be judged yet', () => {
  it('has its share of the places for streams, and leaves the others to those who prove themselves', async () => {
    await using keys = await KeyServer.start();
    const issuers = [{ issuer: TOKEN_ISSUER, keys: { url: keys.url }, clockSkew: '0s' }];
    // By default a quarter is one source's: two.
    const settings = { 'sds.maxStreams': 8, 'authentication.tokens.issuers': issuers };
    await using server = await RunningServer.start({ settings });
    using stranger = server.sdsClient({ token: await server.files.mint.token() });
    const streams = Array.from({ length: 20 }, () => stranger.sotw());
    const ends = await Promise.all(streams.slice(8).map(async ({ ended }) => ended));
    assert.deepEqual(new Set(ends.map(({ code }) => code)), new Set([status.RESOURCE_EXHAUSTED]));
    using envoy = server.envoy();
    const stream = envoy.sotw();
    stream.subscribe('default');
    assert.equal(secretsOf(await stream.accept()).length, 1);
  });
});
