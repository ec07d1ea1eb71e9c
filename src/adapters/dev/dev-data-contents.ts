// What a fresh data directory of dev mode holds: a throwaway corporate root, an intermediate under it,
// a token issuer and a first policy.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { SpiffeId } from '../../domain/identity/spiffe-id.ts';
import type { TrustDomain } from '../../domain/identity/trust-domain.ts';
import { createIntermediate, createRoot } from './bootstrap-authority.ts';
import type { DevFile } from './dev-names.ts';

export interface DevFileContents {
  readonly text: string;
  readonly mode: number;
}

const DAY_MS = 86_400_000;
const ROOT_LIFETIME_MS = 3650 * DAY_MS;
const ISSUER_LIFETIME_MS = 365 * DAY_MS;

const BUNDLE = `# What may be issued at all. Edits apply at once; a broken edit changes nothing. In production the security
# team signs this file; dev mode takes it as it is. Policies that narrow it go to policies/.
apiVersion: capstan.dev/v1alpha1
kind: PolicyBundle
metadata: { name: dev, sequence: 1 }
owner: { team: you, contact: you }
rules:
  - id: mesh
    match: { namespaces: { names: [default, "team-*"] } }
    bounds:
      trustDomains: ["*"]
      spiffeId: "spiffe://{trustDomain}/ns/{namespace}/sa/{serviceAccount}"
      ttl: { max: 24h }
      keys: [ec-p256, ec-p384, rsa]
      usages: [digitalSignature, keyEncipherment, serverAuth, clientAuth]
`;

const secret = (text: string): DevFileContents => ({ text, mode: 0o600 });
const open = (text: string): DevFileContents => ({ text, mode: 0o644 });

export async function freshContents(
  nowMs: number,
  trustDomain: TrustDomain,
): Promise<Readonly<Record<DevFile, DevFileContents>>> {
  const root = await createRoot({
    name: 'Throwaway Corporate Root',
    nowMs,
    lifetimeMs: ROOT_LIFETIME_MS,
    keyType: 'ec-p384',
  });
  const issuer = await createIntermediate(root, {
    name: 'Capstan Dev Issuer',
    nowMs,
    lifetimeMs: ISSUER_LIFETIME_MS,
    spiffeId: SpiffeId.ofTrustDomain(trustDomain).uri,
  });
  const token = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...token.publicKey.export({ format: 'jwk' }), kid: randomUUID(), alg: 'ES256', use: 'sig' };
  return {
    anchors: open(root.certificatePem),
    rootKey: secret(root.keyPem),
    chain: open(issuer.certificatePem),
    issuerKey: secret(issuer.keyPem),
    tokenIssuerKey: secret(token.privateKey.export({ format: 'pem', type: 'pkcs8' })),
    tokenIssuerKeys: open(`${JSON.stringify({ keys: [jwk] }, null, 2)}\n`),
    bundle: open(BUNDLE),
  };
}
