// What an API server calls an object, before anything is kept of it. A remote cluster is somebody else's: what it names goes into
// our journal, so a name that is no text is no name.
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import { KubernetesApiError } from './kubernetes-api.ts';

/**
 * @throws KubernetesApiError when its metadata are not what those of an object of an API server are (Kubernetes API, ObjectMeta):
 *   the kind is not followed then. Of what an extension serves UID and version may be absent.
 */
export function servedObject(object: unknown): KubernetesObject {
  const { metadata } = (object ?? {}) as { readonly metadata?: Readonly<Record<string, unknown>> | null };
  const { name, namespace, uid, resourceVersion } = metadata ?? {};
  const isText = [namespace, uid, resourceVersion].every((text) => text === undefined || typeof text === 'string');
  if (isText && typeof name === 'string') return object as KubernetesObject;
  throw malformed('an object whose name, namespace, UID or version is no text');
}

/** @param what in words, for an operator. */
export function malformed(what: string): KubernetesApiError {
  return new KubernetesApiError({ status: 0, reason: 'Malformed', message: `the API server sent ${what}` });
}
