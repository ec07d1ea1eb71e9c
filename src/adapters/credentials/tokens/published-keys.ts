// Where an issuer of tokens publishes its keys: at a URL, or where its discovery document says.
import { fetchableUrl, fetchJson } from './fetch-json.ts';

export interface PublishedKeysSettings {
  readonly issuer: string;
  /** Where the keys are; found by discovery when absent. */
  readonly jwksUrl?: string | undefined;
  readonly caPem?: string | undefined;
}

/**
 * @returns what fetches the issuer's JWK set; it throws Error in words for the operator.
 * @throws AuthorityError CAP-X03 for a URL that may not be fetched.
 */
export function publishedKeys({
  issuer,
  jwksUrl,
  caPem,
}: PublishedKeysSettings): (options: { readonly signal: AbortSignal }) => Promise<unknown> {
  const first =
    jwksUrl === undefined
      ? fetchableUrl(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, `the token issuer ${issuer}`)
      : fetchableUrl(jwksUrl, `the JWKS URL ${jwksUrl}`);
  return async ({ signal }) => {
    const document = await fetchJson(first, { caPem, signal });
    return jwksUrl === undefined ? fetchJson(jwksUrlIn(document, issuer), { caPem, signal }) : document;
  };
}

/** OpenID Connect Discovery 1.0 section 4.3: the issuer in the document is exactly the one asked for. */
function jwksUrlIn(document: unknown, wanted: string): URL {
  const { issuer, jwks_uri } = (document ?? {}) as { issuer?: unknown; jwks_uri?: unknown };
  if (issuer !== wanted) throw new Error('the discovery document is of another issuer');
  if (typeof jwks_uri !== 'string') throw new Error('the discovery document has no jwks_uri');
  return fetchableUrl(jwks_uri, 'jwks_uri of the discovery document');
}
