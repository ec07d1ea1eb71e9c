// An OpenID provider that answers badly at any step of a sign-in, beside a running server: nobody is let in, the browser is told, and
// the server goes on.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { status } from '@grpc/grpc-js';
import { createRoot, issueLeaf } from '../../../peers/support/pki.ts';
import { freePort } from '../../../support/eventually.ts';
import { RunningServer } from '../../support/running-server.ts';
import { ServerFiles } from '../../support/server-files.ts';
import { Visitor } from './support/visitor.ts';

const DISCOVERY = '/.well-known/openid-configuration';
const TOKEN = '/token';
type Step = typeof DISCOVERY | typeof TOKEN;

const BETWEEN_BYTES_MS = 500;
const written = (text: string) => (response: ServerResponse) => response.socket?.end(text);
const statusLine = (line: string) => written(`HTTP/1.1 ${line}\r\nconnection: close\r\n\r\n`);
const BAD: Readonly<Record<string, (response: ServerResponse) => unknown>> = {
  'nothing at all': statusLine('204 No Content'),
  'that nothing has changed': statusLine('304 Not Modified'),
  'a status of nobody': statusLine('999 Request Denied'),
  'a status that is none': statusLine('000 Nothing'),
  'half a head': written('HTTP/1.1 20'),
  'less than it says': written('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{'),
  'what is no HTTP': written('\0\0\0'),
  'that it is busy for a year': statusLine('429 Too Many\r\nretry-after: 31536000'),
  'without an end': (response) => {
    const more = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536, ' ')));
      response.once('drain', more);
    };
    more();
  },
  never: () => undefined,
  'by single bytes': (response) => {
    const timer = setInterval(() => response.write(' '), BETWEEN_BYTES_MS);
    response.once('close', () => clearInterval(timer));
  },
};

describe('An OpenID provider that answers badly', function () {
  this.timeout(120_000);
  let provider: Server;
  let bad: { readonly at: Step; readonly how: (response: ServerResponse) => unknown } | undefined;
  let files: ServerFiles;
  let server: RunningServer;
  let visit: () => Visitor;
  before(async () => {
    const web = await createRoot('Authorities of the Provider');
    const { chainPem: cert, keyPem: key } = await issueLeaf(web, { dns: 'localhost' });
    provider = createServer({ cert, key });
    provider.listen(0, '127.0.0.1');
    await once(provider, 'listening');
    const issuer = `https://localhost:${(provider.address() as AddressInfo).port}`;
    const answers: Readonly<Record<Step, object>> = {
      [DISCOVERY]: {
        issuer,
        authorization_endpoint: `${issuer}/auth`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        id_token_signing_alg_values_supported: ['ES256'],
      },
      [TOKEN]: { access_token: 'opaque', token_type: 'Bearer' },
    };
    provider.on('request', (request, response) => {
      request.resume();
      response.on('error', () => undefined);
      const step = request.url as Step;
      if (bad?.at === step) bad.how(response);
      else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answers[step]));
    });
    files = await ServerFiles.create();
    files.write('provider-ca.pem', web.certificatePem);
    const port = await freePort();
    server = await RunningServer.start({
      files,
      settings: {
        'listen.console.address': `127.0.0.1:${port}`,
        'listen.console.url': `https://localhost:${port}`,
        'listen.console.oidc.issuer': issuer,
        'listen.console.oidc.clientId': 'capstan',
        'listen.console.oidc.caFile': files.path('provider-ca.pem'),
        'listen.console.oidc.roles.viewer': ['people'],
      },
    });
    visit = () => new Visitor(`https://localhost:${port}`, { ca: files.pki.root.certificatePem });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
    provider.close();
    provider.closeAllConnections();
    await once(provider, 'close');
  });
  beforeEach(() => (bad = undefined));

  async function leadsTo(visitor: Visitor, path: string): Promise<string> {
    const answer = await visitor.ask('GET', path);
    answer.resume();
    return answer.headers.location ?? '';
  }

  for (const [what, how] of Object.entries(BAD)) {
    it(`(${what}) lets nobody in when it is asked who it is, and the server goes on`, async () => {
      bad = { at: DISCOVERY, how };
      assert.equal(await leadsTo(visit(), '/login/oidc'), '/?not-signed-in=provider-away');
      assert.equal((await server.ask('default', 'web')).code, status.OK);
    });
  }

  for (const [what, how] of Object.entries(BAD).filter(([one]) => one !== 'never')) {
    it(`(${what}) lets nobody in when it is asked for tokens, and the server goes on`, async () => {
      const visitor = visit();
      const state = new URL(await leadsTo(visitor, '/login/oidc')).searchParams.get('state')!;
      bad = { at: TOKEN, how };
      const back = `/login/oidc/callback?code=c&state=${state}`;
      assert.equal(await leadsTo(visitor, back), '/?not-signed-in=bad-answer');
      assert.equal((await visitor.get('/api/session')).status, 401);
      assert.equal((await server.ask('default', 'web')).code, status.OK);
    });
  }
});
