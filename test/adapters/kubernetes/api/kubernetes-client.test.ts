import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { ApiConnection } from '../../../../src/adapters/kubernetes/api/api-connection.ts';
import { CONFIG_MAP, NAMESPACE, POD } from '../../../../src/adapters/kubernetes/api/kinds.ts';
import { KubernetesClient } from '../../../../src/adapters/kubernetes/api/kubernetes-client.ts';
import type { WatchEvent } from '../../../../src/adapters/kubernetes/api/kubernetes-api.ts';
import { FakeClock, settle } from '../../../support/fakes/fake-clock.ts';

const WAITING = { signal: new AbortController().signal };
const page = (names: readonly string[], more: object = {}) => ({
  metadata: { resourceVersion: '7', ...more },
  items: names.map((name) => ({ metadata: { name } })),
});

describe('The Kubernetes client', () => {
  let server: Server;
  let clock: FakeClock;
  let asked: { readonly line: string; readonly type: string | undefined; readonly body: string }[];
  let answer: RequestListener;
  let api: KubernetesClient;

  beforeEach(async () => {
    clock = new FakeClock();
    asked = [];
    server = createServer((incoming, response) => {
      void text(incoming).then((body) => {
        const line = `${incoming.method ?? ''} ${incoming.url ?? ''}`;
        asked.push({ line, type: incoming.headers['content-type'], body });
        answer(incoming, response);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    api = new KubernetesClient({ connection: plain((server.address() as AddressInfo).port), clock });
  });
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  const answers = (status: number, body: object, headers: Record<string, string> = {}): void => {
    answer = (_, response) => void response.writeHead(status, headers).end(JSON.stringify(body));
  };

  it('finds no object where the server says 404, and lets it be gone already', async () => {
    answers(404, { reason: 'NotFound' });
    assert.equal(await api.get(POD, { namespace: 'shop', name: 'web' }, WAITING), undefined);
    await api.delete(POD, { namespace: 'shop', name: 'web', uid: 'u' }, WAITING);
    assert.deepEqual(
      asked.map(({ line }) => line),
      ['GET /api/v1/namespaces/shop/pods/web', 'DELETE /api/v1/namespaces/shop/pods/web'],
    );
    assert.match(asked[1]?.body ?? '', /"preconditions":\{"uid":"u"\}/);
  });

  it('reads a list page by page, and says of each item what it is', async () => {
    answer = ({ url }, response) => {
      const more = url?.includes('continue=next') ?? false;
      response.end(JSON.stringify(more ? page(['b']) : page(['a'], { continue: 'next' })));
    };
    const { items, resourceVersion } = await api.list(NAMESPACE, { labels: 'mesh=true' }, WAITING);
    assert.deepEqual(
      items.map(({ kind, metadata }) => `${kind} ${metadata.name}`),
      ['Namespace a', 'Namespace b'],
    );
    assert.equal(resourceVersion, '7');
    assert.match(asked[0]?.line ?? '', /labelSelector=mesh%3Dtrue&limit=250/);
  });

  it('asks for smaller pages where one is larger than it takes', async () => {
    answer = ({ url }, response) => {
      const limit = Number(/limit=(\d+)/.exec(url ?? '')?.[1]);
      if (limit > 100) response.end('x'.repeat(33 * 1024 * 1024));
      else response.end(JSON.stringify(page(['a'])));
    };
    const { items } = await api.list(POD, {}, WAITING);
    assert.equal(items.length, 1);
    assert.deepEqual(
      asked.map(({ line }) => /limit=\d+/.exec(line)?.[0]),
      ['limit=250', 'limit=125', 'limit=63'],
    );
  });

  it('applies as the manager `capstan`, and has unknown fields refused', async () => {
    answers(200, {});
    const object = { metadata: { name: 'roots', namespace: 'shop' }, data: {} };
    await api.apply(CONFIG_MAP, object, { ...WAITING, force: true, dryRun: true });
    const [{ line, type, body } = { line: '', type: '', body: '' }] = asked;
    assert.match(line, /^PATCH \/api\/v1\/namespaces\/shop\/configmaps\/roots\?/);
    for (const part of ['fieldManager=capstan', 'force=true', 'fieldValidation=Strict', 'dryRun=All'])
      assert.ok(line.includes(part), part);
    assert.equal(type, 'application/apply-patch+yaml');
    assert.deepEqual(JSON.parse(body), { apiVersion: 'v1', kind: 'ConfigMap', ...object });
  });

  it('says what the server answered, and how long it asks to wait', async () => {
    answers(429, { reason: 'TooManyRequests', message: 'later' }, { 'retry-after': '3' });
    await assert.rejects(api.raw('/version', WAITING), { status: 429, reason: 'TooManyRequests', retryAfterMs: 3_000 });
    answers(429, {}, { 'retry-after': '86400' });
    await assert.rejects(api.raw('/version', WAITING), { retryAfterMs: 60_000 }, 'a minute at most');
    answers(409, { reason: 'Conflict', message: 'the object has been modified' });
    const object = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'a', namespace: 'b', uid: '', resourceVersion: '1' },
    };
    await assert.rejects(api.replace(CONFIG_MAP, object, { ...WAITING, subresource: 'status' }), { status: 409 });
    assert.match(asked.at(-1)?.line ?? '', /^PUT \/api\/v1\/namespaces\/b\/configmaps\/a\/status\?/);
  });

  it('takes it for too large a request where etcd has no room for one', async () => {
    answers(500, { message: 'etcdserver: request is too large' });
    await assert.rejects(api.apply(CONFIG_MAP, { metadata: { namespace: 'shop', name: 'big' } }, WAITING), {
      status: 413,
    });
  });

  it('gives up on a server that does not answer within ten seconds, or cannot be reached', async () => {
    answer = () => undefined;
    const waiting = api.raw('/version', WAITING);
    void waiting.catch(() => undefined);
    await settle();
    await clock.advance(10_000);
    await assert.rejects(waiting, { status: 0, reason: 'Timeout', message: /within 10 s/ });
    const nowhere = new KubernetesClient({ connection: plain(1), clock });
    await assert.rejects(nowhere.raw('/version', WAITING), {
      status: 0,
      reason: 'Unreachable',
      message: /ECONNREFUSED/,
    });
  });

  it('ends with the reason of its signal', async () => {
    answer = () => undefined;
    const end = new AbortController();
    const waiting = api.raw('/version', end);
    end.abort(new Error('stop'));
    await assert.rejects(waiting, { message: 'stop' });
  });

  it('tells what a watch says, however its lines are cut', async () => {
    const object = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'ä', uid: 'u', resourceVersion: '8' } };
    const lines = [
      { type: 'ADDED', object },
      { type: 'BOOKMARK', object: { metadata: { resourceVersion: '9' } } },
      { type: 'NEWER', object: {} },
    ];
    const bytes = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    answer = (_, response) => {
      for (const byte of bytes) response.write(Buffer.of(byte));
      response.end();
    };
    const events: WatchEvent[] = [];
    for await (const event of api.watch(POD, { namespace: 'shop' }, '5', WAITING)) events.push(event);
    assert.deepEqual(events, [{ type: 'open' }, { type: 'added', object }, { type: 'bookmark', resourceVersion: '9' }]);
    assert.match(asked[0]?.line ?? '', /pods\?watch=true&allowWatchBookmarks=true&timeoutSeconds=40&resourceVersion=5/);
  });

  for (const [field, value] of [
    ['name', ['web']],
    ['name', undefined],
    ['namespace', { in: 'shop' }],
    ['uid', 7],
    ['resourceVersion', null],
  ] as const) {
    it(`takes no object whose ${field} is ${value === undefined ? 'absent' : JSON.stringify(value)}: it would go into records`, async () => {
      const metadata = { name: 'web', namespace: 'shop', uid: 'u', resourceVersion: '8', [field]: value };
      const malformed = { status: 0, reason: 'Malformed', message: /an object whose name, namespace, UID or version/ };
      answers(200, { metadata: { resourceVersion: '8' }, items: [{ metadata }] });
      await assert.rejects(api.list(POD, {}, WAITING), malformed);
      for (const type of ['ADDED', 'MODIFIED', 'DELETED']) {
        answer = (_, response) => void response.end(`${JSON.stringify({ type, object: { metadata } })}\n`);
        await assert.rejects(Array.fromAsync(api.watch(POD, {}, '5', WAITING)), malformed);
      }
    });
  }

  it('rejects a watch whose version is too old, whether at once or later', async () => {
    const status = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' };
    const watched = async () => Array.fromAsync(api.watch(POD, {}, '5', WAITING));
    answers(410, status);
    await assert.rejects(watched(), { status: 410, reason: 'Expired' });
    answer = (_, response) => void response.end(`${JSON.stringify({ type: 'ERROR', object: status })}\n`);
    await assert.rejects(watched(), { status: 410, reason: 'Expired' });
  });

  it('gives up on a watch that the server should have ended', async () => {
    answer = (_, response) => response.writeHead(200).flushHeaders();
    const watch = api.watch(POD, {}, '5', WAITING);
    await watch.next();
    const next = watch.next();
    void next.catch(() => undefined);
    await clock.advance(45_000);
    await assert.rejects(next, { status: 0, reason: 'Timeout' });
  });
});

/** A connection without TLS. */
function plain(port: number): ApiConnection {
  return {
    send: async ({ method, path, body, contentType = 'application/json' }, { signal }) => {
      const text = body === undefined ? '' : JSON.stringify(body);
      const headers = { 'content-type': contentType, 'content-length': Buffer.byteLength(text) };
      const sent = request({ port, host: '127.0.0.1', path, method, signal, headers, agent: false });
      sent.end(text);
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      sent.on('error', () => undefined);
      return response;
    },
  };
}
