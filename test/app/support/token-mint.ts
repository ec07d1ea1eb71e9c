// A token issuer as a cluster's API server is one: projected service account tokens, signed with ES256.
// What it mints can be bent in every part.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { exportJWK, SignJWT, type JWK, type JWTPayload } from 'jose';

export const TOKEN_ISSUER = 'https://tokens.test';

export class TokenMint {
  readonly publicKey: KeyObject;
  /** Every token so far. */
  readonly minted: string[] = [];
  readonly #privateKey: KeyObject;

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.publicKey = publicKey;
    this.#privateKey = privateKey;
  }

  /** The key set that the CA is to trust. */
  async jwks(): Promise<string> {
    const key: JWK = { ...(await exportJWK(this.publicKey)), kid: 'one', alg: 'ES256', use: 'sig' };
    return JSON.stringify({ keys: [key] });
  }

  /** For a service account of `default`, an hour long, unless the claims say otherwise. */
  async token(serviceAccount = 'demo', claims: Readonly<Record<string, unknown>> = {}, kid = 'one'): Promise<string> {
    const token = await new SignJWT({ ...claimsOf('default', serviceAccount), ...claims })
      .setProtectedHeader({ alg: 'ES256', kid })
      .sign(this.#privateKey);
    this.minted.push(token);
    return token;
  }

  async tokenIn(namespace: string, serviceAccount: string): Promise<string> {
    return this.token(serviceAccount, claimsOf(namespace, serviceAccount));
  }
}

/** As the TokenRequest API of Kubernetes writes them. */
export function claimsOf(namespace: string, serviceAccount: string): JWTPayload {
  const nowSeconds = Math.floor(Date.now() / 1000);
  return {
    iss: TOKEN_ISSUER,
    aud: ['istio-ca'],
    sub: `system:serviceaccount:${namespace}:${serviceAccount}`,
    iat: nowSeconds,
    nbf: nowSeconds - 5,
    exp: nowSeconds + 3600,
    'kubernetes.io': {
      namespace,
      serviceaccount: { name: serviceAccount, uid: 'sa-uid' },
      pod: { name: `${serviceAccount}-0`, uid: 'pod-uid' },
      node: { name: 'node-1', uid: 'node-uid' },
    },
  };
}
