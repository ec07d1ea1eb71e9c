// The chart as Helm renders it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
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

interface Pinned {
  /** Files with the public keys of those who may sign the policy bundle. */
  readonly keys?: readonly string[];
}

/** @param values laid over the defaults. @throws Error with what Helm says when it refuses, and when there is no Helm. */
export function renderChart(values: Values = {}, namespace = 'istio-system', pinned: Pinned = {}): Rendered {
  const text = withValues(values, pinned, (options) => runHelm(['template', 'capstan', CHART], namespace, options));
  return { text, objects: objectsIn(text) };
}

/** @returns what `helm install` would say to who installs it, with nothing installed. @throws as `renderChart`. */
export function renderNotes(values: Values, pinned: Pinned = {}): string {
  const install = ['install', 'capstan', CHART, '--dry-run=client'];
  const text = withValues(values, pinned, (options) => runHelm(install, 'istio-system', options));
  return text.slice(text.lastIndexOf('\nNOTES:\n'));
}

function withValues(
  values: Values,
  { keys = [KEY] }: Pinned,
  ask: (options: Parameters<typeof runHelm>[2]) => string,
): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'capstan-chart-'));
  try {
    const file = path.join(folder, 'values.json');
    writeFileSync(file, JSON.stringify(values));
    const more = keys.flatMap((key) => ['--set-file', `bundle.keys.pki-security\\.pub=${key}`]);
    return ask({ values: [file], more });
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
export function renderFolder({ chart, release, namespace, ...options }: Release): Rendered {
  const text = runHelm(['template', release, chart], namespace, options);
  return { text, objects: objectsIn(text) };
}

function runHelm(
  command: readonly string[],
  namespace: string,
  { values, more = [] }: Pick<Release, 'values' | 'more'>,
): string {
  const helm = findProgram('helm');
  if (helm === undefined) throw new Error('Helm is not installed: npm run peers');
  const options = ['--namespace', namespace, ...values.flatMap((file) => ['--values', file]), ...more];
  const { status, stdout, stderr } = spawnSync(helm, [...command, ...options], {
    encoding: 'utf8',
    // No configuration and no plugins of whoever runs the test.
    env: { PATH: process.env['PATH'], HOME: path.join(tmpdir(), 'capstan-no-home') },
    maxBuffer: 16 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

/** Values that a page of docs shows. @param pattern its one group is their text. */
export function valuesShownIn(page: string, pattern: RegExp): Values {
  const [, text = ''] = pattern.exec(readFileSync(path.join(ISTIO_CONFIG, '../docs', page), 'utf8')) ?? [];
  assert.notEqual(text, '', `${page} shows no values after ${pattern.source}`);
  return parse(text) as Values;
}

/** The values of docs/console.md: behind a Service with an OpenID provider, and in its pod with client certificates. */
export const consoleValues = (): { readonly offered: Values; readonly within: Values } => ({
  offered: valuesShownIn('console.md', /<!-- chart -->\s+```yaml\n([\s\S]*?)```/),
  within: valuesShownIn('console.md', /<!-- chart-within -->\s+```yaml\n([\s\S]*?)```/),
});

export function objectsIn(text: string): readonly ClusterObject[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as ClusterObject | null)
    .filter((object) => object !== null);
}

/** Of docs/kubernetes.md, under "What is exposed": metrics over TLS for who shows a token. */
export const metricsValues = (): Values => valuesShownIn('kubernetes.md', /<!-- metrics -->\s+```yaml\n([\s\S]*?)```/);

/** Of docs/trust.md: operators who ask from elsewhere. */
export const administrationValues = (): Values =>
  valuesShownIn('trust.md', /<!-- administration -->\s+```yaml\n([\s\S]*?)```/);

/** Of docs/policy.md: a container beside Capstan that keeps the checkout of policies. */
export const gitSyncValues = (): Values =>
  valuesShownIn('policy.md', /<!-- file: git-sync-values\.yaml -->\s+```yaml\n([\s\S]*?)```/);

/** Of docs/audit.md: the key of heads as a Secret. */
export const headsValues = (): Values => valuesShownIn('audit.md', /<!-- chart -->\s+```yaml\n([\s\S]*?)```/);

/** As Helm lays one file of values over another. */
export function mergedValues(below: Values, above: Values): Values {
  const isMap = (value: unknown): value is Values =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  const entries = Object.entries(above).map(([name, value]) => {
    const under = below[name];
    return [name, isMap(under) && isMap(value) ? mergedValues(under, value) : value] as const;
  });
  return { ...below, ...Object.fromEntries(entries) };
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
