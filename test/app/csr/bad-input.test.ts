import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectHttp2, type ClientSessionOptions } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { status } from '@grpc/grpc-js';
import type { JWTPayload } from 'jose';
import type { DiscoveryResponse } from '../../../src/gen/envoy/service/discovery/v3/discovery_pb.js';
import type { Reason } from '../../../src/domain/reasons.ts';
import type { CsrCall, Outcome } from '../../adapters/grpc/wire.ts';
import { agentCsr, buildCsr, spiffe } from '../../support/certificates.ts';
import { NODE, secretsOf, type SdsClient } from '../../support/clients/sds-client.ts';
import { ChildServer } from '../support/child-server.ts';
import {
  csrDer,
  csrNaming,
  csrOfMixedKinds,
  csrOffCurve,
  csrOfRsa,
  csrOfStolenKey,
  csrSignedWith,
  csrWithChallengePassword,
  csrWithCommonName,
  csrWithKeyUsage,
  dnsName,
  emailName,
  ipName,
  nestedDer,
  pem,
  uriName,
} from '../support/hostile-csrs.ts';
import { RunningServer } from '../support/running-server.ts';
import { ServerFiles } from '../support/server-files.ts';
import { assertNothingSpilled } from '../support/spilled-secrets.ts';
import { claimsOf } from '../support/token-mint.ts';

const DEMO = 'spiffe://cluster.local/ns/default/sa/demo';
const { INVALID_ARGUMENT, PERMISSION_DENIED, UNAUTHENTICATED } = status;

const goodDer = csrDer();
const BAD_CSRS: readonly (readonly [what: string, csr: string, reason: Reason, code?: status])[] = [
  ['nothing', '', 'CAP-C01'],
  ['what is not PEM', 'give me a certificate', 'CAP-C01'],
  ['DER without PEM', goodDer.toString('latin1'), 'CAP-C01'],
  ['two PEM blocks', pem(goodDer) + pem(goodDer), 'CAP-C01'],
  ['a certificate', pem(goodDer, 'CERTIFICATE'), 'CAP-C01'],
  ['an old label', pem(goodDer, 'NEW CERTIFICATE REQUEST'), 'CAP-C01'],
  ['text before the PEM block', `Subject: me\n${pem(goodDer)}`, 'CAP-C01'],
  ['base64 that is none', pem(goodDer).replace(/[A-Z]/, '!'), 'CAP-C01'],
  ['truncated DER', pem(goodDer.subarray(0, -1)), 'CAP-C02'],
  ['DER with something behind', pem(Buffer.concat([goodDer, Buffer.of(0)])), 'CAP-C02'],
  ['DER nested a thousand deep', pem(nestedDer(1_000)), 'CAP-C02'],
  ['DER of the length of a book', pem(Buffer.alloc(12_500, 0x30)), 'CAP-M02'],
  ['a length that is longer than all memory', pem(Buffer.from('3084ffffffff30', 'hex')), 'CAP-C02'],
  ['BER with an indefinite length', pem(Buffer.from('30803080000000000000', 'hex')), 'CAP-C02'],
  ['the signature of another key', csrOfStolenKey(), 'CAP-C04'],
  ['an RSA signature for an EC key', csrOfMixedKinds(), 'CAP-C04'],
  ['a signature with MD5', csrSignedWith('md5'), 'CAP-C05'],
  ['a signature with SHA-1', csrSignedWith('sha1'), 'CAP-C05'],
  ['an EC point beside its curve', csrOffCurve(), 'CAP-K02'],
  ['RSA of 1024 bits', csrOfRsa({ bits: 1024 }), 'CAP-K02'],
  ['RSA of 2040 bits', csrOfRsa({ bits: 2040 }), 'CAP-K02'],
  ['RSA of 16384 bits', csrOfRsa({ bits: 16_384 }), 'CAP-K02'],
  ['RSA with an even modulus', csrOfRsa({ bits: 2048, even: true }), 'CAP-K02'],
  ['RSA with e=1', csrOfRsa({ bits: 2048, exponent: [1] }), 'CAP-K02'],
  ['RSA with e=3', csrOfRsa({ bits: 2048, exponent: [3] }), 'CAP-K02'],
  ['RSA with an even exponent', csrOfRsa({ bits: 2048, exponent: [1, 0, 2] }), 'CAP-K02'],
  ['a common name', csrWithCommonName('demo'), 'CAP-C03'],
  ['a key usage', csrWithKeyUsage(), 'CAP-C03'],
  ['a challenge password', csrWithChallengePassword(), 'CAP-C03'],
  ['a DNS name', csrNaming(dnsName('bank.example')), 'CAP-C03'],
  ['a DNS name beside its own', csrNaming(uriName(DEMO), dnsName('bank.example')), 'CAP-C03'],
  ['an IP address', csrNaming(ipName(10, 0, 0, 1)), 'CAP-C03'],
  ['an email address', csrNaming(emailName('root@bank.example')), 'CAP-C03'],
  ['two URIs', csrNaming(uriName(DEMO), uriName(DEMO)), 'CAP-C03'],
  ['no name in its names', csrNaming(), 'CAP-C02'],
  ["another's name", csrNaming(uriName('spiffe://cluster.local/ns/default/sa/other')), 'CAP-C06', PERMISSION_DENIED],
  ['another trust domain', csrNaming(uriName('spiffe://evil/ns/default/sa/demo')), 'CAP-C06', PERMISSION_DENIED],
  ['the trust domain itself', csrNaming(uriName('spiffe://cluster.local')), 'CAP-C06', PERMISSION_DENIED],
  ['percent-encoding', csrNaming(uriName('spiffe://cluster.local/ns/default/sa/d%65mo')), 'CAP-C03'],
  ['a way up', csrNaming(uriName('spiffe://cluster.local/ns/x/../default/sa/demo')), 'CAP-C03'],
  ['an uppercase scheme', csrNaming(uriName('SPIFFE://cluster.local/ns/default/sa/demo')), 'CAP-C03'],
  ['an uppercase trust domain', csrNaming(uriName('spiffe://CLUSTER.local/ns/default/sa/demo')), 'CAP-C03'],
  ['an empty path segment', csrNaming(uriName('spiffe://cluster.local/ns//default/sa/demo')), 'CAP-C03'],
  ['a slash at the end', csrNaming(uriName(`${DEMO}/`)), 'CAP-C03'],
  ['a port', csrNaming(uriName('spiffe://cluster.local:443/ns/default/sa/demo')), 'CAP-C03'],
  ['a user', csrNaming(uriName('spiffe://me@cluster.local/ns/default/sa/demo')), 'CAP-C03'],
  ['a query', csrNaming(uriName(`${DEMO}?admin`)), 'CAP-C03'],
  ['another scheme', csrNaming(uriName('https://cluster.local/ns/default/sa/demo')), 'CAP-C03'],
  ['letters beyond ASCII', csrNaming(uriName(Buffer.from('spiffe://cluster.local/ns/dé/sa/demo'))), 'CAP-C03'],
  ['a zero byte', csrNaming(uriName(`${DEMO}\0`)), 'CAP-C03'],
  ['a line break', csrNaming(uriName(`${DEMO}\n`)), 'CAP-C03'],
  ['a name of 2,049 bytes', csrNaming(uriName(`spiffe://cluster.local/${'x'.repeat(2_026)}`)), 'CAP-C03'],
];

const BAD_METADATA: readonly (readonly [string, CsrCall])[] = [
  ['a number for CertSigner', { metadata: { CertSigner: 7 } }],
  ['null for CertSigner', { metadata: { CertSigner: null } }],
  ['true for ImpersonatedIdentity', { metadata: { ImpersonatedIdentity: true } }],
  ['a list for ImpersonatedIdentity', { metadata: { ImpersonatedIdentity: [DEMO] } }],
  ['an object for ImpersonatedIdentity', { metadata: { ImpersonatedIdentity: { uri: DEMO } } }],
  ['no SPIFFE ID for ImpersonatedIdentity', { metadata: { ImpersonatedIdentity: 'demo' } }],
  ['bytes that are no message', { raw: Uint8Array.of(0xff, 0xff, 0xff) }],
];

type Forge = (files: ServerFiles) => string | Promise<string>;

const BAD_TOKENS: readonly (readonly [what: string, token: Forge, reason?: Reason])[] = [
  ['no JWT', () => 'letmein'],
  ['an unsigned one', async ({ mint }) => (await mint.token()).replace(/\.[^.]*$/, '.')],
  ['one with alg none', () => unsigned({ alg: 'none' })],
  ['one with alg none in another case', () => unsigned({ alg: 'nOnE' })],
  ["one with HS256 and the issuer's public key for a secret", ({ mint }) => signedWithPublicKey(mint)],
  ['one that was changed after signing', async ({ mint }) => changed(await mint.token('other'))],
  ['one for another audience', async ({ mint }) => mint.token('demo', { aud: ['vault'] })],
  ['one for no audience', async ({ mint }) => mint.token('demo', { aud: [] })],
  ['one of another issuer', async ({ mint }) => mint.token('demo', { iss: 'https://evil.test' })],
  ['one that has expired', async ({ mint }) => mint.token('demo', { exp: inSeconds(-1) })],
  ['one that never expires', async ({ mint }) => mint.token('demo', { exp: undefined })],
  ['one that is not valid yet', async ({ mint }) => mint.token('demo', { nbf: inSeconds(60) })],
  ['one with an unknown key', async ({ mint }) => mint.token('demo', {}, 'unknown')],
  ['one of 20,000 characters', () => 'x'.repeat(20_000), 'CAP-A04'],
  ['one for nobody', async ({ mint }) => mint.token('demo', { sub: undefined })],
  ['one for a person', async ({ mint }) => mint.token('demo', { sub: 'alice' }), 'CAP-A06'],
  ['one for a path', async ({ mint }) => mint.tokenIn('..', 'demo'), 'CAP-A06'],
  [
    'one that names two service accounts',
    async ({ mint }) => mint.token('demo', { sub: 'system:serviceaccount:default:admin' }),
    'CAP-A06',
  ],
];

describe('Whatever comes over the wire, Capstan', () => {
  let server: RunningServer;
  let authorization: string;
  before(async () => {
    server = await RunningServer.start();
    authorization = `Bearer ${await server.files.mint.token()}`;
  });
  after('and has written down no token, no key and no CSR', async () => {
    await assertNothingSpilled(server);
    await server[Symbol.asyncDispose]();
  });
  afterEach('and still answers who asks rightly', async () => {
    using client = server.client();
    const { code } = await client.call({ csr: (await buildCsr()).pem, headers: { authorization } });
    assert.equal(code, status.OK);
  });

  async function ask(call: CsrCall): Promise<Outcome> {
    using client = server.client();
    return await client.call({ csr: pem(goodDer), headers: { authorization }, ...call });
  }

  describe('refuses a CSR with', () => {
    for (const [what, csr, reason, code = INVALID_ARGUMENT] of BAD_CSRS) {
      it(what, async () => assertRefused(await ask({ csr }), code, reason));
    }

    it('an Ed25519 key, or one on P-521', async () => {
      for (const keyType of ['ed25519', 'ec-p521'] as const) {
        const { pem: csr } = await buildCsr({ keyType, names: [spiffe(DEMO)] });
        assertRefused(await ask({ csr }), INVALID_ARGUMENT, 'CAP-K01');
      }
    });

    it("nothing wrong in it, but never under another's token", async () => {
      const { pem: csr } = await agentCsr(DEMO);
      const headers = { authorization: `Bearer ${await server.files.mint.token('other')}` };
      assertRefused(await ask({ csr, headers }), PERMISSION_DENIED, 'CAP-C06');
    });
  });

  describe('refuses as metadata', () => {
    for (const [what, call] of BAD_METADATA) {
      it(what, async () => assertRefused(await ask(call), INVALID_ARGUMENT, 'CAP-M01'));
    }
  });

  describe('refuses as a token', () => {
    for (const [what, forge, reason = 'CAP-A05'] of BAD_TOKENS) {
      it(what, async () => {
        const token = await forge(server.files);
        assertRefused(await ask({ headers: { authorization: `Bearer ${token}` } }), UNAUTHENTICATED, reason);
      });
    }

    it('one in words that are no bearer token', async () => {
      for (const header of ['', 'Bearer', 'Basic ZGVtbzpkZW1v', `${authorization} ${authorization}`]) {
        assertRefused(await ask({ headers: { authorization: header } }), UNAUTHENTICATED, 'CAP-A04');
      }
    });

    it('two of them, be both good', async () => {
      const { grpcStatus, grpcMessage } = await askWithHeaders(
        server,
        ['authorization', authorization],
        ['authorization', authorization],
      );
      assert.equal(grpcStatus, String(UNAUTHENTICATED));
      assert.match(grpcMessage, /^CAP-A04/);
    });

    it('one of 1 MiB, without looking at it', async () => {
      const decided = server.files.decisions().length;
      // HTTP/2 ends it, and the client's library has its own word for that.
      const { code } = await ask({ headers: { authorization: `Bearer ${'x'.repeat(1024 * 1024)}` } });
      assert.notEqual(code, status.OK);
      assert.equal(server.files.decisions().length, decided);
    });
  });

  describe('turns away', () => {
    it('garbage in place of HTTP/2', async () => {
      for (const garbage of [
        Buffer.alloc(100_000),
        Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' + '\xff'.repeat(99)),
      ]) {
        const socket = await shakeHands(server);
        socket.end(garbage);
        await closed(socket);
      }
    });

    it('HTTP/1.1, named in the handshake or spoken after it', async () => {
      await assert.rejects(shakeHands(server, { ALPNProtocols: ['http/1.1'] }));
      const socket = await shakeHands(server);
      socket.end('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await closed(socket);
    });

    it('a method that it does not have', async () => {
      const { grpcStatus } = await askWithHeaders(server, [':path', '/istio.v1.auth.IstioCertificateService/Revoke']);
      assert.equal(grpcStatus, String(status.UNIMPLEMENTED));
    });
  });

  describe('ends the SDS stream whose', () => {
    let envoy: SdsClient;
    beforeEach(() => (envoy = server.envoy()));
    afterEach(() => envoy[Symbol.dispose]());

    it('first request has no node', async () => {
      const stream = envoy.sotw();
      stream.send({ resourceNames: ['default'] });
      assertEnded(await stream.ended, INVALID_ARGUMENT, 'CAP-M03');
    });

    it('request is for another type', async () => {
      const stream = envoy.sotw();
      stream.send({ node: NODE, typeUrl: 'type.googleapis.com/envoy.config.cluster.v3.Cluster' });
      assertEnded(await stream.ended, INVALID_ARGUMENT, 'CAP-M03');
    });

    it('request names 5,000 secrets', async () => {
      const names = Array.from({ length: 5_000 }, (_, n) => `secret-${n}`);
      const sotw = envoy.sotw();
      sotw.subscribe(...names);
      assertEnded(await sotw.ended, status.RESOURCE_EXHAUSTED, 'CAP-Q02');
      const delta = envoy.delta();
      delta.subscribe(...names);
      assertEnded(await delta.ended, status.RESOURCE_EXHAUSTED, 'CAP-Q02');
    });

    it('request is larger than 256 KiB, which no proxy comes near, and so does a fetch', async () => {
      const filler = (bytes: number) => ({ node: { ...NODE, metadata: { filler: 'x'.repeat(bytes) } } });
      const tooLarge = filler(256 * 1024);
      const [sotw, delta] = [envoy.sotw(), envoy.delta()];
      sotw.send(tooLarge);
      assertEnded(await sotw.ended, INVALID_ARGUMENT, 'CAP-M02');
      delta.send(tooLarge);
      assertEnded(await delta.ended, INVALID_ARGUMENT, 'CAP-M02');
      const fetched = envoy.fetch({ ...tooLarge, resourceNames: ['ROOTCA'] });
      await assert.rejects(fetched, { code: INVALID_ARGUMENT, details: /^CAP-M02 / });
      const large = await envoy.fetch({ ...filler(255 * 1024), resourceNames: ['ROOTCA'] });
      assert.deepEqual(namesIn(large), ['ROOTCA']);
    });

    it('names are too long together to be kept, whether they come at once or one after the other', async () => {
      const names = Array.from({ length: 90 }, (_, n) => `${n}`.padEnd(2_000, 'x'));
      const sotw = envoy.sotw();
      sotw.subscribe(...names);
      assertEnded(await sotw.ended, status.RESOURCE_EXHAUSTED, 'CAP-Q02');
      const delta = envoy.delta();
      for (const name of names) delta.subscribe(name);
      assertEnded(await delta.ended, status.RESOURCE_EXHAUSTED, 'CAP-Q02');
    });
  });

  describe('keeps the SDS stream', () => {
    let envoy: SdsClient;
    beforeEach(() => (envoy = server.envoy()));
    afterEach(() => envoy[Symbol.dispose]());

    it('that names one secret many times, and gives it once', async () => {
      const stream = envoy.sotw();
      stream.subscribe(...Array.from({ length: 5_000 }, () => 'ROOTCA'));
      assert.equal(secretsOf(await stream.accept()).length, 1);
      stream.cancel();
    });

    it("that names another's secrets beside its own, and gives it its own alone", async () => {
      const stream = envoy.sotw();
      stream.subscribe('spiffe://cluster.local/ns/default/sa/other', 'kubernetes://wildcard', DEMO);
      assert.deepEqual(namesIn(await stream.accept()), [DEMO]);
      stream.cancel();
    });

    it('that answers with a forged or a stale nonce, and takes it for no answer', async () => {
      const all = ['ROOTCA', 'default', 'spiffe://cluster.local'];
      const stream = envoy.sotw();
      stream.subscribe('ROOTCA');
      const first = await stream.next();
      // Had this been taken for an answer, the anchors would be sent once more when they are named again.
      stream.send({ responseNonce: 'forged', resourceNames: [] });
      stream.ack(first, all.slice(0, 2));
      const second = await stream.next();
      assert.deepEqual(namesIn(second), ['default']);
      stream.send({ responseNonce: first.nonce, resourceNames: [] });
      stream.ack(second, all);
      assert.deepEqual(namesIn(await stream.next()), ['spiffe://cluster.local']);
      stream.cancel();
    });
  });
});

function namesIn(response: DiscoveryResponse): readonly string[] {
  return secretsOf(response).map(({ name }) => name);
}

const IDLE = Math.min(10_000, openFilesLimit() - 1_000);

describe(`With ${IDLE.toLocaleString('en')} idle connections, Capstan`, () => {
  let files: ServerFiles;
  let server: ChildServer;
  beforeEach(async () => {
    files = await ServerFiles.create();
    server = await ChildServer.start(files);
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  async function answers(): Promise<void> {
    using client = server.client();
    const headers = { authorization: `Bearer ${await files.mint.token()}` };
    const { code, details } = await client.call({ csr: (await buildCsr()).pem, headers });
    assert.equal(code, status.OK, details);
  }

  it('still answers, and closes none of them', async () => {
    const idle: TLSSocket[] = [];
    while (idle.length < IDLE) idle.push(...(await Promise.all(Array.from({ length: 100 }, () => idler(server)))));
    await answers();
    assert.equal(idle.filter(({ destroyed }) => destroyed).length, 0);
    for (const socket of idle) socket.destroy();
  }).timeout(120_000);

  it('still answers when they do not even begin a handshake', async () => {
    const silent: Socket[] = [];
    while (silent.length < IDLE) {
      const batch = Array.from({ length: 500 }, () =>
        connectTcp(server.tlsPort, '127.0.0.1').on('error', () => undefined),
      );
      await Promise.all(batch.map(async (socket) => once(socket, 'connect').catch(() => undefined)));
      silent.push(...batch);
    }
    await answers();
    for (const socket of silent) socket.destroy();
  }).timeout(60_000);
});

function openFilesLimit(): number {
  return Number(execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }));
}

/** A finished handshake, as cheap for this end as can be: ten thousand of them are under way here too. */
async function idler(server: ChildServer): Promise<TLSSocket> {
  const socket = connectTls({
    host: '127.0.0.1',
    port: server.tlsPort,
    ALPNProtocols: ['h2'],
    secureContext: CHEAP,
    rejectUnauthorized: false,
  });
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  return socket;
}

const CHEAP = createSecureContext({ ca: [], ecdhCurve: 'X25519' });

async function shakeHands(server: RunningServer, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connectTls({
    host: '127.0.0.1',
    port: server.tlsPort,
    servername: 'localhost',
    ca: server.files.pki.root.certificatePem,
    ALPNProtocols: ['h2'],
    ...options,
  });
  await once(socket, 'secureConnect');
  socket.on('error', () => undefined);
  return socket;
}

async function closed(socket: TLSSocket): Promise<void> {
  socket.resume();
  if (!socket.closed) await once(socket, 'close');
}

/** An empty request with headers as they are, which no gRPC library would send twice. */
async function askWithHeaders(
  server: RunningServer,
  ...headers: readonly (readonly [string, string])[]
): Promise<{ grpcStatus: string; grpcMessage: string }> {
  const socket = await shakeHands(server);
  const options = { createConnection: () => socket, strictSingleValueFields: false };
  const session = connectHttp2('https://localhost', options as ClientSessionOptions);
  const path = [':path', '/istio.v1.auth.IstioCertificateService/CreateCertificate'] as const;
  const pairs = [
    [':method', 'POST'],
    ...(headers.some(([name]) => name === ':path') ? [] : [path]),
    [':scheme', 'https'],
    [':authority', 'localhost'],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
    ...headers,
  ].toSorted(([a = ''], [b = '']) => Number(b.startsWith(':')) - Number(a.startsWith(':')));
  const stream = session.request(pairs.flat());
  stream.end(Buffer.alloc(5));
  const [answer] = (await once(stream, 'response')) as [Record<string, string>];
  const said = 'grpc-status' in answer ? answer : ((await once(stream.resume(), 'trailers')) as [typeof answer])[0];
  session.destroy();
  return { grpcStatus: said['grpc-status'] ?? '', grpcMessage: decodeURIComponent(said['grpc-message'] ?? '') };
}

function assertRefused({ code, details }: Outcome, wanted: status, reason: Reason): void {
  assert.equal(status[code], status[wanted], details);
  assert.ok(details.startsWith(`${reason} `), details);
  assert.match(details, / id=[0-9a-f]{20}$/);
}

function assertEnded({ code, details }: { code: status; details: string }, wanted: status, reason: Reason): void {
  assert.equal(status[code], status[wanted], details);
  assert.ok(details.startsWith(`${reason} `), details);
}

function inSeconds(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}

function segment(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function unsigned(header: { readonly alg: string }, claims: JWTPayload = claimsOf('default', 'demo')): string {
  return `${segment({ ...header, typ: 'JWT', kid: 'one' })}.${segment(claims)}.`;
}

function signedWithPublicKey({ publicKey }: ServerFiles['mint']): string {
  const secret = publicKey.export({ format: 'pem', type: 'spki' });
  const text = `${segment({ alg: 'HS256', kid: 'one' })}.${segment(claimsOf('default', 'demo'))}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

/** The same header and signature with the claims of `default/demo` between. */
function changed(token: string): string {
  const [header = '', , signature = ''] = token.split('.');
  return `${header}.${segment(claimsOf('default', 'demo'))}.${signature}`;
}
