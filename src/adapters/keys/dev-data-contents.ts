// What a fresh data directory of dev mode holds: a throwaway corporate root, an intermediate under it,
// a token issuer and a first policy.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createIntermediate, createRoot } from './bootstrap-authority.ts';

/** The directory's files, by what they are. */
export const DEV_FILES = {
  anchors: 'root-cert.pem',
  rootKey: 'root-key.pem',
  chain: 'issuer-chain.pem',
  issuerKey: 'issuer-key.pem',
  tokenIssuerKey: 'token-issuer-key.pem',
  tokenIssuerKeys: 'token-issuer-jwks.json',
  policy: 'policy.yaml',
} as const;

export type DevFile = keyof typeof DEV_FILES;

export interface DevFileContents {
  readonly text: string;
  readonly mode: number;
}

const DAY_MS = 86_400_000;
const ROOT_LIFETIME_MS = 3650 * DAY_MS;
const ISSUER_LIFETIME_MS = 365 * DAY_MS;

const POLICY = `# Who may have an identity. Edits apply at once; a broken edit changes nothing.
apiVersion: capstan.dev/v1alpha1
kind: NamespacePolicy
rules:
  - namespaces: [default, "team-*"]
    maxTtl: 24h
`;

const secret = (text: string): DevFileContents => ({ text, mode: 0o600 });
const open = (text: string): DevFileContents => ({ text, mode: 0o644 });

export async function freshContents(nowMs: number): Promise<Readonly<Record<DevFile, DevFileContents>>> {
  const root = await createRoot({
    name: 'Throwaway Corporate Root',
    nowMs,
    lifetimeMs: ROOT_LIFETIME_MS,
    keyType: 'ec-p384',
  });
  const issuer = await createIntermediate(root, { name: 'Capstan Dev Issuer', nowMs, lifetimeMs: ISSUER_LIFETIME_MS });
  const token = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...token.publicKey.export({ format: 'jwk' }), kid: randomUUID(), alg: 'ES256', use: 'sig' };
  return {
    anchors: open(root.certificatePem),
    rootKey: secret(root.keyPem),
    chain: open(issuer.certificatePem),
    issuerKey: secret(issuer.keyPem),
    tokenIssuerKey: secret(token.privateKey.export({ format: 'pem', type: 'pkcs8' })),
    tokenIssuerKeys: open(`${JSON.stringify({ keys: [jwk] }, null, 2)}\n`),
    policy: open(POLICY),
  };
}
