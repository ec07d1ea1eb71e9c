// Fields of objects of the API server: unchecked data, of which the doctor takes what has the shape it should have.
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';

export interface Container {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  readonly volumeMounts: readonly Readonly<Record<string, unknown>>[];
}

export interface PodTemplate {
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  readonly containers: readonly Container[];
  readonly volumes: readonly Readonly<Record<string, unknown>>[];
}

/** @returns what stands at the end of the path, or nothing. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let found = value;
  for (const name of path) found = isRecord(found) ? found[name] : undefined;
  return found;
}

export function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  const found = at(value, ...path);
  return typeof found === 'string' ? found : undefined;
}

export function listAt(value: unknown, ...path: readonly string[]): readonly Readonly<Record<string, unknown>>[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found.filter(isRecord) : [];
}

export function labelsAt(value: unknown, ...path: readonly string[]): Readonly<Record<string, string>> {
  const found = at(value, ...path);
  if (!isRecord(found)) return {};
  return Object.fromEntries(
    Object.entries(found).flatMap(([name, text]) => (typeof text === 'string' ? [[name, text]] : [])),
  );
}

/** The pod template of a Deployment, a DaemonSet or a StatefulSet. */
export function podTemplate(object: KubernetesObject): PodTemplate {
  const template = at(object, 'spec', 'template');
  return {
    labels: labelsAt(template, 'metadata', 'labels'),
    serviceAccount: textAt(template, 'spec', 'serviceAccountName') ?? 'default',
    containers: listAt(template, 'spec', 'containers').map((container) => ({
      name: textAt(container, 'name') ?? '',
      env: Object.fromEntries(
        listAt(container, 'env').flatMap(({ name, value }) =>
          typeof name === 'string' && typeof value === 'string' ? [[name, value]] : [],
        ),
      ),
      volumeMounts: listAt(container, 'volumeMounts'),
    })),
    volumes: listAt(template, 'spec', 'volumes'),
  };
}

/** The environment of all containers of a pod together. */
export function envOf({ containers }: PodTemplate): Readonly<Record<string, string>> {
  return Object.assign({}, ...containers.map(({ env }) => env)) as Readonly<Record<string, string>>;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
