// Tokens as Kubernetes projects them, signed by keys of our own, and every way of getting one wrong.
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose';
import type { KeySet, KeySource } from '../../../../src/adapters/credentials/tokens/key-set.ts';
import { keySetFrom } from '../../../../src/adapters/credentials/tokens/key-set.ts';
import { NOON_MS } from '../../../support/fakes/fake-clock.ts';

export const ISSUER = 'https://kubernetes.default.svc';

export interface SigningKey {
  readonly kid: string;
  readonly algorithm: string;
  readonly privateKey: CryptoKey;
  /** Public half, as a JWKS publishes it. */
  readonly jwk: JWK;
}

export async function signingKey(kid: string, algorithm = 'ES256'): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  return { kid, algorithm, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' } };
}

/** The claims of a bound service account token, at noon, for an hour. */
export function claims(changes: JWTPayload = {}): JWTPayload {
  return {
    iss: ISSUER,
    aud: ['istio-ca'],
    sub: 'system:serviceaccount:shop:api',
    iat: NOON_MS / 1000,
    nbf: NOON_MS / 1000,
    exp: NOON_MS / 1000 + 3_600,
    'kubernetes.io': {
      namespace: 'shop',
      serviceaccount: { name: 'api', uid: 'c0ffee' },
      pod: { name: 'api-7d4b', uid: '5b3c' },
      node: { name: 'node-1', uid: 'n1' },
    },
    ...changes,
  };
}

export async function sign(key: SigningKey, payload: JWTPayload = claims(), header: object = {}): Promise<string> {
  const protectedHeader = { alg: key.algorithm, kid: key.kid, ...header };
  return new SignJWT(payload).setProtectedHeader(protectedHeader).sign(key.privateKey);
}

/** Keys that a test sets. */
export class ScriptedKeys implements KeySource {
  keys: KeySet;
  /** What `newerThan` finds; an Error is thrown. */
  next: KeySet | Error | undefined;
  asked = 0;

  constructor(...keys: readonly SigningKey[]) {
    this.keys = keySetFrom({ keys: keys.map(({ jwk }) => jwk) });
  }

  peek(): KeySet {
    return this.keys;
  }

  async current(): Promise<KeySet> {
    return this.keys;
  }

  async newerThan(): Promise<KeySet | undefined> {
    this.asked += 1;
    if (this.next instanceof Error) throw this.next;
    this.keys = this.next ?? this.keys;
    return this.next;
  }
}
