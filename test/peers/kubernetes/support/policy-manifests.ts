// What an operator applies for policies as objects: the CRDs, and of the chart what the API server judges and asks.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ISTIO_CONFIG, objectsIn, renderChart, type Values } from './chart.ts';
import type { ClusterObject } from './cluster-api.ts';

export function policyCrds(): readonly ClusterObject[] {
  return objectsIn(readFileSync(path.join(ISTIO_CONFIG, 'crds/policies.yaml'), 'utf8'));
}

/** By which the API server asks Capstan; the address is of no use to a test, which has no Services. */
const WITH_ADMISSION: Values = {
  config: { cluster: { kubernetes: { admission: { address: '0.0.0.0:15017' } } } },
};

/** The admission policies of the chart, and the webhook. */
export function admissionObjects(): readonly ClusterObject[] {
  return renderChart(WITH_ADMISSION).objects.filter(({ kind }) => kind.startsWith('Validating'));
}

/** An IssuancePolicy, or without a namespace a ClusterIssuancePolicy. */
export function policyObject(namespace: string | undefined, name: string, spec: object): ClusterObject {
  const kind = namespace === undefined ? 'ClusterIssuancePolicy' : 'IssuancePolicy';
  const metadata = { name, ...(namespace !== undefined && { namespace }) };
  return { apiVersion: 'capstan.dev/v1alpha1', kind, metadata, spec };
}
