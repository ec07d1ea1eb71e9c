import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  FetchedKeys,
  FETCH_COOLDOWN_MS,
  REFRESH_AFTER_MS,
  STALE_AFTER_MS,
  type FetchedKeysSettings,
} from '../../../../src/adapters/credentials/tokens/fetched-keys.ts';
import {
  publishedKeys,
  type PublishedKeysSettings,
} from '../../../../src/adapters/credentials/tokens/published-keys.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';
import { recordEvents, type RecordedEvents } from '../../../support/fakes/recorded-events.ts';
import { signingKey, type SigningKey } from './token-maker.ts';

const WAITING = { signal: new AbortController().signal };

describe('The keys of a token issuer', () => {
  let server: Server;
  let url: string;
  let clock: FakeClock;
  let events: RecordedEvents;
  let one: SigningKey;
  let two: SigningKey;
  let requests: string[];
  let answer: RequestListener;

  before(async () => {
    [one, two] = [await signingKey('one'), await signingKey('two')];
  });
  beforeEach(async () => {
    clock = new FakeClock();
    events = recordEvents();
    requests = [];
    answer = publish(one);
    server = createServer((request, response) => {
      requests.push(request.url ?? '');
      answer(request, response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  const publish =
    (...keys: readonly SigningKey[]): RequestListener =>
    (_request, response) =>
      response.end(JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }));
  const open = ({ timeoutMs, ...changes }: Partial<PublishedKeysSettings & FetchedKeysSettings> = {}): FetchedKeys => {
    const fetch = publishedKeys({ issuer: url, jwksUrl: `${url}/keys`, ...changes });
    return new FetchedKeys({ clock, events, fetch }, { issuer: url, ...(timeoutMs !== undefined && { timeoutMs }) });
  };
  const pass = (ms: number): void => clock.pass(ms);

  it('that cannot be had are a problem, and are tried for until they can, though nobody shows a token', async () => {
    const stop = new AbortController();
    const keys = open();
    const trying = keys.keepTrying(stop);
    assert.equal(keys.problem(), undefined, 'nobody has asked for them yet');
    answer = (_request, response) => response.writeHead(503).end();
    await assert.rejects(keys.current(WAITING), { reason: 'CAP-S05' });
    assert.match(keys.problem() ?? '', /^the keys of the token issuer .* could not be fetched$/);
    answer = publish(one);
    await clock.advance(FETCH_COOLDOWN_MS);
    while (keys.problem() !== undefined) await new Promise(setImmediate);
    assert.notEqual(keys.peek(), undefined);
    const asked = requests.length;
    await clock.advance(FETCH_COOLDOWN_MS);
    assert.equal(requests.length, asked, 'what is well is left alone');
    stop.abort();
    await trying;
  });

  it('that have grown too old to judge by are a problem once a newer set cannot be had', async () => {
    const keys = open();
    await keys.current(WAITING);
    pass(STALE_AFTER_MS);
    assert.equal(keys.problem(), undefined, 'the next token has them fetched');
    answer = (_request, response) => response.writeHead(503).end();
    await assert.rejects(keys.current(WAITING), { reason: 'CAP-S05' });
    assert.notEqual(keys.problem(), undefined);
  });

  it('are fetched once, for however many ask at the same time', async () => {
    const keys = open();
    assert.equal(keys.peek(), undefined);
    const sets = await Promise.all([keys.current(WAITING), keys.current(WAITING), keys.current(WAITING)]);
    assert.equal(new Set(sets).size, 1);
    assert.deepEqual(requests, ['/keys']);
    assert.equal(keys.peek(), sets[0]);
    assert.equal(events.of('reloaded').length, 1);
  });

  it('are read behind a byte order mark', async () => {
    answer = (_request, response) => response.end(`\uFEFF${JSON.stringify({ keys: [one.jwk] })}`);
    assert.ok(await open().current(WAITING));
  });

  it('are found by discovery', async () => {
    const keys = open({ jwksUrl: undefined });
    answer = (request, response) =>
      request.url === '/jwks'
        ? publish(one)(request, response)
        : response.end(JSON.stringify({ issuer: url, jwks_uri: `${url}/jwks` }));
    await keys.current(WAITING);
    assert.deepEqual(requests, ['/.well-known/openid-configuration', '/jwks']);
  });

  const broken: readonly (readonly [string, RequestListener, RegExp])[] = [
    ['that fails', (_request, response) => response.writeHead(500).end(), /status 500/],
    [
      'that redirects',
      (_r, response) => response.writeHead(302, { location: 'http://127.0.0.1:1' }).end(),
      /status 302/,
    ],
    ['that is not JSON', (_request, response) => response.end('<html>'), /not JSON/],
    ['that is no key set', (_request, response) => response.end('{"keys":{}}'), /not a JWK set/],
    ['that is null', (_request, response) => response.end('null'), /not a JWK set/],
    [
      'that has a private key',
      (_r, response) => response.end(JSON.stringify({ keys: [{ ...one.jwk, d: 'abc' }] })),
      /holds a private key: "one"/,
    ],
    ['that has no keys', (_request, response) => response.end('{"keys":[]}'), /no keys/],
    ['that has keys of nothing', (_request, response) => response.end('{"keys":[1]}'), /key is not an object/],
    [
      'that has too many keys',
      (_r, response) => response.end(JSON.stringify({ keys: Array(101).fill({}) })),
      /101 keys/,
    ],
    ['that does not end', (_request, response) => void endless(response), /more than 262144 bytes/],
    ['that breaks off', (_request, response) => void response.write('{', () => response.destroy()), /aborted|hang up/],
  ];
  for (const [what, listener, problem] of broken) {
    it(`are not to be had from an answer ${what}: UNAVAILABLE, and the operator is told`, async () => {
      answer = listener;
      await assert.rejects(open().current(WAITING), { reason: 'CAP-S05', code: 'dependency_unavailable' });
      assert.match(String(events.of('reloadFailed')[0]?.problem), problem);
    });
  }

  it('are not waited for beyond the time limit', async () => {
    answer = () => undefined;
    await assert.rejects(open({ timeoutMs: 30 }).current(WAITING), { reason: 'CAP-S05' });
  });

  it('are not taken from the discovery document of another issuer', async () => {
    for (const issuer of [`${url}/`, 'https://elsewhere', undefined]) {
      answer = (_request, response) => response.end(JSON.stringify({ issuer, jwks_uri: `${url}/jwks` }));
      await assert.rejects(open({ jwksUrl: undefined }).current(WAITING), { reason: 'CAP-S05' });
    }
    assert.ok(!requests.includes('/jwks'));
  });

  it('are not fetched without TLS, unless from this machine', async () => {
    for (const jwksUrl of ['http://10.0.0.1/keys', 'file:///etc/passwd', 'keys', 'ftp://127.0.0.1/']) {
      assert.throws(() => open({ jwksUrl }), { reason: 'CAP-X03' });
    }
    answer = (_request, response) => response.end(JSON.stringify({ issuer: url, jwks_uri: 'http://10.0.0.1/jwks' }));
    await assert.rejects(open({ jwksUrl: undefined }).current(WAITING), { reason: 'CAP-S05' });
  });

  it('are not asked for again at once after a failure', async () => {
    const keys = open();
    answer = (_request, response) => response.writeHead(500).end();
    for (let i = 0; i < 5; i += 1) await assert.rejects(keys.current(WAITING), { reason: 'CAP-S05' });
    assert.equal(requests.length, 1);
    answer = publish(one);
    pass(FETCH_COOLDOWN_MS);
    await keys.current(WAITING);
    assert.equal(requests.length, 2);
  });

  it('are not waited for by a caller that is gone, and go on being fetched for the others', async () => {
    const asked = Promise.withResolvers<ServerResponse>();
    answer = (_request, response) => asked.resolve(response);
    const keys = open();
    const gone = new AbortController();
    const [left, stays] = [keys.current(gone), keys.current(WAITING)];
    const response = await asked.promise;
    gone.abort(new Error('the client is gone'));
    await assert.rejects(left, /the client is gone/);
    response.end(JSON.stringify({ keys: [one.jwk] }));
    assert.equal(await stays, keys.peek());
  });

  describe('when a token names one that is unknown', () => {
    it('are fetched anew, at most once in the cooldown', async () => {
      const keys = open();
      const first = await keys.current(WAITING);
      answer = publish(one, two);
      assert.equal(await keys.newerThan(first, WAITING), undefined, 'they were fetched just now');
      pass(FETCH_COOLDOWN_MS);
      const [a, b] = await Promise.all([keys.newerThan(first, WAITING), keys.newerThan(first, WAITING)]);
      assert.ok(a !== undefined && a !== first && a === b);
      assert.equal(requests.length, 2);
    });

    it('stay the same object when nothing changed', async () => {
      const keys = open();
      const first = await keys.current(WAITING);
      pass(FETCH_COOLDOWN_MS);
      assert.equal(await keys.newerThan(first, WAITING), undefined);
      assert.equal(await keys.current(WAITING), first);
      assert.equal(requests.length, 2);
    });

    it('are UNAVAILABLE when the issuer does not answer', async () => {
      const keys = open();
      const first = await keys.current(WAITING);
      answer = (_request, response) => response.writeHead(503).end();
      pass(FETCH_COOLDOWN_MS);
      await assert.rejects(keys.newerThan(first, WAITING), { reason: 'CAP-S05' });
      await assert.rejects(keys.newerThan(first, WAITING), { reason: 'CAP-S05' });
      assert.equal(await keys.current(WAITING), first, 'known keys go on');
    });
  });

  it('are refreshed in passing, so that a withdrawn key goes out of use', async () => {
    const keys = open();
    const first = await keys.current(WAITING);
    answer = publish(two);
    pass(REFRESH_AFTER_MS);
    assert.equal(await keys.current(WAITING), first, 'nobody waits for it');
    while (keys.peek() === first) await new Promise(setImmediate);
  });

  it('are not judged by for ever when the issuer is gone', async () => {
    const keys = open();
    const first = await keys.current(WAITING);
    answer = (_request, response) => response.writeHead(500).end();
    pass(STALE_AFTER_MS - 1);
    assert.equal(await keys.current(WAITING), first);
    while (events.of('reloadFailed').length === 0) await new Promise(setImmediate);
    pass(FETCH_COOLDOWN_MS);
    await assert.rejects(keys.current(WAITING), { reason: 'CAP-S05' });
  });
});

async function endless(response: ServerResponse): Promise<void> {
  while (!response.destroyed) {
    response.write('x'.repeat(65_536));
    await new Promise(setImmediate);
  }
}
