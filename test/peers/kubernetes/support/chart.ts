// The chart as Helm renders it.
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { findProgram } from '../../programs/programs.ts';
import type { ClusterObject } from './cluster-api.ts';

export const ISTIO_CONFIG = path.resolve(import.meta.dirname, '../../../../istio-config');
const CHART = path.join(ISTIO_CONFIG, 'chart/capstan');

export type Values = Readonly<Record<string, unknown>>;

export interface Rendered {
  readonly text: string;
  readonly objects: readonly ClusterObject[];
}

/** Whose public key the manifests and the tests of the chart pin. */
const KEY = path.join(ISTIO_CONFIG, 'examples/security/keys/pki-security.pub');

/** @param values laid over the defaults. @throws Error with what Helm says when it refuses, and when there is no Helm. */
export function renderChart(
  values: Values = {},
  namespace = 'istio-system',
  { keys = [KEY] }: { readonly keys?: readonly string[] } = {},
): Rendered {
  const folder = mkdtempSync(path.join(tmpdir(), 'capstan-chart-'));
  try {
    const file = path.join(folder, 'values.json');
    writeFileSync(file, JSON.stringify(values));
    const pinned = keys.flatMap((key) => ['--set-file', `bundle.keys.pki-security\\.pub=${key}`]);
    return renderFolder({ chart: CHART, release: 'capstan', namespace, values: [file], more: pinned });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Release {
  /** Folder. */
  readonly chart: string;
  readonly release: string;
  readonly namespace: string;
  /** Files, the later ones laid over the earlier. */
  readonly values: readonly string[];
  readonly more?: readonly string[];
}

/** @throws as `renderChart`. */
export function renderFolder({ chart, release, namespace, values, more = [] }: Release): Rendered {
  const helm = findProgram('helm');
  if (helm === undefined) throw new Error('Helm is not installed: npm run peers');
  const options = ['--namespace', namespace, ...values.flatMap((file) => ['--values', file]), ...more];
  const { status, stdout, stderr } = spawnSync(helm, ['template', release, chart, ...options], {
    encoding: 'utf8',
    // No configuration and no plugins of whoever runs the test.
    env: { PATH: process.env['PATH'], HOME: path.join(tmpdir(), 'capstan-no-home') },
    maxBuffer: 16 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(stderr);
  return { text: stdout, objects: objectsIn(stdout) };
}

export function objectsIn(text: string): readonly ClusterObject[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as ClusterObject | null)
    .filter((object) => object !== null);
}

/** Everything switched on in the cluster. */
export const ALL_ON: Values = {
  config: {
    cluster: {
      kubernetes: {
        publish: { clusterTrustBundles: [{ signerName: 'capstan.dev/default', name: 'mesh' }] },
        signers: {
          certificateSigningRequests: { requesters: ['system:serviceaccount:istio-system:istiod'] },
          podCertificates: true,
        },
        admission: { address: '0.0.0.0:15017' },
      },
    },
  },
};

/** Several replicas on one PostgreSQL. */
export const SHARED: Values = {
  replicas: 3,
  autoscaling: { enabled: true },
  postgres: { secret: 'capstan-postgres' },
  metrics: { tokenSecret: 'capstan-metrics' },
  serviceMonitor: { enabled: true, labels: { release: 'prometheus' } },
  networkPolicy: {
    metricsFrom: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
    egress: [{ ports: [{ port: 5432, protocol: 'TCP' }] }],
  },
  probes: { exec: true },
  config: {
    journal: { store: 'postgres://capstan@db.example/capstan' },
    listen: {
      http: { address: '127.0.0.1:15014' },
      metrics: { address: '0.0.0.0:15018', tokenFile: '/etc/capstan/metrics/tokens' },
    },
  },
};
