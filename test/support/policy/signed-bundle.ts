// A policy bundle as the security team hands it over: the document and its detached signature, written
// from the format's description (docs/policy.md) and not with the code that verifies it.
import { createHash, generateKeyPairSync, sign } from 'node:crypto';

/** What a rule of a test's bundle says; what it leaves out is as wide as this server can issue. */
export interface TestRule {
  /** Names and patterns; all namespaces when absent. */
  readonly namespaces?: readonly string[];
  readonly keyTypes?: readonly string[];
  readonly maxTtl?: string;
  /** Laid over the bounds. */
  readonly bounds?: object;
  /** Further parts of the rule, such as `conditions` or `deny`. */
  readonly more?: object;
}

export interface BundleOptions {
  readonly sequence: number;
  /** Further parts of the bundle, such as `validity` or `namespaces`. */
  readonly more?: object;
}

export function bundleDocument(rules: readonly TestRule[], { sequence, more = {} }: BundleOptions): object {
  return {
    apiVersion: 'capstan.dev/v1alpha1',
    kind: 'PolicyBundle',
    metadata: { name: 'test', sequence },
    owner: { team: 'security', contact: '#pki' },
    rules: rules.map((rule, index) => ({
      id: `rule-${index}`,
      match: { namespaces: { names: rule.namespaces ?? ['*'] } },
      bounds: {
        trustDomains: ['*'],
        spiffeId: 'spiffe://{trustDomain}/ns/{namespace}/sa/{serviceAccount}',
        ttl: { max: rule.maxTtl ?? '24h' },
        keys: rule.keyTypes ?? ['ec-p256', 'ec-p384', 'rsa'],
        usages: ['digitalSignature', 'keyEncipherment', 'serverAuth', 'clientAuth'],
        ...rule.bounds,
      },
      ...rule.more,
    })),
    ...more,
  };
}

export class BundleSigner {
  readonly publicKeyPem: string;
  readonly #keyId: string;
  readonly #sign: (bytes: Buffer) => Buffer;

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    this.publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' });
    const spki = publicKey.export({ type: 'spki', format: 'der' });
    this.#keyId = `sha256:${createHash('sha256').update(spki).digest('hex')}`;
    this.#sign = (bytes) => sign(null, bytes, privateKey);
  }

  /** @returns the text of the `.sig` file. */
  sign(document: object): string {
    const canonical = sorted(document);
    const digest = `sha256:${createHash('sha256').update(canonical).digest('hex')}`;
    const signature = this.#sign(Buffer.from(`capstan.dev/policy-bundle/v1\n${canonical}`)).toString('base64');
    const signatures = [{ keyId: this.#keyId, algorithm: 'Ed25519', signature }];
    return JSON.stringify({ apiVersion: 'capstan.dev/v1alpha1', kind: 'PolicyBundleSignature', digest, signatures });
  }
}

/** Enough of RFC 8785 for documents of plain ASCII. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
