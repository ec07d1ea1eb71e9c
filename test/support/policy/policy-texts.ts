// Policies as somebody writes them, for tests of the tools.

/** Grants EC and RSA keys for a day to everybody in `shop` and `team-*`, and nothing else. */
export const BUNDLE = `apiVersion: capstan.dev/v1alpha1
kind: PolicyBundle
metadata: { name: corp, sequence: 7 }
owner: { team: security, contact: "#pki" }
rules:
  - id: mesh
    match: { namespaces: { names: [shop, "team-*"] } }
    bounds:
      trustDomains: [cluster.local]
      spiffeId: "spiffe://{trustDomain}/ns/{namespace}/sa/{serviceAccount}"
      ttl: { max: 24h }
      keys: [ec-p256, ec-p384, "rsa>=2048"]
      usages: [digitalSignature, keyEncipherment, serverAuth, clientAuth]
`;

/** @param spec YAML in flow style. */
export function issuancePolicy(spec: string, { namespace = 'shop', name = 'local' } = {}): string {
  return `apiVersion: capstan.dev/v1alpha1
kind: IssuancePolicy
metadata: { name: ${name}, namespace: ${namespace} }
spec: ${spec}
`;
}
