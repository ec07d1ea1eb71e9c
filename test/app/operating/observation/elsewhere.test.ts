// The pages about a server, asked for from another place than its own machine: what a stranger learns, and what opens the rest.
import assert from 'node:assert/strict';
import { request, type IncomingMessage } from 'node:http';
import { request as requestOverTls } from 'node:https';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { text } from 'node:stream/consumers';
import type { ServeReport } from '../../../../src/app/serve.ts';
import { EXIT } from '../../../../src/cli/exit-codes.ts';
import { runCli } from '../../../../src/cli/program.ts';
import { recordTerminal } from '../../../cli/support/recorded-terminal.ts';
import { createRoot, issueLeaf, type TestAuthority } from '../../../peers/support/pki.ts';
import { eventually, freePort } from '../../../support/eventually.ts';
import { ChildServer } from '../../support/child-server.ts';
import { RunningServer } from '../../support/running-server.ts';
import { ServerFiles } from '../../support/server-files.ts';

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
}

interface Shown {
  readonly method?: string;
  readonly token?: string;
  readonly leaf?: { readonly cert: string; readonly key: string };
  readonly headers?: Readonly<Record<string, string>>;
}

const [TOKEN, NEXT] = ['0123456789abcdef0123456789abcdef', 'fedcba9876543210fedcba9876543210'];
const OPS = 'spiffe://corp.example/ops';
const SOON = { withinMs: 30_000 };
/** An address of this machine that others could have too; what is sent to it does not leave the machine. */
const ELSEWHERE = Object.values(networkInterfaces())
  .flatMap((addresses = []) => addresses)
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

describe('The pages about a server', () => {
  let files: ServerFiles;
  let server: RunningServer | undefined;
  let people: TestAuthority;
  before(async () => {
    people = await createRoot('People of the Corporation');
  });
  beforeEach(async () => {
    files = await ServerFiles.create();
    files.write('people.pem', people.certificatePem);
    files.write('tokens', `${TOKEN}\n`);
  });
  afterEach(async () => {
    await server?.[Symbol.asyncDispose]();
    server = undefined;
    files[Symbol.dispose]();
  });

  async function start(settings: Readonly<Record<string, unknown>> = {}): Promise<ServeReport> {
    server = await RunningServer.start({ files, settings });
    return server.report;
  }

  const overTls = (more: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> => ({
    'listen.metrics.address': '127.0.0.1:0',
    'listen.metrics.tokenFile': files.path('tokens'),
    ...more,
  });

  const certificates = (): Readonly<Record<string, unknown>> => ({
    'listen.administration.clientCaFile': files.path('people.pem'),
    'listen.administration.roles.viewer': [`URI:${OPS}/victor`],
    'listen.metrics.readers': [`URI:${OPS}/prometheus`],
  });

  async function get(url: string, { token, leaf, method = 'GET', headers: more }: Shown = {}): Promise<Answer> {
    const headers = { ...more, ...(token !== undefined && { authorization: `Bearer ${token}` }) };
    const ca = files.pki.root.certificatePem;
    const signal = AbortSignal.timeout(30_000);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const asked = url.startsWith('https:')
        ? requestOverTls(url, { method, headers, ca, servername: 'localhost', agent: false, signal, ...leaf }, resolve)
        : request(url, { method, headers, agent: false, signal }, resolve);
      asked.once('error', reject).end();
    });
    return { status: answer.statusCode, body: await text(answer), headers: answer.headers };
  }

  const page = async (path: string, shown?: Shown, address = server?.report.metricsAddress): Promise<Answer> =>
    get(`https://${address}${path}`, shown);

  async function leafOf(name: string, authority = people): Promise<NonNullable<Shown['leaf']>> {
    const { chainPem: cert, keyPem: key } = await issueLeaf(authority, { uri: `${OPS}/${name}` });
    return { cert, key };
  }

  it('tell who comes without TLS from elsewhere that it lives and is ready, and who is on the machine all', async function () {
    if (ELSEWHERE === undefined) {
      this.test!.title += ' (skipped: this machine has loopback addresses alone)';
      this.skip();
    }
    const { httpAddress } = await start(overTls({ 'listen.http.address': '0.0.0.0:0' }));
    const port = httpAddress.split(':').at(-1);
    const [near, far] = [`http://127.0.0.1:${port}`, `http://${ELSEWHERE}:${port}`];
    files.write('tokens', '');
    const told = await eventually(
      'it is degraded',
      async () => {
        const { body } = await get(`${near}/readyz`);
        return body.includes('degraded') ? body : undefined;
      },
      SOON,
    );
    assert.match(told, /tokens has no token/);
    assert.deepEqual((await get(`${far}/readyz`)).body, '{"ready":true}');
    assert.deepEqual((await get(`${far}/healthz`)).body, '{"status":"alive"}');
    for (const path of ['/metrics', '/policy']) {
      assert.equal((await get(near + path)).status, 200);
      // Nothing opens it: a token is not to cross the network in the clear.
      for (const shown of [{}, { token: TOKEN }]) {
        const { status, body } = await get(far + path, shown);
        assert.equal(status, 403);
        assert.match(body, /over TLS with a credential where listen\.metrics\.address is/);
      }
    }
    const { body } = await get(`${near}/metrics`);
    assert.match(body, /^capstan_observation_requests_total\{reader="stranger",outcome="refused"\} 4$/m);
    assert.match(body, /^capstan_observation_requests_total\{reader="local",outcome="answered"\} 3$/m);
  });

  it('tell a page of a browser on the machine nothing, whose name was led to loopback, and a proxy beside the server all', async () => {
    const { httpAddress } = await start(overTls());
    files.write('tokens', '');
    const asked = async (path: string, host: string): Promise<Answer> =>
      get(`http://${httpAddress}${path}`, { headers: { host } });
    const isDegraded = async () => (await asked('/readyz', httpAddress)).body.includes('degraded');
    await eventually('it is degraded', isDegraded, SOON);
    for (const host of [
      'evil.example',
      'EVIL.example:15014',
      'svc.evil.example.',
      'localhost.evil.example',
      '127.0.0.1.nip.io',
    ]) {
      for (const path of ['/metrics', '/policy']) assert.equal((await asked(path, host)).status, 403, host);
      assert.equal((await asked('/readyz', host)).body, '{"ready":true}', host);
      assert.equal((await asked('/healthz', host)).status, 200, host);
    }
    const own = ['localhost', 'LOCALHOST:15014', '[::1]:15014', '10.2.3.4:15024', 'capstan.istio-system.svc:15024'];
    for (const host of [...own, 'capstan.istio-system.svc.cluster.local', 'capstan']) {
      for (const path of ['/metrics', '/policy']) assert.equal((await asked(path, host)).status, 200, host);
    }
  });

  it('answer health checks by HTTP/1.0, which name no host, as whatever on the machine is no browser', async () => {
    const { httpAddress } = await start(overTls());
    const asked = async (path: string): Promise<string> => {
      const [host = '', port] = httpAddress.split(':');
      const socket = connect(Number(port), host);
      socket.end(`GET ${path} HTTP/1.0\r\n\r\n`);
      return text(socket);
    };
    assert.match(await asked('/healthz'), /^HTTP\/1\.1 200 [^]*\r\n\r\n\{"status":"alive"\}$/);
    assert.match(await asked('/readyz'), /^HTTP\/1\.1 200 [^]*\r\n\r\n\{"ready":true\}$/);
    for (const path of ['/metrics', '/policy']) assert.match(await asked(path), /^HTTP\/1\.1 200 /);
  });

  it('are open over TLS to who shows the token, and tell others nothing', async () => {
    await start(overTls());
    const metrics = await page('/metrics', { token: TOKEN });
    assert.equal(metrics.status, 200);
    assert.match(metrics.headers['content-type'] ?? '', /^text\/plain; version=0\.0\.4/);
    assert.match(metrics.body, /^capstan_decisions_total/m);
    assert.equal((await page('/policy', { token: TOKEN })).status, 200);
    for (const shown of [{}, { token: NEXT }, { token: '' }]) {
      for (const path of ['/metrics', '/policy', '/elsewhere', '/metrics/']) {
        const { status, headers, body } = await page(path, shown);
        assert.deepEqual([status, headers['www-authenticate']], [401, 'Bearer realm="capstan"'], path);
        assert.match(body, /listen\.metrics\.tokenFile/);
      }
      assert.equal((await page('/readyz', shown)).body, '{"ready":true}');
    }
    assert.match(
      (await page('/metrics', { token: TOKEN })).body,
      /^capstan_observation_requests_total\{reader="stranger",outcome="refused"\} 12$/m,
    );
    await eventually(
      'it is in the log',
      () => files.logged('observed').find(({ refused, source }) => refused === true && source === '127.0.0.1'),
      SOON,
    );
    for (const secret of [TOKEN, NEXT]) assert.ok(!files.logText.includes(secret));
  });

  it('are asked as on loopback: with a query, by HEAD, and by nothing that could change something', async () => {
    await start(overTls());
    assert.equal((await page('/metrics?format=text', { token: TOKEN })).status, 200);
    const head = await page('/metrics', { token: TOKEN, method: 'HEAD' });
    assert.deepEqual([head.status, head.body], [200, '']);
    assert.match(head.headers['content-type'] ?? '', /^text\/plain/);
    for (const method of ['POST', 'PUT', 'DELETE', 'TRACE']) {
      const { status, headers } = await page('/policy', { token: TOKEN, method });
      assert.deepEqual([status, headers.allow], [405, 'GET, HEAD'], method);
      // What a stranger sends is no fault of the server.
      assert.equal((await page('/healthz', { method })).status, 405, method);
    }
    assert.doesNotMatch((await page('/metrics', { token: TOKEN })).body, /^capstan_unexpected_total\{.*[1-9]$/m);
    assert.equal((await page('/nowhere', { token: TOKEN })).status, 404);
  });

  it('say to `capstan drift`, with the token, which policies are in force', async () => {
    await start(overTls());
    files.write('anchors-of-the-server.pem', files.pki.root.certificatePem);
    const named = ['--ca', files.path('anchors-of-the-server.pem'), '--token-file', files.path('tokens')];
    const url = `https://localhost:${server!.report.metricsAddress!.split(':').at(-1)}`;
    const { terminal, out, error } = recordTerminal();
    const argv = ['drift', '--server', url, ...named, '--git', files.path('bundle.yaml')];
    const code = await runCli(argv, { terminal, environment: {}, signal: AbortSignal.timeout(30_000) });
    assert.deepEqual([code, error()], [EXIT.ok, '']);
    assert.equal(out(), 'The policies in force are those in Git.\n');
  });

  it('are opened by the next token beside the last one, and by the last one no more when it is gone', async () => {
    await start(overTls());
    const status = async (token: string) => (await page('/metrics', { token })).status;
    files.write('tokens', `${TOKEN}\n${NEXT}\n`);
    await eventually('the next token opens them', async () => (await status(NEXT)) === 200 || undefined, SOON);
    assert.equal(await status(TOKEN), 200);
    files.write('tokens', `${NEXT}\n`);
    await eventually('the last one does not', async () => (await status(TOKEN)) === 401 || undefined, SOON);
  });

  it('stay open to the tokens of before while the file has none, and say so', async () => {
    await start(overTls());
    files.write('tokens', '');
    const told = await eventually(
      'it is told',
      async () => {
        const { body } = await page('/readyz', { token: TOKEN });
        return body.includes('tokens of metrics') ? body : undefined;
      },
      SOON,
    );
    assert.match(told, /tokens has no token/);
  });

  it('are open to the certificate of a reader, and of an operator', async () => {
    await start(overTls({ ...certificates(), 'listen.metrics.tokenFile': undefined }));
    for (const name of ['prometheus', 'victor']) {
      assert.equal((await page('/metrics', { leaf: await leafOf(name) })).status, 200, name);
    }
    const strangers = await createRoot('People of the Corporation');
    for (const leaf of [undefined, await leafOf('mallory'), await leafOf('prometheus', strangers)]) {
      assert.equal((await page('/metrics', leaf && { leaf })).status, 401);
    }
  });

  it('are all that a reader reads, and a token opens nothing of the administration', async () => {
    const port = await freePort();
    await start(overTls({ ...certificates(), 'listen.administration.address': `127.0.0.1:${port}` }));
    const ask = async (name: string) =>
      (await get(`https://127.0.0.1:${port}/issuers`, { leaf: await leafOf(name), token: TOKEN })).status;
    assert.deepEqual([await ask('victor'), await ask('prometheus')], [200, 403]);
  });

  for (const [what, tokens, problem] of [
    ['that can be guessed', 'hunter2', /tokens has no token in line 1: 32 to 4096 characters of base64/],
    ['in no line', '\n', /tokens has no token/],
  ] as const) {
    it(`do not open with a token ${what}: the server does not start`, async () => {
      files.write('tokens', tokens);
      await assert.rejects(start(overTls()), (error: Error) => {
        assert.match(error.message, problem);
        assert.ok(!error.message.includes('hunter2'));
        return true;
      });
    });
  }

  it('are those of the whole server, whichever of its processes is asked', async function () {
    this.timeout(60_000);
    await using child = await ChildServer.start(files, { ...overTls(), processes: 2 });
    const { metricsAddress } = child.report;
    const answers = await Promise.all(
      Array.from({ length: 16 }, async () => page('/metrics', { token: TOKEN }, metricsAddress)),
    );
    for (const { status, body } of answers) {
      assert.equal(status, 200);
      assert.match(body, /worker="1"/);
      assert.match(body, /worker="2"/);
    }
    assert.equal((await page('/metrics', { token: NEXT }, metricsAddress)).status, 401);
    assert.equal((await page('/readyz', {}, metricsAddress)).body, '{"ready":true}');
  });
});
