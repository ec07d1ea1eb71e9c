// What is judged of an object that we publish: its one text, whether it is ours, and who else wrote that text last.
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';

/** Our mark: what has all of its labels was written by a Capstan of this installation, and by nobody else. */
export interface Mark {
  /** Namespace and name of the lease under which it is written: two installations in one cluster have two. */
  readonly namespace: string;
  readonly leaseName: string;
}

/** Kubernetes, recommended labels. */
const MANAGED_BY = 'app.kubernetes.io/managed-by';
const NAMESPACE = 'capstan.dev/lease-namespace';
const LEASE = 'capstan.dev/lease';
const OURS = 'capstan';
/** As in KubernetesApi.apply. */
const FIELD_MANAGER = 'capstan';

export function labelsOf({ namespace, leaseName }: Mark): Readonly<Record<string, string>> {
  return { [MANAGED_BY]: OURS, [NAMESPACE]: namespace, [LEASE]: leaseName };
}

/** Whether any Capstan wrote it: two installations that publish the same text do not argue about whose it is. */
export function isManaged({ metadata: { labels = {} } }: KubernetesObject): boolean {
  return labels[MANAGED_BY] === OURS;
}

/** A label selector for what is ours. */
export function selectorOf(mark: Mark): string {
  return Object.entries(labelsOf(mark))
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}

export function isOurs({ metadata: { labels = {} } }: KubernetesObject, mark: Mark): boolean {
  return Object.entries(labelsOf(mark)).every(([key, value]) => labels[key] === value);
}

/** Which field holds the text: `['data', 'root-cert.pem']`. */
export type TextField = readonly [string, string];

interface ManagedFields {
  readonly manager?: string;
  readonly time?: string;
  readonly fieldsV1?: Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>;
}

/** An object cut to what is judged, for a cache: its labels, its text, who wrote it. */
export function cutTo([section, field]: TextField, intern: (text: string) => string) {
  return (object: KubernetesObject): KubernetesObject => {
    const { apiVersion, kind, metadata } = object;
    const { name, namespace, uid, resourceVersion, labels } = metadata;
    const text = (object[section] as Readonly<Record<string, unknown>> | undefined)?.[field];
    const writer = writerOf(object, [section, field]);
    return {
      apiVersion,
      kind,
      metadata: {
        name,
        uid,
        resourceVersion,
        ...(namespace !== undefined && { namespace }),
        ...(labels && { labels }),
      },
      ...(typeof text === 'string' && { text: intern(text) }),
      ...(writer !== undefined && { writer }),
    };
  };
}

export function textOf(cut: KubernetesObject | undefined): string | undefined {
  return cut?.['text'] as string | undefined;
}

/** The other field manager that wrote the text, the latest of several; nothing when we alone did. */
export function otherWriterOf(cut: KubernetesObject | undefined): string | undefined {
  return cut?.['writer'] as string | undefined;
}

/** Kubernetes API concepts, field management: each manager has an entry with the fields that it owns. */
function writerOf({ metadata }: KubernetesObject, [section, field]: TextField): string | undefined {
  const { managedFields = [] } = metadata as { readonly managedFields?: readonly ManagedFields[] };
  const others = managedFields.filter(
    ({ manager, fieldsV1 }) => manager !== FIELD_MANAGER && fieldsV1?.[`f:${section}`]?.[`f:${field}`] !== undefined,
  );
  return others.sort((a, b) => ((a.time ?? '') < (b.time ?? '') ? 1 : -1))[0]?.manager;
}

/** Texts that are the same are kept once: thousands of namespaces have the same bundle. */
export function interning(most: number): (text: string) => string {
  const known = new Map<string, string>();
  return (text) => {
    const same = known.get(text);
    if (same !== undefined) return same;
    if (known.size >= most) known.delete(known.keys().next().value ?? '');
    known.set(text, text);
    return text;
  };
}
