// Policies as somebody writes them, for tests of the tools.

interface BundleParts {
  readonly sequence?: number;
  readonly contact?: string;
  /** YAML in flow style; absent, every workload. */
  readonly match?: string;
  readonly ttl?: string;
  readonly keys?: string;
  readonly usages?: string;
  /** Whole lines of YAML before the rules, and after the first one. */
  readonly before?: string;
  readonly after?: string;
}

/** A bundle `corp` whose first rule, `mesh`, gives the SPIFFE ID that Istio spells. */
export function corpBundleText({
  sequence = 3,
  contact = '#security',
  match,
  ttl = '{ max: 1h }',
  keys = '[ec-p256]',
  usages = '[digitalSignature, serverAuth, clientAuth]',
  before = '',
  after = '',
}: BundleParts = {}): string {
  return `apiVersion: capstan.dev/v1alpha1
kind: PolicyBundle
metadata: { name: corp, sequence: ${sequence} }
owner: { team: security, contact: "${contact}" }
${before}rules:
  - id: mesh
${match === undefined ? '' : `    match: ${match}\n`}    bounds:
      trustDomains: [cluster.local]
      spiffeId: "spiffe://{trustDomain}/ns/{namespace}/sa/{serviceAccount}"
      ttl: ${ttl}
      keys: ${keys}
      usages: ${usages}
${after}`;
}

/** Grants EC and RSA keys for a day to everybody in `shop` and `team-*`, and nothing else. */
export const BUNDLE = corpBundleText({
  sequence: 7,
  contact: '#pki',
  match: '{ namespaces: { names: [shop, "team-*"] } }',
  ttl: '{ max: 24h }',
  keys: '[ec-p256, ec-p384, "rsa>=2048"]',
  usages: '[digitalSignature, keyEncipherment, serverAuth, clientAuth]',
});

/** @param spec YAML in flow style. */
export function issuancePolicy(spec: string, { namespace = 'shop', name = 'local' } = {}): string {
  return `apiVersion: capstan.dev/v1alpha1
kind: IssuancePolicy
metadata: { name: ${name}, namespace: ${namespace} }
spec: ${spec}
`;
}
