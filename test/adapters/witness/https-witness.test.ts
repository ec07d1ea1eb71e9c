import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { HttpsWitness } from '../../../src/adapters/witness/https-witness.ts';
import { serverCertificate } from '../policy/bundle/bundle-server.ts';

describe('A server that witnesses heads', () => {
  let folder: string;
  let server: Server;
  let url: string;
  let status: number;
  let silent: boolean;
  let answered: string;
  const posted: {
    readonly body: string;
    readonly authorization: string | undefined;
    readonly method: string | undefined;
    readonly range?: string;
  }[] = [];
  const { signal } = new AbortController();
  const head = { timeMs: 1, digest: 'ab'.repeat(32), text: '{"kind":"head"}' };

  before(async () => {
    const { certificatePem, keyPem, caPem } = await serverCertificate();
    folder = await mkdtemp(path.join(tmpdir(), 'capstan-witness-'));
    await writeFile(path.join(folder, 'ca.pem'), caPem);
    await writeFile(path.join(folder, 'token'), 'a-token\n');
    server = createServer({ cert: certificatePem, key: keyPem }, (request, response) => {
      const { method, headers } = request;
      void text(request).then((body) => {
        const { authorization, range } = headers;
        posted.push({ body, authorization, method, ...(range !== undefined && { range }) });
        if (!silent) response.writeHead(status).end(answered);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `https://localhost:${(server.address() as AddressInfo).port}/heads?place=1`;
  });
  beforeEach(() => {
    [status, silent, answered] = [204, false, 'some text'];
    posted.length = 0;
  });
  after(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });
  const witness = (more: { readonly tokenFile?: string } = {}) =>
    new HttpsWitness({ url, caFile: path.join(folder, 'ca.pem'), ...more });

  it('gets each as one line, with the token of whoever posts it', async () => {
    await witness({ tokenFile: path.join(folder, 'token') }).keep(head, { signal });
    assert.deepEqual(posted, [{ body: '{"kind":"head"}\n', authorization: 'Bearer a-token', method: 'POST' }]);
    await witness().keep(head, { signal });
    assert.equal(posted[1]?.authorization, undefined);
  });

  it('has kept none that it answers otherwise', async () => {
    status = 503;
    await assert.rejects(witness().keep(head, { signal }), /^Error: it answers with status 503$/);
    status = 302;
    await assert.rejects(witness().keep(head, { signal }), /^Error: it answers with status 302$/);
  });

  it('says what it has, the newest first, where it answers a GET with lines', async () => {
    status = 206;
    answered = '"cut"}\n{"a":1}\n{"b":2}\n';
    const lines = await witness({ tokenFile: path.join(folder, 'token') }).lastLines({ signal });
    assert.deepEqual(lines, ['{"b":2}', '{"a":1}', '"cut"}']);
    assert.deepEqual(
      posted.map(({ method, authorization, range }) => [method, authorization, range]),
      [['GET', 'Bearer a-token', 'bytes=-4194304']],
    );
  });

  it('says what it has also where the last line has no line feed, and where it gives more than was asked for', async () => {
    status = 200;
    answered = '{"a":1}\r\n{"b":2}';
    assert.deepEqual(await witness().lastLines({ signal }), ['{"b":2}', '{"a":1}']);
    answered = `${'{"a":1}\n'.repeat(1_000_000)}{"b":2}\n`;
    const [newest, ...others] = await witness().lastLines({ signal });
    assert.equal(newest, '{"b":2}');
    assert.ok(others.length >= 500_000 && others.length < 600_000, `${others.length} lines are kept`);
    answered = '{"a":1}\n'.repeat(9_000_000);
    await assert.rejects(witness().lastLines({ signal }), /^Error: it has more than 64 MiB, and does not know Range/);
  });

  it('says nothing where it does not tell, and why where that may pass', async () => {
    for (const one of [401, 404, 405, 501]) {
      status = one;
      assert.deepEqual(await witness().lastLines({ signal }), []);
    }
    status = 503;
    await assert.rejects(witness().lastLines({ signal }), /^Error: it answers with status 503 when it is asked/);
    await assert.rejects(new HttpsWitness({ url }).lastLines({ signal }), /^Error: it does not answer/);
  });

  it('is verified by the CA that is given', async () => {
    await assert.rejects(new HttpsWitness({ url }).keep(head, { signal }), /^Error: it does not answer \([A-Z_]+\)$/);
    assert.deepEqual(posted, []);
  });

  it('is waited for until the signal aborts', async () => {
    silent = true;
    const patience = new AbortController();
    const kept = witness().keep(head, { signal: patience.signal });
    while (posted.length === 0) await new Promise((resolve) => setImmediate(resolve));
    patience.abort();
    await assert.rejects(kept);
  });

  it('is named without its path and query, in which a secret may stand', () => {
    assert.match(witness().name, /^https:\/\/localhost:\d+$/);
  });
});
