// A bundle, a policy for each namespace and the manifests of a cluster, for the commands that read the past.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { NAMESPACES, namespaceName } from './replay-journal.ts';

const BUNDLE = `apiVersion: capstan.dev/v1alpha1
kind: PolicyBundle
metadata: { name: corp, sequence: 2 }
owner: { team: security, contact: "#pki" }
rules:
  - id: mesh
    match: { namespaces: { names: ["team-*"], labels: { mesh: "true" } } }
    bounds:
      trustDomains: [cluster.local]
      spiffeId: "spiffe://{trustDomain}/ns/{namespace}/sa/{serviceAccount}"
      ttl: { min: 10m, max: 24h }
      keys: [ec-p256, ec-p384, "rsa>=2048"]
      usages: [digitalSignature, keyEncipherment, serverAuth, clientAuth]
      impersonators: ["istio-system/ztunnel"]
`;

/** Every tenth namespace is to give up RSA; all must have an Ingress, as all do. */
function policyOf(index: number): string {
  const keys = index % 10 === 0 ? '[ec-p256, ec-p384]' : '[ec-p256, ec-p384, "rsa>=2048"]';
  return `apiVersion: capstan.dev/v1alpha1
kind: IssuancePolicy
metadata: { name: ingress, namespace: ${namespaceName(index)} }
spec:
  narrow: { keys: ${keys} }
  conditions:
    - id: has-ingress
      exists: { apiVersion: networking.k8s.io/v1, kind: Ingress }
      message: Publish an Ingress for this service before it gets an identity
`;
}

function manifestsOf(index: number): string {
  const namespace = namespaceName(index);
  return `apiVersion: v1
kind: Namespace
metadata: { name: ${namespace}, labels: { mesh: "true" } }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: web, namespace: ${namespace} }
spec: { rules: [ { host: ${namespace}.example } ] }
`;
}

/** Writes `bundle.yaml`, `policies` and `cluster`. */
export async function writePolicyFiles(folder: string): Promise<void> {
  await writeFile(path.join(folder, 'bundle.yaml'), BUNDLE);
  for (const name of ['policies', 'cluster']) await mkdir(path.join(folder, name));
  for (let index = 0; index < NAMESPACES; index += 1) {
    await writeFile(path.join(folder, 'policies', `${index}.yaml`), policyOf(index));
    await writeFile(path.join(folder, 'cluster', `${index}.yaml`), manifestsOf(index));
  }
}
