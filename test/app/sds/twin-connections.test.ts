// Two connections from one address and port: TCP tells them apart by the address of the server that each goes to,
// and a server that listens on all of its addresses has several. What one showed must prove nothing on the other.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { create, toBinary } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { DiscoveryRequestSchema } from '../../../src/gen/envoy/service/discovery/v3/discovery_pb.js';
import { buildCsr, spiffe } from '../../support/certificates.ts';
import { NODE, SECRET_TYPE_URL } from '../../support/clients/sds-client.ts';
import { RunningServer, type Showing } from '../support/running-server.ts';
import { ServerFiles } from '../support/server-files.ts';

const FETCH = '/envoy.service.secret.v3.SecretDiscoveryService/FetchSecrets';

describe('Of two connections from one address and port to two addresses of the server', () => {
  let files: ServerFiles;
  let server: RunningServer;
  const open: Disposable[] = [];

  beforeEach(async () => {
    files = await ServerFiles.create();
    server = await RunningServer.start({ files, settings: { 'listen.tls.address': '0.0.0.0:0' } });
  });
  afterEach(async () => {
    for (const one of open.splice(0)) one[Symbol.dispose]();
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  /** Resolves once the server has answered, or closed it. */
  async function connection(host: string, localPort: number, showing: Showing = {}): Promise<ClientHttp2Session> {
    const { chainPem, keyPem } = showing;
    const tcp = connectTcp({ host, port: server.tlsPort, localAddress: '127.0.0.1', localPort });
    const options = { ca: files.pki.root.certificatePem, cert: chainPem, key: keyPem, ALPNProtocols: ['h2'] };
    const socket = connectTls({ socket: tcp, servername: 'localhost', ...options });
    const session = connectHttp2('https://localhost', { createConnection: () => socket });
    session.on('error', () => undefined);
    open.push({ [Symbol.dispose]: () => session.destroy() });
    await once(session, 'remoteSettings').catch(() => undefined);
    return session;
  }

  /** Whoever enrols a moment before with a token. */
  async function leafOf(serviceAccount: string): Promise<Showing> {
    using client = server.client();
    const csr = await buildCsr({ names: [spiffe(`spiffe://cluster.local/ns/default/sa/${serviceAccount}`)] });
    const headers = { authorization: `Bearer ${await files.mint.token(serviceAccount)}` };
    const { response } = await client.call({ csr: csr.pem, headers });
    return { chainPem: response?.certChain.slice(0, -1).join('') ?? '', keyPem: csr.privateKeyPem };
  }

  /** @returns the status and the bytes of the answer to one call on this connection. */
  async function fetchOn(session: ClientHttp2Session): Promise<{ readonly code: number; readonly bytes: number }> {
    const request = create(DiscoveryRequestSchema, {
      typeUrl: SECRET_TYPE_URL,
      node: NODE,
      resourceNames: ['default'],
    });
    const message = toBinary(DiscoveryRequestSchema, request);
    const head = Buffer.alloc(5);
    head.writeUInt32BE(message.length, 1);
    const call = session.request({
      ':method': 'POST',
      ':path': FETCH,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    let code: string | undefined;
    let bytes = 0;
    call.on('response', (headers) => (code ??= headers['grpc-status'] as string | undefined));
    call.on('trailers', (headers) => (code = headers['grpc-status'] as unknown as string));
    call.on('data', (chunk: Buffer) => (bytes += chunk.length));
    call.on('error', () => undefined);
    call.end(Buffer.concat([head, message]));
    await once(call, 'close');
    return { code: Number(code ?? status.UNAVAILABLE), bytes };
  }

  it('one that showed nothing is given nothing of the other', async () => {
    const victim = await leafOf('demo');
    const thief = await connection('127.0.0.2', 0);
    const { localPort = 0 } = thief.socket;
    const twin = await connection('127.0.0.1', localPort, victim);
    const stolen = await fetchOn(thief);
    assert.deepEqual(stolen, { code: status.UNAUTHENTICATED, bytes: 0 });
    assert.deepEqual(
      files.decisions({ outcome: 'issued' }).filter(({ api }) => api === 'sds'),
      [],
    );
    // Whose port is taken comes back from another.
    assert.ok(twin.destroyed);
    const { code } = await fetchOn(await connection('127.0.0.1', 0, victim));
    assert.equal(code, status.OK);
  });

  it('the later one, whatever it shows, takes nothing from the former', async () => {
    const former = await connection('127.0.0.1', 0, await leafOf('demo'));
    const { localPort = 0 } = former.socket;
    const later = await connection('127.0.0.2', localPort, await leafOf('backend'));
    assert.ok(later.destroyed);
    const { code } = await fetchOn(former);
    assert.equal(code, status.OK);
    const [served] = files.decisions({ outcome: 'issued' }).filter(({ api }) => api === 'sds');
    assert.equal(served?.outcome === 'issued' && served.identity, 'spiffe://cluster.local/ns/default/sa/demo');
  });
});
