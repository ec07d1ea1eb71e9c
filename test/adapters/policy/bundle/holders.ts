// Those who may sign the policy bundle, and what they hand over.
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parsePolicyDocuments } from '../../../../src/adapters/policy/source/parse-documents.ts';
import { writeSignatureFile } from '../../../../src/adapters/policy/bundle/signature-file.ts';
import {
  readPolicyBundleSigningKey,
  type PolicyBundleSigningKey,
} from '../../../../src/domain/policy/bundle/bundle-key.ts';
import { signBundle } from '../../../../src/domain/policy/bundle/bundle-signature.ts';
import { good } from '../../../support/certificates.ts';

export type HolderName = 'ada' | 'bob' | 'eve';

export interface Holder {
  readonly key: PolicyBundleSigningKey;
  readonly publicPem: string;
}

function holder(algorithm: 'ed25519' | 'p256'): Holder {
  const pair =
    algorithm === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = good(readPolicyBundleSigningKey(pair.privateKey.export({ type: 'pkcs8', format: 'pem' })));
  return { key, publicPem: pair.publicKey.export({ type: 'spki', format: 'pem' }) };
}

/** Ada and Bob are pinned wherever keys are; Eve never is. */
export const HOLDERS: Readonly<Record<HolderName, Holder>> = {
  ada: holder('ed25519'),
  bob: holder('p256'),
  eve: holder('ed25519'),
};

export interface BundleWish {
  readonly name?: string;
  readonly sequence?: number;
  /** A cluster pattern. */
  readonly audience?: string;
  readonly notBefore?: string;
  readonly softExpiry?: string;
  readonly hardExpiry?: string;
  readonly contact?: string;
}

/** @returns a bundle's text: one field per line, in this order. */
export function bundleText(wish: BundleWish = {}): string {
  const { name = 'corp-mesh', sequence = 42, audience = '*', contact = 'pki@corp.example' } = wish;
  const times = (['notBefore', 'softExpiry', 'hardExpiry'] as const)
    .flatMap((field) => (wish[field] === undefined ? [] : [`${field}: ${wish[field]}`]))
    .join(', ');
  return `apiVersion: capstan.dev/v1alpha1
kind: PolicyBundle
metadata: { name: ${name}, sequence: ${sequence} }
audience: { clusters: ["${audience}"] }
validity: { ${times} }
owner: { team: pki, contact: "${contact}" }
rules:
  - id: mesh
    bounds:
      trustDomains: [corp.example]
      spiffeId: "spiffe://{trustDomain}/ns/{namespace}/sa/{serviceAccount}"
      ttl: { max: 24h }
      keys: [ec-p256]
      usages: [digitalSignature, serverAuth, clientAuth]
`;
}

/** @returns the text of the `.sig` file. */
export function signatureText(bundle: string, by: readonly HolderName[] = ['ada']): string {
  const { documents, problems } = parsePolicyDocuments(bundle, 'bundle.yaml');
  const [document] = documents;
  if (document === undefined) throw new Error(JSON.stringify(problems));
  const { canonical, digest } = document;
  const signatures = by.map((name) => {
    const { key } = HOLDERS[name];
    return { keyId: key.keyId, algorithm: key.algorithm, signature: signBundle(canonical, key) };
  });
  return writeSignatureFile({ digest, signatures });
}

/** A folder of key files and of what a server remembers; remove it in the end. */
export class HoldersFolder {
  readonly path = mkdtempSync(path.join(tmpdir(), 'bundle-'));

  file(name: string, text?: string): string {
    const place = path.join(this.path, name);
    if (text !== undefined) writeFileSync(place, text);
    return place;
  }

  /** @returns the key files of those who are pinned. */
  pin(names: readonly HolderName[] = ['ada', 'bob']): readonly string[] {
    return names.map((name) => this.file(`${name}.pub`, HOLDERS[name].publicPem));
  }

  /** Tries again: a server that was stopped may be writing its last word. */
  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true, maxRetries: 10, retryDelay: 10 });
  }
}
