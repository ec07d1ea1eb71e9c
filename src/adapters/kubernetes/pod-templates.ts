// Where the pods of a workload are described, by its kind (Kubernetes API, workload resources).
import { groupOf } from './cluster-scoped-kinds.ts';

const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  '/Pod': [],
  '/ReplicationController': ['spec', 'template'],
  'apps/DaemonSet': ['spec', 'template'],
  'apps/Deployment': ['spec', 'template'],
  'apps/ReplicaSet': ['spec', 'template'],
  'apps/StatefulSet': ['spec', 'template'],
  'batch/CronJob': ['spec', 'jobTemplate', 'spec', 'template'],
  'batch/Job': ['spec', 'template'],
};
const USUAL = ['spec', 'template'];

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly [field: string]: unknown;
}

/**
 * The path of the pod's description; empty for a pod itself. Kinds that we do not know (Argo's Rollout,
 * Knative's Service) count by their shape: a template with containers.
 * @returns nothing for what runs no pods.
 */
export function podTemplatePath(manifest: Manifest): readonly string[] | undefined {
  const known = TEMPLATES[`${groupOf(manifest.apiVersion)}/${manifest.kind}`];
  if (known !== undefined) return known;
  return Array.isArray(fieldOf(manifest, [...USUAL, 'spec', 'containers'])) ? USUAL : undefined;
}

/** @returns nothing when something on the path is absent or no mapping. */
export function fieldOf(data: unknown, path: readonly string[]): unknown {
  let value = data;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return value;
}
