// The listener that an API server asks, over real TLS.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { Socket } from 'node:net';
import { connect, TLSSocket } from 'node:tls';
import { ADMISSION_LIMITS, admissionRoutes } from '../../../../src/adapters/http/admission/admission-routes.ts';
import { HttpsListener } from '../../../../src/adapters/http/https-listener.ts';
import { freePort } from '../../../support/eventually.ts';
import { recordEvents } from '../../../support/fakes/recorded-events.ts';
import { createRoot, issueLeaf, type TestAuthority } from '../../../peers/support/pki.ts';

const NAME = 'capstan.istio-system.svc';

interface Answer {
  readonly status: number | undefined;
  readonly text: string;
  readonly serial: string;
}

async function material(root: TestAuthority) {
  const { chainPem, keyPem } = await issueLeaf(root, { dns: NAME });
  return { certChainPem: chainPem, keyPem };
}

describe('The admission listener', () => {
  let root: TestAuthority;
  let server: HttpsListener;
  let port: number;
  const events = recordEvents();

  before(async () => {
    root = await createRoot('Corporate Root');
    port = await freePort();
    const answer = (text: string): object | undefined => {
      if (text === '"bug"') throw new Error('a bug');
      return text === 'no question' ? undefined : { echo: text };
    };
    const settings = { host: '127.0.0.1', port, ...ADMISSION_LIMITS, name: 'the admission address', reusePort: false };
    server = new HttpsListener(admissionRoutes({ answer, events }), settings);
    server.setServingCertificate(await material(root));
    await server.start({ signal: new AbortController().signal });
  });
  after(async () => server[Symbol.asyncDispose]());

  const ask = async (body: string, { method = 'POST', path = '/admission', headers = {} } = {}) =>
    new Promise<Answer>((resolve, reject) => {
      const options = {
        host: '127.0.0.1',
        port,
        method,
        path,
        headers,
        servername: NAME,
        ca: root.certificatePem,
        agent: false,
      };
      const asked = request(options, (response) => {
        let text = '';
        assert.ok(response.socket instanceof TLSSocket);
        const { serialNumber: serial } = response.socket.getPeerCertificate();
        response.setEncoding('utf8').on('data', (more: string) => (text += more));
        response.on('end', () => resolve({ status: response.statusCode, text, serial }));
      });
      asked.on('error', reject);
      asked.end(body);
    });

  it('answers over the serving certificate, and over the next one as soon as it is there', async () => {
    const first = await ask('{"a":1}');
    assert.deepEqual([first.status, JSON.parse(first.text)], [200, { echo: '{"a":1}' }]);
    server.setServingCertificate(await material(root));
    assert.notEqual((await ask('{}')).serial, first.serial);
  });

  it('takes nothing that is no question, nor more than two objects can be', async () => {
    assert.equal((await ask('no question')).status, 400);
    assert.equal((await ask('x'.repeat(512 * 1024))).status, 200);
    assert.equal((await ask('x'.repeat(512 * 1024 + 1))).status, 413);
    assert.equal((await ask('{}', { path: '/metrics' })).status, 404);
    assert.equal((await ask('', { method: 'GET' })).status, 404);
  });

  it('takes a question whose length is not said before, within the same bound', async () => {
    const headers = { 'transfer-encoding': 'chunked' };
    const answered = await ask('{"a":1}', { headers });
    assert.deepEqual([answered.status, answered.text], [200, JSON.stringify({ echo: '{"a":1}' })]);
    assert.equal((await ask('x'.repeat(512 * 1024 + 1), { headers })).status, 413);
  });

  it('takes a question that breaks off for no bug', async () => {
    const socket = connect({ host: '127.0.0.1', port, servername: NAME, ca: root.certificatePem });
    socket.write('POST /admission HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{');
    await once(socket, 'secureConnect');
    await ask('{}');
    socket.destroy();
    await ask('{}');
    assert.deepEqual(events.of('unexpected'), []);
  });

  const idle = async (): Promise<Socket> => {
    const socket = connect({ host: '127.0.0.1', port, servername: NAME, ca: root.certificatePem });
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(socket, 'data');
    return socket;
  };

  it('waits no longer for a body than an API server waits for the answer', async () => {
    const headers = { 'content-length': 1_000 };
    const options = { host: '127.0.0.1', port, method: 'POST', path: '/admission', ca: root.certificatePem, headers };
    const asked = request({ ...options, servername: NAME, agent: false });
    asked.on('error', () => undefined).write('{');
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    assert.equal(response.statusCode, 408);
  });

  it('has few connections, and lets the source that holds most of them make way', async () => {
    const crowd = await Promise.all(Array.from({ length: 32 }, async () => idle()));
    const oneEnds = Promise.race(crowd.map(async (socket) => once(socket, 'close')));
    assert.equal((await ask('{}')).status, 200);
    await oneEnds;
    assert.equal(crowd.filter(({ destroyed }) => destroyed).length, 1);
    for (const socket of crowd) socket.destroy();
  });

  it('says nothing of a bug, and reports it', async () => {
    const { status, text } = await ask('"bug"');
    assert.deepEqual([status, JSON.parse(text)], [500, { error: 'internal error' }]);
    assert.equal(events.of('unexpected')[0]?.['where'], 'admission');
  });
});
