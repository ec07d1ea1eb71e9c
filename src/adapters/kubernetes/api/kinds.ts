// Kinds of Kubernetes that are asked for by name. What policies name is found by discovery instead (view/discovery.ts).
import type { ApiKind } from './kubernetes-api.ts';

export const NAMESPACE: ApiKind = { apiVersion: 'v1', kind: 'Namespace', plural: 'namespaces', namespaced: false };
export const POD: ApiKind = { apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespaced: true };
export const SECRET: ApiKind = { apiVersion: 'v1', kind: 'Secret', plural: 'secrets', namespaced: true };
export const CONFIG_MAP: ApiKind = { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true };
export const SERVICE_ACCOUNT: ApiKind = {
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  namespaced: true,
};

/** @returns the path of all objects of a kind, in one namespace or everywhere (Kubernetes API concepts, resource URIs). */
export function pathOfKind({ apiVersion, plural, namespaced }: ApiKind, namespace?: string): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return namespaced && namespace !== undefined
    ? `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}`
    : `${root}/${plural}`;
}
