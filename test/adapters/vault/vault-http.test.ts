// A server that has the Vault API, or pretends to: what it answers is taken as JSON or named, within a bound of time and size.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { PkiUpstream } from '../../../src/adapters/vault/pki/pki-upstream.ts';
import { VaultApi } from '../../../src/adapters/vault/api/vault-api.ts';
import { VaultError } from '../../../src/adapters/vault/api/vault-error.ts';
import { VaultHttp, type VaultRequest } from '../../../src/adapters/vault/api/vault-http.ts';
import { NEVER } from '../../../src/live/abortable.ts';
import { createRoot, issueLeaf, type TestAuthority } from '../../peers/support/pki.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeClock } from '../../support/fakes/fake-clock.ts';

const TOKEN = 's.LeKHVo2YT6PbVxxM';
const READ: VaultRequest = { method: 'GET', path: 'transit/keys/mesh' };
const SOON = { withinMs: 30_000 };

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const json =
  (status: number, body: unknown): Handler =>
  (_, response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
const page =
  (status: number, type: string, text: string): Handler =>
  (_, response) =>
    void response.writeHead(status, { 'content-type': type }).end(text);
const FINE = json(200, { data: { key: 'value' } });

describe('A server with the Vault API', () => {
  let authority: TestAuthority;
  let server: Server;
  let handler: Handler;
  let asked: { readonly method: string; readonly url: string; readonly headers: IncomingMessage['headers'] }[];
  let clock: FakeClock;
  let caPem: string;
  let connections: number;
  const closing: Pick<VaultHttp, 'close'>[] = [];
  before(async () => {
    authority = await createRoot('Vault Root');
    const { chainPem, keyPem } = await issueLeaf(authority, { ip: '127.0.0.1' });
    server = createServer({ cert: chainPem, key: keyPem }, (request, response) => {
      asked.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
      request.resume();
      handler(request, response);
    });
    server.on('secureConnection', () => (connections += 1));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  beforeEach(() => {
    [handler, asked, clock, caPem, connections] = [FINE, [], new FakeClock(), authority.certificatePem, 0];
  });
  afterEach(() => {
    for (const one of closing.splice(0)) one.close();
  });

  const address = (): string => `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const readFile = async (): Promise<string> => Promise.resolve(caPem);

  function http(more: object = {}): VaultHttp {
    const one = new VaultHttp({ address: address(), caFile: 'ca.pem', ...more }, { clock, readFile });
    closing.push(one);
    return one;
  }
  const fails = (kind: string, words: RegExp) => (error: unknown) =>
    error instanceof VaultError && error.kind === kind && words.test(error.message);
  const send = async (request = READ, own = http()) => own.send(request, { token: TOKEN, signal: NEVER });

  it('is asked as its own clients ask, over connections that are kept', async () => {
    const own = http({ address: `${address()}/behind/`, namespace: 'mesh' });
    assert.deepEqual(await send(READ, own), { data: { key: 'value' } });
    await send({ method: 'POST', path: 'transit/sign/mesh/sha2-256', body: { input: 'AAAA' } }, own);
    const [first, second] = asked;
    assert.deepEqual([first?.method, first?.url], ['GET', '/behind/v1/transit/keys/mesh']);
    const { 'x-vault-token': token, 'x-vault-namespace': namespace, 'x-vault-request': mark } = first!.headers;
    assert.deepEqual([token, namespace, mark], [TOKEN, 'mesh', 'true']);
    assert.deepEqual([second?.method, second?.headers['content-type']], ['POST', 'application/json']);
    assert.equal(connections, 1);
  });

  const BAD: readonly (readonly [what: string, handler: Handler, kind: string, words: RegExp])[] = [
    ['redirects', page(307, 'text/html', ''), 'away', /^answered with a redirect \(307\), which is not followed/],
    ['answers HTML', page(200, 'text/html', '<html>'), 'away', /^answered 200 with text\/html that is no JSON object/],
    ['answers no JSON', page(200, 'application/json', '{'), 'away', /is no JSON object: is the Vault API there\?$/],
    ['answers a list', json(200, [1]), 'away', /is no JSON object/],
    [
      'says that it is sealed',
      json(503, { errors: ['Vault is sealed'] }),
      'away',
      /^is sealed, or down for maintenance/,
    ],
    [
      'fails',
      json(500, { errors: ['no leader', 7] }),
      'away',
      /^failed at GET transit\/keys\/mesh \(500: no leader\)$/,
    ],
    ['denies', json(403, { errors: ['permission denied'] }), 'denied', /^denies GET transit\/keys\/mesh \(403\)/],
    ['has no such thing', json(404, { errors: [] }), 'missing', /^has nothing for GET transit\/keys\/mesh \(404\)$/],
    [
      'refuses',
      json(400, { errors: ['a\nb\u001b[31m'] }),
      'refused',
      /^refuses GET transit\/keys\/mesh \(400: a b \[31m\)$/,
    ],
    ['is talkative', json(500, { errors: ['x'.repeat(999)] }), 'away', /\(500: x{200}\)$/],
    [
      'is endless',
      page(200, 'application/json', `"${'x'.repeat(300_000)}"`),
      'away',
      /^answered more than 262144 bytes$/,
    ],
    [
      'gives the token back',
      json(500, { errors: [`no ${TOKEN}`] }),
      'away',
      /^failed at GET transit\/keys\/mesh \(500\)$/,
    ],
    ['hangs up', (request) => request.destroy(), 'away', /^cannot be reached, or not as the CA file demands/],
  ];
  for (const [what, behaves, kind, words] of BAD) {
    it(`is known for it when it ${what}`, async () => {
      handler = behaves;
      await assert.rejects(send(), fails(kind, words));
    });
  }

  it('is not quoted where it was handed a secret', async () => {
    handler = json(400, { errors: ['invalid secret hunter2'] });
    const logIn = { method: 'POST', path: 'auth/approle/login', body: { secret_id: 'hunter2' } } as const;
    await assert.rejects(send(logIn), fails('refused', /^refuses POST auth\/approle\/login \(400\)$/));
  });

  for (const [what, hangs] of [
    ['nothing', () => undefined],
    [
      'half an answer',
      (_, response) => void response.writeHead(200, { 'content-type': 'application/json' }).write('{'),
    ],
  ] as const satisfies readonly (readonly [string, Handler])[]) {
    it(`is given up when it answers ${what} within two seconds`, async () => {
      handler = hangs;
      const waiting = send();
      waiting.catch(() => undefined);
      await eventually('it is asked', () => asked.length === 1, SOON);
      await clock.advance(1_999);
      await clock.advance(1);
      await assert.rejects(waiting, fails('away', /^did not answer within 2 s$/));
      assert.equal(clock.sleepers, 0);
    });
  }

  it('is given up with who asks', async () => {
    handler = () => undefined;
    const given = new AbortController();
    const waiting = http().send(READ, { signal: given.signal });
    waiting.catch(() => undefined);
    await eventually('it is asked', () => asked.length === 1, SOON);
    given.abort(new Error('gave up'));
    await assert.rejects(waiting, /^Error: gave up$/);
  });

  it('is not spoken to under another authority, and is once the file has its own', async () => {
    caPem = (await createRoot('Another Root')).certificatePem;
    const own = http();
    await assert.rejects(send(READ, own), fails('away', /not as the CA file demands \([A-Z_]+\)/));
    assert.deepEqual(asked, []);
    caPem = authority.certificatePem;
    assert.ok(await send(READ, own));
  });

  it('is not asked with a file that has no authority', async () => {
    caPem = '';
    await assert.rejects(send(), fails('configuration', /^is not asked: ca\.pem has no certificate$/));
  });

  it('has at most sixteen connections and 256 calls at a time; one more is refused at once', async () => {
    const held: ServerResponse[] = [];
    handler = (_, response) => void held.push(response);
    const own = http();
    const calls = Array.from({ length: 256 }, async () => send(READ, own));
    await assert.rejects(send(READ, own), fails('busy', /^is not asked: 256 calls wait already$/));
    await eventually('all connections are in use', () => held.length === 16, SOON);
    handler = FINE;
    for (const response of held) json(200, {})(response.req, response);
    assert.equal((await Promise.all(calls)).length, 256);
    assert.equal(connections, 16);
    assert.ok(await send(READ, own));
  });

  it('is asked again over a new connection where it had closed the kept one', async () => {
    const own = http();
    await send(READ, own);
    // As a server that is restarted: the next call meets a socket that is dying.
    server.closeAllConnections();
    assert.ok(await send(READ, own));
  });

  describe('as the CA above an issuer', () => {
    const request = { csrPem: 'the request', lifetimeMs: 90_000 };

    function upstream(more: object = {}): PkiUpstream {
      const credential = { method: 'token', tokenFile: 'token' } as const;
      const readBoth = async ({ path }: { readonly path: string }) => Promise.resolve(path === 'token' ? TOKEN : caPem);
      const api = new VaultApi({ address: address(), caFile: 'ca.pem', credential }, { clock, readFile: readBoth });
      closing.push(api);
      return new PkiUpstream(api, { mount: 'mesh/pki', ...more });
    }

    /** Looks tokens up as a server would, and answers `then` to the rest. */
    const with200 =
      (then: Handler): Handler =>
      (incoming, response) =>
        (incoming.url?.endsWith('/lookup-self') === true ? json(200, { data: { ttl: 60, renewable: true } }) : then)(
          incoming,
          response,
        );

    it('signs what the request says, by the default issuer of its mount or a named one', async () => {
      const root = authority.certificatePem;
      const leaf = (await createRoot('Intermediate')).certificatePem;
      const bodies: string[] = [];
      const answers = [
        { certificate: leaf.trim(), ca_chain: [leaf.trim(), root.trim()], issuing_ca: root },
        { certificate: leaf, ca_chain: null, issuing_ca: root },
      ];
      handler = with200((incoming, response) => {
        incoming.setEncoding('utf8').on('data', (text: string) => bodies.push(text));
        incoming.once('end', () => json(200, { data: answers[bodies.length - 1] })(incoming, response));
      });
      const whole = `${leaf.trim()}\n${root.trim()}\n`;
      assert.equal(await upstream().sign(request, { signal: NEVER }), whole);
      assert.equal(await upstream({ issuerRef: 'corp-2026' }).sign(request, { signal: NEVER }), whole);
      const [first, second] = asked.map(({ url }) => url).filter((url) => url.endsWith('sign-intermediate'));
      assert.equal(first, '/v1/mesh/pki/root/sign-intermediate');
      assert.equal(second, '/v1/mesh/pki/issuer/corp-2026/sign-intermediate');
      assert.deepEqual(JSON.parse(bodies[0]!), {
        csr: 'the request',
        use_csr_values: true,
        max_path_length: 0,
        ttl: '90s',
        format: 'pem',
      });
    });

    for (const [what, behaves, words] of [
      ['denies it', json(403, { errors: [] }), /the PKI mesh\/pki at https:.*: it denies POST mesh\/pki\/root\/sign/],
      ['is sealed', json(503, { errors: [] }), /: it is sealed, or down for maintenance/],
      ['redirects', page(307, 'text/html', ''), /: it answered with a redirect/],
      ['answers HTML', page(200, 'text/html', '<html>'), /that is no JSON object/],
      ['refuses the request', json(400, { errors: ['csr contains no data'] }), /\(400: csr contains no data\)$/],
      ['answers no certificate', json(200, { data: {} }), /: it answered with no chain of certificates$/],
      [
        'answers what is none',
        json(200, { data: { certificate: 'x', issuing_ca: 'y' } }),
        /a chain that has no PEM block/,
      ],
    ] as const) {
      it(`says so in one sentence when it ${what}`, async () => {
        handler = with200(behaves);
        await assert.rejects(
          upstream().sign(request, { signal: NEVER }),
          (error: { reason?: string; message: string }) => {
            assert.equal(error.reason, 'CAP-S16');
            assert.match(error.message, words);
            assert.ok(!error.message.includes(TOKEN));
            return true;
          },
        );
      });
    }
  });
});
