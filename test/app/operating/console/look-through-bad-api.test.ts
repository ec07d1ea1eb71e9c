// A look for rogue CAs through an API server that is busy, never comes to an end, falls silent or is gone in the middle: what can be seen
// is found, and what could not be seen is said.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { json } from 'node:stream/consumers';
import { lookInThread } from '../../../../src/app/estate/look-in-thread.ts';
import { serverCertificate } from '../../../adapters/policy/bundle/bundle-server.ts';
import { tiersAt } from '../../../support/paths/tiers.ts';

type Bad = (request: IncomingMessage, response: ServerResponse) => boolean;

const { signal } = new AbortController();

describe('A look for rogue CAs through an API server that answers badly', function () {
  this.timeout(120_000);
  let folder: string;
  let server: Server;
  let bad: Bad;
  let kubeconfig: string;
  const tier = tiersAt(Date.now());

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'capstan-bad-api-'));
    const { certificatePem, keyPem, caPem } = await serverCertificate();
    const [inMap, inSecret] = [await tier('In a ConfigMap'), await tier('In a Secret')];
    const resource = (name: string, kind: string) => {
      return { resource: name, responseKind: { kind }, scope: 'Namespaced', verbs: ['list', 'watch'] };
    };
    const list = (items: readonly object[]) => ({ kind: 'APIGroupDiscoveryList', items });
    const resources = [resource('configmaps', 'ConfigMap'), resource('secrets', 'Secret')];
    const object = (data: object) => ({ metadata: { name: 'ca', namespace: 'shop', resourceVersion: '1' }, data });
    const items = (...found: readonly object[]) => ({ metadata: { resourceVersion: '1' }, items: found });
    const answers: Readonly<Record<string, object>> = {
      '/api': list([{ metadata: { name: '' }, versions: [{ version: 'v1', resources }] }]),
      '/version': { gitVersion: 'v1.37.0' },
      '/apis': list([]),
      '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews': { status: { allowed: true } },
      '/api/v1/configmaps': items(object({ 'ca.pem': inMap.pem })),
      '/api/v1/secrets': items(object({ 'ca.crt': Buffer.from(inSecret.pem).toString('base64') })),
    };
    server = createServer({ cert: certificatePem, key: keyPem }, (request, response) => {
      void (request.method === 'POST' ? json(request) : Promise.resolve()).then(() => {
        if (bad(request, response)) return;
        const answer = answers[new URL(request.url ?? '', 'https://api').pathname];
        response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
        response.end(JSON.stringify(answer ?? { reason: 'NotFound', message: 'there is none' }));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    kubeconfig = path.join(folder, 'kubeconfig');
    const url = `https://localhost:${(server.address() as AddressInfo).port}`;
    const cluster = { server: url, 'certificate-authority-data': Buffer.from(caPem).toString('base64') };
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'a' },
        clusters: [{ name: 'a', cluster }],
        users: [{ name: 'a', user: { token: 'token' } }],
        contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
      }),
    );
  });
  after(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
    rmSync(folder, { recursive: true });
  });

  async function look(how: Bad) {
    bad = how;
    const asked = {
      corporate: '',
      federated: '',
      paths: [],
      nowMs: Date.now(),
      cluster: { secrets: true, kubeconfig },
    };
    const { findings, missed } = await lookInThread(asked, { signal });
    return { found: findings.found.map(({ subject }) => subject).sort(), missed };
  }

  const BOTH = ['CN=In a ConfigMap', 'CN=In a Secret'];
  const isList = ({ url = '' }: IncomingMessage, what: string) => url.startsWith(`/api/v1/${what}?`);
  const refuse = (response: ServerResponse, status: number): true => {
    response.writeHead(status, { 'retry-after': '1' }).end(JSON.stringify({ message: 'not now' }));
    return true;
  };

  it('finds all of one that is busy now and then, or restarts', async () => {
    const asked = new Map<string, number>();
    const { found, missed } = await look(({ url = '' }, response) => {
      const times = (asked.get(url) ?? 0) + 1;
      asked.set(url, times);
      return times % 2 === 1 && refuse(response, times % 4 === 1 ? 429 : 503);
    });
    assert.deepEqual([found, missed.count], [BOTH, 0]);
  });

  it('ends with a list whose pages never end, and finds what is elsewhere', async () => {
    let at = 0;
    const { found, missed } = await look((request, response) => {
      if (!isList(request, 'configmaps')) return false;
      at += 1;
      response.end(JSON.stringify({ metadata: { resourceVersion: '1', continue: `page ${at}` }, items: [] }));
      return true;
    });
    assert.deepEqual(found, ['CN=In a Secret']);
    assert.match(missed.first.join(), /^configmaps could not be listed to their end: there are more than 200000/);
  });

  it('says of one that falls silent what it could not see, and finds the rest', async () => {
    const { found, missed } = await look((request) => isList(request, 'configmaps'));
    assert.deepEqual(found, ['CN=In a Secret']);
    assert.match(missed.first.join(), /^configmaps could not be listed to their end: .* did not answer within 10 s/);
  });

  it('keeps what it saw of one that is gone in the middle', async () => {
    let isGone = false;
    const { found, missed } = await look((request, response) => {
      isGone ||= isList(request, 'secrets');
      if (isGone) response.socket?.destroy();
      return isGone;
    });
    assert.deepEqual(found, ['CN=In a ConfigMap']);
    assert.match(missed.first.join(), /secrets could not be listed to their end: the API server cannot be reached/);
  });

  it('fails, and says why, where it is not even told which kinds there are', async () => {
    await assert.rejects(
      look((_, response) => refuse(response, 403)),
      /answered 403: not now/,
    );
  });
});
