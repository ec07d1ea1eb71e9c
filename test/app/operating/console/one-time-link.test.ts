// The console of `serve --dev` over the wire: who opens the link first is signed in, and nobody else gets anything.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { FIRST_PAGE, readBuiltPages } from '../../../../src/adapters/http/console/built-pages.ts';
import type { RefusalGroup } from '../../../../src/review/explain/refusal-groups.ts';
import { eventually } from '../../../support/eventually.ts';
import { RunningServer } from '../../support/running-server.ts';
import { demandBuiltConsole } from './support/built-console.ts';

const SETTINGS = { 'listen.console.address': '127.0.0.1:0', 'listen.console.oneTimeLink': true };

describe('The console of dev mode', () => {
  let server: RunningServer;
  let base: string;
  let secret: string;
  before(demandBuiltConsole);
  beforeEach(async () => {
    server = await RunningServer.start({ settings: SETTINGS });
    [base = '', secret = ''] = server.report.consoleUrl!.split('/#');
  });
  afterEach(async () => server[Symbol.asyncDispose]());

  const post = async (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
    fetch(base + path, {
      method: 'POST',
      headers: { origin: base, 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });

  async function signedIn(): Promise<{ readonly cookie: string }> {
    const answer = await post('/login/link', { secret });
    assert.equal(answer.status, 200);
    return { cookie: answer.headers.getSetCookie()[0]!.split(';')[0]! };
  }

  const get = async (path: string, headers: Readonly<Record<string, string>> = {}) => fetch(base + path, { headers });

  it('shows who opened the link what operators may read', async () => {
    const session = await signedIn();
    const { role } = (await (await get('/api/session', session)).json()) as { role: string };
    assert.equal(role, 'security');
    const overview = (await (await get('/api/overview', session)).json()) as { trustDomain: string };
    assert.equal(overview.trustDomain, 'cluster.local');
    const { issuers } = (await (await get('/api/issuers', session)).json()) as { issuers: readonly unknown[] };
    assert.equal(issuers.length, 1);
    assert.equal((await get('/api/anchors/rotation', session)).status, 200);
  });

  it('shows what was refused by its cause, with what would pass', async () => {
    await server.ask('shop', 'api');
    await server.ask('shop', 'api');
    const { groups } = (await (await get('/api/refusals?since=15m', await signedIn())).json()) as {
      groups: readonly RefusalGroup[];
    };
    assert.equal(groups.length, 1);
    const [{ reason, namespace, count, identities, latest }] = groups as [RefusalGroup];
    assert.deepEqual({ reason, namespace, count }, { reason: 'CAP-P01', namespace: 'shop', count: 2 });
    assert.deepEqual(identities, { first: ['spiffe://cluster.local/ns/shop/sa/api'], count: 1 });
    assert.ok(latest.toPass.length > 0);
    assert.match(latest.explanation.join('\n'), /to pass: /);
  });

  it('shows policies in force and what operators did', async () => {
    const session = await signedIn();
    const { inForce } = (await (await get('/api/policies', session)).json()) as { inForce: { revision: string } };
    assert.match(inForce.revision, /^[0-9a-f]+$/);
    const { operations } = (await (await get('/api/operations', session)).json()) as { operations: unknown };
    assert.deepEqual(operations, []);
  });

  it('sends long answers compressed to who takes that, and whole to everybody', async () => {
    const session = await signedIn();
    for (const account of ['one', 'two', 'three']) await server.ask('default', account);
    const answered = async (path: string, encoding: string) => {
      const answer = await get(path, { ...session, 'accept-encoding': encoding });
      return {
        vary: answer.headers.get('vary'),
        by: answer.headers.get('content-encoding'),
        body: (await answer.json()) as { readonly rows: readonly object[] },
      };
    };
    const patience = { withinMs: 20_000, everyMs: 500 };
    const zipped = await eventually(
      'all three',
      async () => {
        const one = await answered('/api/inventory?namespace=default', 'gzip');
        return one.body.rows.length === 3 && one;
      },
      patience,
    );
    const plain = await answered('/api/inventory?namespace=default', 'identity');
    assert.deepEqual([zipped.by, plain.by], ['gzip', null]);
    assert.deepEqual([zipped.vary, plain.vary], ['Accept-Encoding', 'Accept-Encoding']);
    assert.deepEqual(zipped.body.rows, plain.body.rows);
    assert.equal((await answered('/api/operations', 'gzip')).by, null);
    for (const [encoding, by] of [
      ['br, GZIP;q=0.5', 'gzip'],
      ['br;q=1.0, gzip;q=0', null],
      ['gzip; q=0.000', null],
      ['notgzip, gzip-none', null],
    ] as const) {
      assert.equal((await answered('/api/inventory?namespace=default', encoding)).by, by, encoding);
    }
  });

  it('says what is wrong with a question', async () => {
    const session = await signedIn();
    for (const since of ['yesterday', '31d', '-1h']) {
      assert.equal((await get(`/api/refusals?since=${since}`, session)).status, 400, since);
    }
    const place = { order: 'identity', identity: 'a\0', cluster: '', podUid: '' };
    const cursor = Buffer.from(JSON.stringify(place)).toString('base64url');
    for (const question of ['?podName=a%00', '/identity?identity=%00', `?cursor=${cursor}`]) {
      assert.equal((await get(`/api/inventory${question}`, session)).status, 400, question);
    }
  });

  it('takes the link once', async () => {
    await signedIn();
    assert.equal((await post('/login/link', { secret })).status, 401);
    assert.equal(new URL(server.report.consoleUrl!).hash.length > 20, true);
  });

  it('tells nothing to who is not signed in', async () => {
    for (const path of ['/api/overview', '/api/issuers', '/api/anchors/rotation', '/api/live']) {
      const answer = await get(path);
      assert.deepEqual([answer.status, await answer.json()], [401, { error: 'nobody is signed in' }], path);
    }
    assert.deepEqual(await (await get('/api/session')).json(), { ways: ['link'] });
  });

  it('gives the cookie to no script, and to no other site', async () => {
    const [cookie = ''] = (await post('/login/link', { secret })).headers.getSetCookie();
    assert.match(cookie, /; HttpOnly/);
    assert.match(cookie, /; SameSite=Strict/);
  });

  it('knows nobody by a session that was ended', async () => {
    const session = await signedIn();
    assert.equal((await post('/logout', {}, session)).status, 200);
    assert.equal((await get('/api/overview', session)).status, 401);
  });

  it('is not reached under the name of somebody else', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const { port } = new URL(base);
      const headers = { host: `evil.example:${port}` };
      request({ host: '127.0.0.1', port, headers, path: '/' }, (answer) => {
        void text(answer).then(() => resolve(answer.statusCode));
      })
        .on('error', reject)
        .end();
    });
    assert.equal(status, 421);
  });

  it('takes nothing from the pages of others', async () => {
    for (const headers of [{ origin: 'http://evil.example' }, { 'sec-fetch-site': 'cross-site' }, { origin: 'null' }]) {
      assert.equal((await post('/login/link', { secret }, headers)).status, 403);
    }
    await signedIn();
  });

  it('takes a body whose length is not said before, within the same bound', async () => {
    const chunked = async (said: string) => {
      const init = { method: 'POST', headers: { origin: base }, body: new Blob([said]).stream(), duplex: 'half' };
      return fetch(`${base}/login/link`, init as RequestInit);
    };
    assert.equal((await chunked('{')).status, 401);
    assert.equal((await chunked('x'.repeat(4_097))).status, 413);
    assert.equal((await chunked(JSON.stringify({ secret }))).status, 200);
  });

  it('asks of the server only what its pages show, and changes nothing', async () => {
    const session = await signedIn();
    assert.equal((await get('/api/policy-time', session)).status, 404);
    assert.equal((await post('/api/issuers/default/suspend', { reason: 'x' }, session)).status, 404);
  });

  it('bounds attempts to sign in by where they come from', async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, async () => post('/login/link', { secret: 'x' })));
    assert.deepEqual([...new Set(answers.map(({ status }) => status))].sort(), [401, 429]);
  });

  it('has nobody’s attempts used up by images, frames and scripts in pages of others', async () => {
    // `fetch` says of itself that it is one of these.
    const asked = await Promise.all(Array.from({ length: 40 }, async () => get('/login/oidc')));
    assert.deepEqual([...new Set(asked.map(({ status }) => status))], [403]);
    assert.equal((await post('/login/link', { secret })).status, 200);
  });

  it('sends its pages with a policy that lets no script in and no site frame them', async () => {
    for (const path of ['/', '/issuers', '/no-such-page', '/api/session']) {
      const { headers } = await get(path);
      const policy = headers.get('content-security-policy') ?? '';
      assert.match(policy, /default-src 'none'; script-src 'self';/);
      assert.match(policy, /frame-ancestors 'none'/);
      assert.doesNotMatch(policy, /unsafe|https?:|data:/);
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.equal(headers.get('strict-transport-security'), null, 'without TLS there is none to insist on');
    }
  });

  it('follows while a session is there', async () => {
    const session = await signedIn();
    const answer = await get('/api/live', session);
    assert.equal(answer.headers.get('content-type'), 'text/event-stream');
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    const { value } = await reader.read();
    assert.match(Buffer.from(value!).toString(), /^retry: \d+\n\n$/);
    await reader.cancel();
  });
});

describe('The pages of the console', () => {
  before(demandBuiltConsole);

  it('are less than 200 KB in all, as they go over the wire', async () => {
    const pages = await readBuiltPages();
    assert.ok(pages.has(FIRST_PAGE));
    const bytes = [...pages.values()].reduce((sum, { gzip }) => sum + gzip.length, 0);
    assert.ok(bytes < 200_000, `${bytes} bytes`);
  });

  it('name nothing that is elsewhere', async () => {
    for (const [path, { body }] of await readBuiltPages()) {
      const links = Buffer.from(body)
        .toString()
        .matchAll(/https?:\/\/[^\s"'`)]+/g);
      const foreign = [...links].map(([link]) => link).filter((link) => !link.startsWith('http://www.w3.org/'));
      assert.deepEqual(foreign, [], path);
    }
  });
});
