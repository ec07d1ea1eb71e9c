// The authorization code flow with PKCE at one OpenID provider (OpenID Connect Core 3.1, RFC 7636, RFC 9207), by a library that
// knows its checks. The ID token's signature is verified too, though it came over TLS.
import type * as oauth from 'oauth4webapi';
import { shownName } from '../../../../domain/text/shown-name.ts';
import type { Claims } from './claimed-operator.ts';
import { providerFetch } from './provider-fetch.ts';

export interface ProviderSettings {
  readonly issuer: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  /** Where the provider sends browsers back. */
  readonly redirectUri: string;
}

/** Read at each sign-in: files change. */
export interface ProviderSecrets {
  readonly clientSecret?: string;
  readonly caPem?: string;
}

/** What is remembered of a sign-in that was begun. */
export interface Begun {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

interface Waits {
  readonly signal: AbortSignal;
}

export class OpenIdProvider {
  readonly #secrets: () => Promise<ProviderSecrets>;
  readonly #settings: ProviderSettings;

  constructor(parts: { readonly secrets: () => Promise<ProviderSecrets> }, settings: ProviderSettings) {
    this.#secrets = parts.secrets;
    this.#settings = settings;
  }

  /** @returns where the browser goes, and what to remember. @throws Error when the provider does not answer as it should. */
  async begin(waits: Waits): Promise<{ readonly begun: Begun; readonly url: string }> {
    const library = await import('oauth4webapi');
    const { server } = await this.#known(library, waits);
    const { clientId, scopes, redirectUri } = this.#settings;
    if (server.authorization_endpoint === undefined) throw new Error('the provider names no authorization endpoint');
    const begun = {
      state: library.generateRandomState(),
      nonce: library.generateRandomNonce(),
      verifier: library.generateRandomCodeVerifier(),
    };
    const url = new URL(server.authorization_endpoint);
    const asked = {
      client_id: clientId,
      redirect_uri: redirectUri,
      response_type: 'code',
      scope: scopes.join(' '),
      state: begun.state,
      nonce: begun.nonce,
      code_challenge: await library.calculatePKCECodeChallenge(begun.verifier),
      code_challenge_method: 'S256',
    };
    for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
    return { begun, url: url.href };
  }

  /** @param callback as the browser came back. @throws Error for what is not an answer to `begun`, or does not verify. */
  async finish(callback: URL, begun: Begun, waits: Waits): Promise<Claims> {
    const library = await import('oauth4webapi');
    try {
      return await this.#claims(library, callback, begun, waits);
    } catch (cause) {
      throw withItsCode(library, cause);
    }
  }

  async #claims(library: typeof oauth, callback: URL, { state, nonce, verifier }: Begun, waits: Waits) {
    const { server, authentication, options } = await this.#known(library, waits);
    const client: oauth.Client = { client_id: this.#settings.clientId };
    const parameters = library.validateAuthResponse(server, client, callback, state);
    const { redirectUri } = this.#settings;
    const response = await library.authorizationCodeGrantRequest(
      server,
      client,
      authentication,
      parameters,
      redirectUri,
      verifier,
      options,
    );
    const settings = { expectedNonce: nonce, requireIdToken: true };
    const tokens = await library.processAuthorizationCodeResponse(server, client, response, settings);
    await library.validateApplicationLevelSignature(server, response, options);
    const claims = library.getValidatedIdTokenClaims(tokens);
    if (claims === undefined) throw new Error('the provider sent no ID token');
    return claims;
  }

  async #known(library: typeof oauth, { signal }: Waits) {
    const { clientSecret, caPem } = await this.#secrets();
    const { issuer } = this.#settings;
    const options = { [library.customFetch]: providerFetch(caPem), signal };
    const answer = await library.discoveryRequest(new URL(issuer), { ...options, algorithm: 'oidc' });
    const server = await library.processDiscoveryResponse(new URL(issuer), answer);
    const authentication = clientSecret === undefined ? library.None() : library.ClientSecretBasic(clientSecret);
    return { server, authentication, options };
  }
}

/** The provider lets the person not in, or the person did not go on there (RFC 6749, 4.1.2.1). */
export class Denied extends Error {}

/** What the provider says is wrong, such as `access_denied` or `invalid_client` (RFC 6749, 4.1.2.1 and 5.2), is in no message of the library. */
function withItsCode(library: typeof oauth, cause: unknown): unknown {
  const { AuthorizationResponseError, ResponseBodyError } = library;
  const isItsOwn = cause instanceof AuthorizationResponseError || cause instanceof ResponseBodyError;
  if (!isItsOwn) return cause;
  const isDenied = cause instanceof AuthorizationResponseError && cause.error === 'access_denied';
  return new (isDenied ? Denied : Error)(`the provider says ${shownName(cause.error)}`, { cause });
}
