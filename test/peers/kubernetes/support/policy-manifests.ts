// What an operator applies for policies as objects: the CRDs, and of the chart what the API server judges and asks.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { findPrograms } from '../../programs/programs.ts';
import type { ClusterObject } from './cluster-api.ts';

const ISTIO_CONFIG = path.resolve(import.meta.dirname, '../../../../istio-config');
const KEY = path.join(ISTIO_CONFIG, 'examples/security/keys/pki-security.pub');

export function policyCrds(): readonly ClusterObject[] {
  return objectsIn(readFileSync(path.join(ISTIO_CONFIG, 'crds/policies.yaml'), 'utf8'));
}

/** Of `config.cluster.kubernetes`, beside `from`. */
export type KubernetesValues = Readonly<Record<string, unknown>>;

/** The admission policies of the chart, and the webhook where it has an address. */
export function admissionObjects(): readonly ClusterObject[] {
  return chartObjects('templates/admission.yaml', { policies: true, admission: { address: '0.0.0.0:15017' } });
}

/** The objects of one template. @throws Error with what Helm says. */
export function chartObjects(template: string, values: KubernetesValues): readonly ClusterObject[] {
  const folder = mkdtempSync(path.join(tmpdir(), 'capstan-chart-'));
  try {
    const file = path.join(folder, 'values.json');
    writeFileSync(file, JSON.stringify({ config: { cluster: { kubernetes: { from: 'inCluster', ...values } } } }));
    const options = ['--namespace', 'istio-system', '--values', file, '--show-only', template];
    const keys = ['--set-file', `bundle.keys.pki-security\\.pub=${KEY}`];
    const chart = path.join(ISTIO_CONFIG, 'chart/capstan');
    const { status, stdout, stderr } = spawnSync(
      findPrograms('helm')!.helm,
      ['template', 'capstan', chart, ...options, ...keys],
      { encoding: 'utf8', env: { PATH: process.env['PATH'], HOME: folder } },
    );
    if (status !== 0) throw new Error(stderr);
    return objectsIn(stdout);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** An IssuancePolicy, or without a namespace a ClusterIssuancePolicy. */
export function policyObject(namespace: string | undefined, name: string, spec: object): ClusterObject {
  const kind = namespace === undefined ? 'ClusterIssuancePolicy' : 'IssuancePolicy';
  const metadata = { name, ...(namespace !== undefined && { namespace }) };
  return { apiVersion: 'capstan.dev/v1alpha1', kind, metadata, spec };
}

function objectsIn(text: string): readonly ClusterObject[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as ClusterObject | null)
    .filter((object) => object !== null);
}
