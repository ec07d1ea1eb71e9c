// An OpenID provider of the tests: the npm package `oidc-provider` over HTTPS on loopback, whose people sign in by their name alone.
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';
import type { ServerFiles } from '../../../app/support/server-files.ts';
import { createRoot, issueLeaf } from '../../support/pki.ts';

export const CLIENT_ID = 'capstan-console';
export const CLIENT_SECRET = 'a secret of the console and its provider';

/** Groups of each person; another name is of none. */
export type People = Readonly<Record<string, readonly string[]>>;

export class TestProvider implements AsyncDisposable {
  readonly #server: Server;
  /** Of whom to believe. */
  readonly caPem: string;
  readonly issuer: string;

  private constructor(server: Server, issuer: string, caPem: string) {
    this.#server = server;
    this.issuer = issuer;
    this.caPem = caPem;
  }

  /** @param redirectUri of the console. */
  static async start(people: People, redirectUri: string): Promise<TestProvider> {
    const web = await createRoot('Authorities of the Provider');
    const { chainPem, keyPem } = await issueLeaf(web, { dns: 'localhost' });
    const server = createServer({ cert: chainPem, key: keyPem });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const issuer = `https://localhost:${(server.address() as AddressInfo).port}`;
    const provider = new Provider(issuer, {
      clients: [{ client_id: CLIENT_ID, client_secret: CLIENT_SECRET, redirect_uris: [redirectUri] }],
      claims: { openid: ['sub', 'groups'], profile: ['preferred_username'], email: ['email'] },
      // What has an access token asks for them elsewhere; we look at the ID token alone.
      conformIdTokenClaims: false,
      cookies: { keys: ['of the tests'] },
      findAccount: (_context, sub) => ({
        accountId: sub,
        claims: () => ({ sub, preferred_username: sub, groups: people[sub] ?? [] }),
      }),
    });
    // What it says of itself is for people who run it.
    const answer = provider.callback();
    server.on('request', (request, response) => void answer(request, response));
    return new TestProvider(server, issuer, web.certificatePem);
  }

  /** As of a console. @param files where what it reads is written. */
  settings(files: Pick<ServerFiles, 'write' | 'path'>): Readonly<Record<string, unknown>> {
    files.write('client-secret', `${CLIENT_SECRET}\n`);
    files.write('provider-ca.pem', this.caPem);
    return {
      'listen.console.oidc.issuer': this.issuer,
      'listen.console.oidc.clientId': CLIENT_ID,
      'listen.console.oidc.clientSecretFile': files.path('client-secret'),
      'listen.console.oidc.caFile': files.path('provider-ca.pem'),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}
