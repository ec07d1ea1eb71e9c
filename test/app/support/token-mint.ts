// A token issuer as a cluster's API server is one: projected service account tokens, signed with ES256.
// What it mints can be bent in every part.
import { createHash } from 'node:crypto';
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

/** Of the pod that `claimsOf` names: each has one of its own. */
export function podUidOf(namespace: string, serviceAccount: string): string {
  const digest = createHash('sha256').update(`${namespace}/${serviceAccount}`).digest('hex');
  return [
    digest.slice(0, 8),
    digest.slice(8, 12),
    `4${digest.slice(13, 16)}`,
    `8${digest.slice(17, 20)}`,
    digest.slice(20, 32),
  ].join('-');
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
      pod: { name: `${serviceAccount}-0`, uid: podUidOf(namespace, serviceAccount) },
      node: { name: 'node-1', uid: 'node-uid' },
    },
  };
}
