// Tokens of a data directory's own token issuer, shaped like a projected Kubernetes token.
import path from 'node:path';
import { importPKCS8, SignJWT } from 'jose';
import { DEV_FILES } from '../../adapters/dev/dev-names.ts';
import { DEV_TOKEN_ISSUER } from '../../config/dev.ts';
import type { KubernetesIdentity } from '../../domain/identity/kubernetes-identity.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { readInput } from './files.ts';

const AUDIENCE = 'istio-ca';
const ALGORITHM = 'ES256';

export interface TokenTimes {
  readonly nowMs: number;
  readonly lifetimeMs: number;
}

/** @throws CommandError 66 when the directory has no token issuer. */
export async function mintDevToken(
  dataDir: string,
  identity: KubernetesIdentity,
  times: TokenTimes,
  hint = 'start `capstan serve --dev` first',
): Promise<string> {
  const keyFile = path.join(dataDir, DEV_FILES.tokenIssuerKey);
  const key = await importPKCS8(await readInput(keyFile, { hint }), ALGORITHM).catch((cause: unknown) => {
    throw new CommandError(EXIT.noInput, `${keyFile} is not a P-256 private key`, { cause });
  });
  const { namespace, serviceAccount } = identity;
  const nowSeconds = Math.floor(times.nowMs / 1000);
  return new SignJWT({ 'kubernetes.io': { namespace, serviceaccount: { name: serviceAccount, uid: 'dev' } } })
    .setProtectedHeader({ alg: ALGORITHM, kid: await keyId(dataDir) })
    .setIssuer(DEV_TOKEN_ISSUER)
    .setSubject(`system:serviceaccount:${namespace}:${serviceAccount}`)
    .setAudience(AUDIENCE)
    .setIssuedAt(nowSeconds)
    .setNotBefore(nowSeconds)
    .setExpirationTime(nowSeconds + Math.floor(times.lifetimeMs / 1000))
    .sign(key);
}

/** The directory has one key; its id is in the document that the server reads. */
async function keyId(dataDir: string): Promise<string> {
  const file = path.join(dataDir, DEV_FILES.tokenIssuerKeys);
  const text = await readInput(file);
  try {
    const { keys } = JSON.parse(text) as { keys: readonly { kid: unknown }[] };
    return String(keys[0]?.kid);
  } catch (cause) {
    throw new CommandError(EXIT.noInput, `${file} is not a JWKS document`, { cause });
  }
}
