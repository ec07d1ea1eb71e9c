import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2, constants, type ClientHttp2Session, type ClientSessionOptions } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { status } from '@grpc/grpc-js';
import { Sources } from '../../../../src/adapters/grpc/listeners/sources.ts';
import { TlsListener } from '../../../../src/adapters/grpc/listeners/tls-listener.ts';
import { testAuthority } from '../../../support/certificates.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';
import { recordEvents } from '../../../support/fakes/recorded-events.ts';
import { testCaller } from '../../../support/authority-parts.ts';
import { leafUnder } from '../leaves.ts';
import { CHAIN, CsrWire, NEVER, openTlsEdge, TLS_SETTINGS, type TlsEdge } from '../wire.ts';

const ID = 'spiffe://cluster.local/ns/a/sa/b';

/** A finished handshake. */
async function shakeHands(edge: TlsEdge, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connectTls({
    host: '127.0.0.1',
    port: edge.port,
    servername: 'localhost',
    ca: edge.pki.bundle.pem,
    ALPNProtocols: ['h2'],
    ...options,
  });
  socket.on('error', () => undefined);
  await Promise.race([
    once(socket, 'secureConnect'),
    once(socket, 'close').then(() => Promise.reject(new Error('no'))),
  ]);
  return socket;
}

const closed = async (socket: Socket): Promise<unknown> => (socket.closed ? undefined : once(socket, 'close'));

/** Resolves when the event was seen. */
async function seen(edge: TlsEdge, problem: RegExp): Promise<void> {
  const found = () => edge.events.of('connectionRefused').some((facts) => problem.test(String(facts.problem)));
  while (!found()) await new Promise(setImmediate);
}

describe('The TLS listener', () => {
  let edge: TlsEdge;
  afterEach(async () => edge[Symbol.asyncDispose]());

  describe('knows a client certificate', () => {
    beforeEach(async () => {
      edge = await openTlsEdge();
    });

    it('that verifies, by its leaf', async () => {
      const leaf = await leafUnder(edge.pki.intermediate, { uris: [ID] });
      using wire = CsrWire.toTls(edge, leaf);
      assert.equal((await wire.call()).code, status.OK);
      await wire.call();
      const [first, second] = edge.authority.presented.map(({ clientCertificate }) => clientCertificate);
      assert.deepEqual(Buffer.from(first!.leaf), Buffer.from(leaf.der));
      assert.equal(first?.problem, undefined);
      assert.equal(first, second, 'one connection, one object');
    });

    it('that does not verify, with its problem, and never takes it for none', async () => {
      const stranger = await testAuthority();
      using wire = CsrWire.toTls(edge, await leafUnder(stranger.intermediate, { uris: [ID] }));
      await wire.call();
      assert.match(edge.authority.presented[0]!.clientCertificate!.problem!, /^(UNABLE_TO|SELF_SIGNED)/);
    });

    it('that has expired, with that problem', async () => {
      const late = await leafUnder(edge.pki.intermediate, { uris: [ID], notAfterMs: Date.now() - 1_000 });
      using wire = CsrWire.toTls(edge, late);
      await wire.call();
      assert.equal(edge.authority.presented[0]?.clientCertificate?.problem, 'CERT_HAS_EXPIRED');
    });

    it('is not there, when none is', async () => {
      using wire = CsrWire.toTls(edge);
      await wire.call();
      assert.equal('clientCertificate' in edge.authority.presented[0]!, false);
    });

    it('no longer, when its anchor is taken away: the connection ends and the next one tells', async () => {
      const other = await testAuthority();
      edge.listener.setClientTrust(edge.pki.bundle.pem + other.bundle.pem);
      using wire = CsrWire.toTls(edge, await leafUnder(edge.pki.intermediate, { uris: [ID] }));
      using anonymous = CsrWire.toTls(edge);
      await wire.call();
      await anonymous.call();
      const former = edge.authority.presented[1]!.remoteAddress;
      edge.listener.setClientTrust(other.bundle.pem);
      let outcome = await wire.call();
      while (outcome.code === status.UNAVAILABLE) outcome = await wire.call();
      assert.match(String(edge.authority.presented.at(-1)?.clientCertificate?.problem), /^UNABLE_TO/);
      await anonymous.call();
      assert.equal(
        edge.authority.presented.at(-1)?.remoteAddress,
        former,
        'a connection that stood on no anchor stays',
      );
    });

    it('and keeps its connection when an anchor is added', async () => {
      const other = await testAuthority();
      using wire = CsrWire.toTls(edge, await leafUnder(edge.pki.intermediate, { uris: [ID] }));
      await wire.call();
      edge.listener.setClientTrust(other.bundle.pem + edge.pki.bundle.pem);
      await wire.call();
      const [first, second] = edge.authority.presented.map(({ remoteAddress }) => remoteAddress);
      assert.equal(first, second);
    });
  });

  describe('speaks', () => {
    beforeEach(async () => {
      edge = await openTlsEdge();
    });

    const dialects: readonly (readonly [string, ConnectionOptions, string])[] = [
      ['TLS 1.3 as it is', {}, 'TLSv1.3 TLS_AES_128_GCM_SHA256'],
      [
        'TLS 1.2 for FIPS 140-2',
        { maxVersion: 'TLSv1.2', ecdhCurve: 'P-256' },
        'TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256',
      ],
      [
        'AES-256 where a client insists',
        { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' },
        'TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384',
      ],
      ['AES-256 in TLS 1.3', { ciphers: 'TLS_AES_256_GCM_SHA384' }, 'TLSv1.3 TLS_AES_256_GCM_SHA384'],
      ['P-384', { ecdhCurve: 'P-384' }, 'TLSv1.3 TLS_AES_128_GCM_SHA256'],
      ['X25519MLKEM768 alone', { ecdhCurve: 'X25519MLKEM768' }, 'TLSv1.3 TLS_AES_128_GCM_SHA256'],
    ];
    for (const [what, options, wanted] of dialects) {
      it(what, async () => {
        const socket = await shakeHands(edge, options);
        assert.equal(`${socket.getProtocol() ?? ''} ${socket.getCipher().name}`, wanted);
        assert.equal(socket.alpnProtocol, 'h2');
        socket.destroy();
      });
    }

    it('not TLS 1.1', async () => {
      await assert.rejects(
        shakeHands(edge, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
      );
    });

    it('not HTTP/1.1: the handshake already fails', async () => {
      const socket = connectTls({
        host: '127.0.0.1',
        port: edge.port,
        ca: edge.pki.bundle.pem,
        ALPNProtocols: ['http/1.1'],
      });
      const [error] = (await once(socket, 'error')) as [Error & { code: string }];
      assert.equal(error.code, 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL');
    });

    it('not with a client that names no protocol', async () => {
      const socket = await shakeHands(edge, { ALPNProtocols: [] });
      await closed(socket.resume());
      await seen(edge, /ALPN h2/);
    });

    it('with clients that ping often', async () => {
      const session = await openSession(edge);
      for (let i = 0; i < 20; i += 1) {
        await new Promise<void>((resolve, reject) => session.ping((error) => (error ? reject(error) : resolve())));
      }
      session.close();
    });
  });

  describe('never resumes a session, so that a removed anchor stays removed', () => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      it(version, async () => {
        edge = await openTlsEdge();
        const leaf = await leafUnder(edge.pki.intermediate, { uris: [ID] });
        const show = { cert: leaf.chainPem, key: leaf.keyPem, minVersion: version, maxVersion: version };
        const first = await shakeHands(edge, show);
        let session = first.getSession();
        first.on('session', (ticket) => (session = ticket));
        const h2 = connectHttp2(`https://localhost:${edge.port}`, { createConnection: () => first });
        await once(h2, 'remoteSettings');
        h2.destroy();
        const second = await shakeHands(edge, { ...show, ...(session && { session }) });
        assert.equal(second.isSessionReused(), false);
        second.destroy();
      });
    }
  });

  describe('serves its certificate', () => {
    it('live: new connections see a new one, open ones go on', async () => {
      edge = await openTlsEdge();
      using wire = CsrWire.toTls(edge);
      await wire.call();
      const next = await leafUnder(edge.pki.intermediate, { dns: ['localhost'] });
      edge.listener.setServingCertificate({ certChainPem: next.chainPem, keyPem: next.keyPem });
      const socket = await shakeHands(edge);
      assert.equal(socket.getPeerCertificate().serialNumber.toLowerCase(), next.serial);
      socket.destroy();
      await wire.call();
      assert.equal(edge.authority.presented[0]?.remoteAddress, edge.authority.presented[1]?.remoteAddress);
    });

    it('and keeps it when the next one is broken', async () => {
      edge = await openTlsEdge();
      const other = await leafUnder(edge.pki.intermediate);
      assert.throws(() =>
        edge.listener.setServingCertificate({ certChainPem: edge.serving.chainPem, keyPem: other.keyPem }),
      );
      const socket = await shakeHands(edge);
      assert.equal(socket.getPeerCertificate().serialNumber.toLowerCase(), edge.serving.serial);
      socket.destroy();
    });
  });

  describe('bears', () => {
    it('garbage in place of TLS', async () => {
      edge = await openTlsEdge();
      const socket = connectTcp(edge.port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write('GET / HTTP/1.1\r\n\r\n');
      socket.resume();
      await closed(socket);
      await seen(edge, /^TLS handshake: ERR_SSL_/);
      using wire = CsrWire.toTls(edge);
      assert.equal((await wire.call()).code, status.OK);
    });

    it('garbage behind TLS, in place of HTTP/2', async () => {
      edge = await openTlsEdge();
      for (const garbage of [
        'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
        '\0'.repeat(100_000),
        `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${'\xff'.repeat(100)}`,
      ]) {
        const socket = await shakeHands(edge);
        socket.write(garbage, 'latin1');
        socket.resume();
        await closed(socket);
      }
      using wire = CsrWire.toTls(edge);
      assert.equal((await wire.call()).code, status.OK);
    });

    it('a probe that connects and leaves, without a word', async () => {
      edge = await openTlsEdge();
      const socket = connectTcp(edge.port, '127.0.0.1');
      await once(socket, 'connect');
      socket.destroy();
      using wire = CsrWire.toTls(edge);
      assert.equal((await wire.call()).code, status.OK);
      assert.deepEqual(edge.events.of('connectionRefused'), []);
    });

    it('clients that never finish a handshake: they are closed', async () => {
      edge = await openTlsEdge({ tls: { handshakeTimeoutMs: 50 } });
      const socket = connectTcp(edge.port, '127.0.0.1');
      await closed(socket.resume());
      await seen(edge, /did not end in time/);
    });

    it('only so many handshakes at a time; who says nothing takes none of the last half', async () => {
      edge = await openTlsEdge({ tls: { maxHandshakes: 3 } });
      const silent = Array.from({ length: 6 }, () => connectTcp(edge.port, '127.0.0.1').resume());
      await Promise.all(silent.map(async (socket) => once(socket, 'connect')));
      (await shakeHands(edge)).destroy();
      assert.deepEqual(edge.events.of('connectionRefused'), []);
      for (const socket of silent) socket.destroy();
    });

    it('only so many handshakes at a time; others wait, and a slow one makes way for them', async () => {
      edge = await openTlsEdge({ tls: { maxHandshakes: 3 } });
      const dripping = [1, 2, 3].map(() => connectTcp(edge.port, '127.0.0.1').resume());
      // The head of a TLS record, and no more.
      for (const socket of dripping) socket.write(Buffer.of(22, 3, 1, 2, 0));
      await Promise.all(dripping.map(async (socket) => once(socket, 'connect')));
      (await shakeHands(edge)).destroy();
      await seen(edge, /made way for another/);
      for (const socket of dripping) socket.destroy();
    });

    it('only so many handshakes at a time; whoever comes in a crowd waits for its turn', async () => {
      edge = await openTlsEdge({ tls: { maxHandshakes: 2 } });
      const sockets = await Promise.all(Array.from({ length: 30 }, async () => shakeHands(edge)));
      assert.deepEqual(edge.events.of('connectionRefused'), []);
      for (const socket of sockets) socket.destroy();
    });

    it('only so many connections: the oldest that has proven nobody makes way, and who is proven is served', async () => {
      edge = await openTlsEdge({ tls: { maxConnections: 20 } });
      edge.authority.caller = testCaller();
      using wire = CsrWire.toTls(edge);
      await wire.call();
      const idle: TLSSocket[] = [];
      for (let i = 0; i < 19; i += 1) idle.push((await shakeHands(edge)).resume());
      const arrival = await shakeHands(edge);
      await closed(idle[0]!);
      await seen(edge, /too many connections are open: it made way/);
      assert.deepEqual(
        idle.map((socket) => socket.closed),
        idle.map((_socket, index) => index === 0),
      );
      assert.equal((await wire.call()).code, status.OK);
      assert.equal(edge.authority.presented[0]?.remoteAddress, edge.authority.presented[1]?.remoteAddress);
      for (const socket of [arrival, ...idle]) socket.destroy();
    });

    it('only so many connections: when all are proven and no namespace has more than its share, no more', async () => {
      edge = await openTlsEdge({ tls: { maxConnections: 4 } });
      edge.authority.caller = testCaller();
      const wires = [1, 2, 3, 4].map(() => CsrWire.toTls(edge));
      for (const wire of wires) await wire.call();
      await assert.rejects(shakeHands(edge));
      await seen(edge, /^too many connections are open$/);
      for (const wire of wires) {
        assert.equal((await wire.call()).code, status.OK);
        wire[Symbol.dispose]();
      }
      (await eventually(async () => shakeHands(edge))).destroy();
    });

    it('a namespace that takes all connections: its oldest makes way', async () => {
      edge = await openTlsEdge({ tls: { maxConnections: 4, unauthenticatedShare: 0.5 } });
      edge.authority.caller = testCaller('noisy');
      const wires = [1, 2, 3, 4].map(() => CsrWire.toTls(edge));
      for (const wire of wires) await wire.call();
      edge.authority.caller = testCaller('quiet');
      using quiet = CsrWire.toTls(edge);
      assert.equal((await quiet.call()).code, status.OK);
      await seen(edge, /made way/);
      for (const wire of wires) wire[Symbol.dispose]();
    });

    it('a thousand idle connections', async () => {
      edge = await openTlsEdge({ tls: { maxConnections: 1_100, maxHandshakes: 1_100 } });
      const idle: TLSSocket[] = [];
      for (let batch = 0; batch < 10; batch += 1) {
        idle.push(...(await Promise.all(Array.from({ length: 100 }, async () => shakeHands(edge)))));
      }
      using wire = CsrWire.toTls(edge);
      assert.equal((await wire.call()).code, status.OK);
      for (const socket of idle) socket.destroy();
    }).timeout(60_000);
  });

  describe('refuses', () => {
    beforeEach(async () => {
      edge = await openTlsEdge();
    });

    it('two authorization headers as one that is not well-formed', async () => {
      const session = await openSession(edge);
      const stream = session.request([
        ':method',
        'POST',
        ':path',
        '/istio.v1.auth.IstioCertificateService/CreateCertificate',
        ':scheme',
        'https',
        ':authority',
        'localhost',
        'content-type',
        'application/grpc',
        'te',
        'trailers',
        'authorization',
        'Bearer one',
        'authorization',
        'Bearer two',
      ]);
      stream.end(Buffer.from([0, 0, 0, 0, 0]));
      await once(stream, 'response');
      session.destroy();
      assert.deepEqual(edge.authority.presented[0]?.authorization, ['Bearer one, Bearer two']);
    });

    it('a token of 1 MiB before any handler, and goes on serving', async () => {
      using wire = CsrWire.toTls(edge);
      const { code } = await wire.call({ headers: { authorization: `Bearer ${'x'.repeat(1024 * 1024)}` } });
      assert.equal(code, status.INTERNAL, 'HTTP/2 ends the stream: COMPRESSION_ERROR');
      assert.equal(edge.authority.presented.length, 0);
      using next = CsrWire.toTls(edge);
      assert.equal((await next.call()).code, status.OK);
    });

    it('a request that does not end, and clients may try again', async () => {
      await using slow = await openTlsEdge({ tls: { requestArrivalMs: 30 } });
      for (const begun of [[], [0], [0, 0, 0, 0, 9, 1]]) {
        const session = await openSession(slow);
        const stream = session.request({
          ':method': 'POST',
          ':path': '/istio.v1.auth.IstioCertificateService/CreateCertificate',
          'content-type': 'application/grpc',
        });
        stream.on('error', () => undefined);
        stream.write(Buffer.from(begun));
        await new Promise((resolve) => stream.once('close', resolve));
        assert.equal(stream.rstCode, constants.NGHTTP2_REFUSED_STREAM);
        session.destroy();
      }
      assert.equal(slow.authority.presented.length, 0);
    });

    it('more streams on one connection than it said', async () => {
      const session = await openSession(edge);
      await once(session, 'remoteSettings');
      assert.equal(session.remoteSettings.maxConcurrentStreams, TLS_SETTINGS.maxStreamsPerConnection);
      session.destroy();
    });
  });

  describe('opens', () => {
    it('not on a port that is taken, and says which', async () => {
      edge = await openTlsEdge();
      const parts = { clock: new FakeClock(), events: recordEvents(), services: [], sources: new Sources([]) };
      const second = new TlsListener(parts, { ...TLS_SETTINGS, port: edge.port });
      second.setServingCertificate({ certChainPem: edge.serving.chainPem, keyPem: edge.serving.keyPem });
      second.setClientTrust(edge.pki.bundle.pem);
      await assert.rejects(second.start({ signal: NEVER }), {
        reason: 'CAP-X03',
        message: new RegExp(`the TLS address 127\\.0\\.0\\.1:${edge.port} is already in use`),
      });
      await second.drain({ deadlineMs: 0 });
    });
  });

  describe('closes', () => {
    it('after the calls in flight, and takes no new ones', async () => {
      edge = await openTlsEdge();
      using wire = CsrWire.toTls(edge);
      let release = (): void => undefined;
      const started = new Promise<void>((resolve) => {
        edge.authority.answer = async () =>
          new Promise((answer) => {
            release = () => answer(CHAIN);
            resolve();
          });
      });
      const inFlight = wire.call();
      await started;
      const drained = edge.listener.drain({ deadlineMs: 5_000 });
      await assert.rejects(shakeHands(edge));
      // Longer than any client gets to close after its answer.
      await new Promise((resolve) => setTimeout(resolve, 400));
      release();
      assert.equal((await inFlight).code, status.OK);
      await drained;
      assert.equal((await wire.call()).code, status.UNAVAILABLE);
    });

    it('to a request that was only half there, saying so', async () => {
      edge = await openTlsEdge();
      const session = await openSession(edge);
      const stream = session.request({
        ':method': 'POST',
        ':path': '/istio.v1.auth.IstioCertificateService/CreateCertificate',
        'content-type': 'application/grpc',
      });
      // Its answer shows that the server has the headers too.
      await new Promise((resolve) => session.ping(resolve));
      const drained = edge.listener.drain({ deadlineMs: 5_000 });
      stream.end(Buffer.from([0, 0, 0, 0, 0]));
      const [headers] = (await once(stream, 'response')) as [Record<string, string>];
      assert.equal(Number(headers['grpc-status']), status.UNAVAILABLE);
      assert.match(headers['grpc-message'] ?? '', /^CAP-S03/);
      await drained;
      assert.equal(edge.authority.presented.length, 0);
    });

    it('at the deadline, whatever is in flight', async () => {
      edge = await openTlsEdge();
      using wire = CsrWire.toTls(edge);
      const started = new Promise<void>((resolve) => {
        edge.authority.answer = async () => new Promise(() => resolve());
      });
      const inFlight = wire.call();
      await started;
      await edge.listener.drain({ deadlineMs: 50 });
      assert.notEqual((await inFlight).code, status.OK);
    });

    it('at once, when connections are idle', async () => {
      edge = await openTlsEdge();
      const socket = await shakeHands(edge);
      using wire = CsrWire.toTls(edge);
      await wire.call();
      await edge.listener.drain({ deadlineMs: 60_000 });
      await closed(socket.resume());
    });
  });
});

async function openSession(edge: TlsEdge): Promise<ClientHttp2Session> {
  const socket = await shakeHands(edge);
  // Without the option Node's client would not send a header twice.
  const options = { createConnection: () => socket, strictSingleValueFields: false };
  return connectHttp2('https://localhost', options as ClientSessionOptions);
}

async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch {
      await new Promise(setImmediate);
    }
  }
}
