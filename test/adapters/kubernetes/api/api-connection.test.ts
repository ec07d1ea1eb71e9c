import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createProxy } from 'node:http';
import { createServer, type Server } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { HttpsConnection } from '../../../../src/adapters/kubernetes/api/api-connection.ts';
import type { ApiAccess } from '../../../../src/adapters/kubernetes/api/access/api-access.ts';
import { servingPair } from '../../grpc/client/serving-pair.ts';

const clock = new SystemClock();
const NEVER = new AbortController().signal;

describe('A connection to an API server', () => {
  let pair: Awaited<ReturnType<typeof servingPair>>;
  let server: Server;
  let folder: string;
  let shown: (string | undefined)[];
  let sockets: number;
  let status: (token: string | undefined) => number;

  before(async () => {
    pair = await servingPair('localhost');
    folder = mkdtempSync(path.join(tmpdir(), 'connection-'));
  });
  after(() => rmSync(folder, { recursive: true }));
  beforeEach(async () => {
    [shown, sockets] = [[], 0];
    status = () => 200;
    server = createServer({ cert: pair.certificatePem, key: pair.keyPem }, ({ headers }, response) => {
      shown.push(headers.authorization);
      response.writeHead(status(headers.authorization)).end('{}');
    });
    server.on('secureConnection', () => (sockets += 1));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  const access = (more: Partial<ApiAccess> = {}): ApiAccess => ({
    place: 'here',
    server: new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`),
    serverName: 'localhost',
    ca: { text: pair.certificatePem },
    ...more,
  });
  const ask = async (connection: HttpsConnection): Promise<number | undefined> => {
    const response = await connection.send({ path: '/version' }, { signal: NEVER });
    response.resume();
    await once(response, 'end');
    return response.statusCode;
  };

  it('is kept, and shows the token that its file has', async () => {
    const file = path.join(folder, 'token');
    writeFileSync(file, 'first\n');
    const connection = new HttpsConnection(access({ token: { file } }), clock);
    await ask(connection);
    await ask(connection);
    rmSync(file);
    await ask(connection);
    assert.deepEqual(shown, ['Bearer first', 'Bearer first', 'Bearer first']);
    assert.equal(sockets, 1);
  });

  it('is never made to a server that is not verified, whatever the environment says', async () => {
    const other = await servingPair('localhost');
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    try {
      const connection = new HttpsConnection(
        access({ ca: { text: other.certificatePem }, token: { text: 't' } }),
        clock,
      );
      await assert.rejects(ask(connection), /certificate/);
      await assert.rejects(ask(new HttpsConnection(access({ serverName: 'elsewhere' }), clock)), /does not match/);
      assert.deepEqual(shown, []);
    } finally {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
    }
  });

  it('is never made by the authorities of the web where the file of the anchors is empty', async () => {
    const before = getCACertificates('default');
    setDefaultCACertificates([pair.certificatePem]);
    try {
      assert.equal(await ask(new HttpsConnection({ ...access(), ca: { text: pair.certificatePem } }, clock)), 200);
      await assert.rejects(ask(new HttpsConnection(access({ ca: { text: '' } }), clock)), /certificate/);
    } finally {
      setDefaultCACertificates(before);
    }
  });

  it('shows what a program gives, and asks again with newer ones where the server does not know them', async () => {
    const file = path.join(folder, 'tokens');
    writeFileSync(file, 'stale\nfresh\n');
    const script = `token=$(head -n 1 ${file}); sed -i 1d ${file}
      printf '{"apiVersion":"v1","kind":"ExecCredential","status":{"token":"%s"}}' "$token"`;
    const { PATH } = process.env;
    const program = { place: 'here', command: 'sh', args: ['-c', script], environment: { PATH }, apiVersion: 'v1' };
    status = (token) => (token === 'Bearer stale' ? 401 : 200);
    const connection = new HttpsConnection(access({ program }), clock);
    assert.equal(await ask(connection), 200);
    assert.equal(await ask(connection), 200);
    assert.deepEqual(shown, ['Bearer stale', 'Bearer fresh', 'Bearer fresh']);
    assert.equal(readFileSync(file, 'utf8'), '', 'run twice');
  });

  it('leaves a refusal as it is where there is nothing newer to show', async () => {
    status = () => 401;
    assert.equal(await ask(new HttpsConnection(access({ token: { text: 't' } }), clock)), 401);
    assert.equal(shown.length, 1);
  });

  it('leads over a proxy, which sees neither the token nor the answer, and verifies the server all the same', async () => {
    const asked: string[] = [];
    const proxy = createProxy().on('connect', ({ url = '', headers }, client: Socket) => {
      asked.push(`${url} ${headers['proxy-authorization'] ?? ''}`);
      const { port } = server.address() as AddressInfo;
      const upstream = connect(port, '127.0.0.1', () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n');
        upstream.pipe(client).pipe(upstream);
      });
      for (const end of [client, upstream]) end.on('error', () => undefined);
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    try {
      const url = new URL(`http://user:pass@127.0.0.1:${(proxy.address() as AddressInfo).port}`);
      const over = { server: new URL('https://api.test:6443'), proxy: url, token: { text: 't' } };
      assert.equal(await ask(new HttpsConnection(access(over), clock)), 200);
      const basic = Buffer.from('user:pass').toString('base64');
      assert.deepEqual(asked, [`api.test:6443 Basic ${basic}`]);
      assert.deepEqual(shown, ['Bearer t']);
      await assert.rejects(
        ask(new HttpsConnection(access({ ...over, serverName: 'elsewhere' }), clock)),
        /does not match/,
      );
    } finally {
      proxy.closeAllConnections();
      proxy.close();
    }
  });

  it('says which file it lacks', async () => {
    const connection = new HttpsConnection(access({ token: { file: path.join(folder, 'none') } }), clock);
    await assert.rejects(ask(connection), { code: 'ENOENT' });
  });
});
