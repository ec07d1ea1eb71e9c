import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { HttpsConnection } from '../../../../src/adapters/kubernetes/api/api-connection.ts';
import type { ApiAccess } from '../../../../src/adapters/kubernetes/api/kubeconfig.ts';
import { servingPair } from '../../grpc/client/serving-pair.ts';

const NEVER = new AbortController().signal;

describe('A connection to an API server', () => {
  let pair: Awaited<ReturnType<typeof servingPair>>;
  let server: Server;
  let folder: string;
  let shown: (string | undefined)[];
  let sockets: number;

  before(async () => {
    pair = await servingPair('localhost');
    folder = mkdtempSync(path.join(tmpdir(), 'connection-'));
  });
  after(() => rmSync(folder, { recursive: true }));
  beforeEach(async () => {
    [shown, sockets] = [[], 0];
    server = createServer({ cert: pair.certificatePem, key: pair.keyPem }, ({ headers }, response) => {
      shown.push(headers.authorization);
      response.end('{}');
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
  const ask = async (connection: HttpsConnection): Promise<void> => {
    const response = await connection.send({ path: '/version' }, { signal: NEVER });
    response.resume();
    await once(response, 'end');
  };

  it('is kept, and shows the token that its file has', async () => {
    const file = path.join(folder, 'token');
    writeFileSync(file, 'first\n');
    const connection = new HttpsConnection(access({ token: { file } }));
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
      const connection = new HttpsConnection(access({ ca: { text: other.certificatePem }, token: { text: 't' } }));
      await assert.rejects(ask(connection), /certificate/);
      await assert.rejects(ask(new HttpsConnection(access({ serverName: 'elsewhere' }))), /does not match/);
      assert.deepEqual(shown, []);
    } finally {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
    }
  });

  it('says which file it lacks', async () => {
    const connection = new HttpsConnection(access({ token: { file: path.join(folder, 'none') } }));
    await assert.rejects(ask(connection), { code: 'ENOENT' });
  });
});
