// What a request is known by in the queue, and whether it waits at all.
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';

/** No name of Kubernetes has a slash in it. */
export function keyOf(object: KubernetesObject | undefined): string {
  return `${object?.metadata.namespace ?? ''}/${object?.metadata.name ?? ''}`;
}

export function namesIn(key: string): readonly [string | undefined, string] {
  const at = key.indexOf('/');
  return [at === 0 ? undefined : key.slice(0, at), key.slice(at + 1)];
}

/** One that waits for nobody is kept by its name alone. */
export function isWaiting({ spec }: KubernetesObject): boolean {
  return spec !== undefined;
}
