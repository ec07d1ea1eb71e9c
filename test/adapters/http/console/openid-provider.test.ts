// An OpenID provider that answers wrongly, over real HTTPS: whatever is wrong, nobody is signed in.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { OpenIdProvider, type Begun } from '../../../../src/adapters/http/console/oidc/openid-provider.ts';
import { createRoot, issueLeaf } from '../../../peers/support/pki.ts';

const CLIENT = 'capstan';
const CALLBACK = 'https://console.example/login/oidc/callback';
const WAITS = { signal: new AbortController().signal };

/** What the provider does wrong; nothing, when all is well. */
interface Wrong {
  readonly issuer?: string;
  readonly audience?: string;
  readonly nonce?: string;
  readonly expired?: boolean;
  readonly foreignKey?: boolean;
  readonly noIdToken?: boolean;
  readonly status?: number;
  /** Instead of tokens. */
  readonly error?: string;
  readonly much?: boolean;
}

describe('An OpenID provider of the console', () => {
  let server: Server;
  let issuer: string;
  let wrong: Wrong;
  let nonce: string;
  let asked: URLSearchParams;
  let provider: OpenIdProvider;
  before(async () => {
    const [own, foreign] = [await generateKeyPair('ES256'), await generateKeyPair('ES256')];
    const jwks = { keys: [{ ...(await exportJWK(own.publicKey)), kid: 'k', alg: 'ES256', use: 'sig' }] };
    const web = await createRoot('Authorities of the Provider');
    const { chainPem: cert, keyPem: key } = await issueLeaf(web, { dns: 'localhost' });
    server = createServer({ cert, key });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    issuer = `https://localhost:${(server.address() as AddressInfo).port}`;
    const idToken = async (): Promise<string> =>
      new SignJWT({ nonce: wrong.nonce ?? nonce, groups: ['a'] })
        .setProtectedHeader({ alg: 'ES256', kid: 'k' })
        .setSubject('sam')
        .setIssuer(wrong.issuer ?? issuer)
        .setAudience(wrong.audience ?? CLIENT)
        .setIssuedAt()
        .setExpirationTime(wrong.expired === true ? '-1h' : '1h')
        .sign(wrong.foreignKey === true ? foreign.privateKey : own.privateKey);
    const answers: Readonly<Record<string, () => Promise<unknown>>> = {
      '/.well-known/openid-configuration': async () => ({
        issuer,
        authorization_endpoint: `${issuer}/auth`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        id_token_signing_alg_values_supported: ['ES256'],
        ...(wrong.much === true && { filler: 'x'.repeat(600_000) }),
      }),
      '/jwks': async () => jwks,
      '/token': async () => ({
        ...(wrong.error !== undefined && { error: wrong.error }),
        access_token: 'opaque',
        token_type: 'Bearer',
        ...(wrong.noIdToken !== true && { id_token: await idToken() }),
      }),
    };
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        if (request.url === '/token') asked = new URLSearchParams(Buffer.concat(chunks).toString());
        void answers[request.url ?? '']?.().then((body) => {
          const status = wrong.error !== undefined && request.url === '/token' ? 401 : (wrong.status ?? 200);
          response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
        });
      });
    });
    const secrets = async () => ({ caPem: web.certificatePem, clientSecret: 'secret' });
    provider = new OpenIdProvider({ secrets }, { issuer, clientId: CLIENT, scopes: ['openid'], redirectUri: CALLBACK });
  });
  after(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
  beforeEach(() => {
    wrong = {};
  });

  async function begin(): Promise<{ readonly begun: Begun; readonly callback: URL; readonly sent: URLSearchParams }> {
    const { begun, url } = await provider.begin(WAITS);
    nonce = begun.nonce;
    return { begun, callback: new URL(`${CALLBACK}?code=c&state=${begun.state}`), sent: new URL(url).searchParams };
  }

  it('is asked with PKCE, a state and a nonce, and believed when everything fits', async () => {
    const { begun, callback, sent } = await begin();
    assert.equal(sent.get('code_challenge_method'), 'S256');
    assert.equal(sent.get('state'), begun.state);
    assert.equal(sent.get('nonce'), begun.nonce);
    const claims = await provider.finish(callback, begun, WAITS);
    assert.equal(claims.sub, 'sam');
    assert.equal(asked.get('code_verifier'), begun.verifier);
  });

  const faults: Readonly<Record<string, Wrong>> = {
    'an ID token of another issuer': { issuer: 'https://evil.example' },
    'an ID token for another client': { audience: 'other' },
    'the nonce of another sign-in': { nonce: 'other' },
    'an ID token that has ended': { expired: true },
    'an ID token that another key signed': { foreignKey: true },
    'no ID token': { noIdToken: true },
    'an error': { status: 500 },
    'more than anybody needs': { much: true },
  };
  for (const [what, fault] of Object.entries(faults)) {
    it(`is not believed with ${what}`, async () => {
      const { begun, callback } = await begin();
      wrong = fault;
      await assert.rejects(async () => provider.finish(callback, begun, WAITS));
    });
  }

  it('is not believed with the state of another sign-in', async () => {
    const { begun, callback } = await begin();
    callback.searchParams.set('state', 'other');
    await assert.rejects(async () => provider.finish(callback, begun, WAITS));
  });

  it('has its own word for what is wrong passed on to the log', async () => {
    const first = await begin();
    wrong = { error: 'invalid_client' };
    const said = { message: 'the provider says invalid_client' };
    await assert.rejects(async () => provider.finish(first.callback, first.begun, WAITS), said);
    const { begun } = await begin();
    const denied = new URL(`${CALLBACK}?error=access_denied%0a${'x'.repeat(300)}&state=${begun.state}`);
    const cut = /^the provider says access_denied\\u\{a\}x+… \(314 characters\)$/;
    await assert.rejects(async () => provider.finish(denied, begun, WAITS), { message: cut });
  });

  it('is not believed under a certificate of nobody known', async () => {
    const secrets = async () => ({});
    const settings = { issuer, clientId: CLIENT, scopes: ['openid'], redirectUri: CALLBACK };
    await assert.rejects(async () => new OpenIdProvider({ secrets }, settings).begin(WAITS));
  });
});
