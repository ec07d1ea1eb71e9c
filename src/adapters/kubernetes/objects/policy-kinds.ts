// The kinds of local policies, as the API server serves them.
import type { ApiKind } from '../api/kubernetes-api.ts';

const GROUP = 'capstan.dev';
const API_VERSION = `${GROUP}/v1alpha1`;

export const ISSUANCE_POLICY: ApiKind = {
  apiVersion: API_VERSION,
  kind: 'IssuancePolicy',
  plural: 'issuancepolicies',
  namespaced: true,
};

export const CLUSTER_ISSUANCE_POLICY: ApiKind = {
  apiVersion: API_VERSION,
  kind: 'ClusterIssuancePolicy',
  plural: 'clusterissuancepolicies',
  namespaced: false,
};

export const CUSTOM_RESOURCE_DEFINITION: ApiKind = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};

/** Where the API server says which of them it serves. */
export const DISCOVERY_PATH = `/apis/${API_VERSION}`;

/** @returns the name of the CRD of a kind. */
export function crdName({ plural }: ApiKind): string {
  return `${plural}.${GROUP}`;
}
