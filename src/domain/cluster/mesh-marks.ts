// What a pod says of the mesh beside its labels, as few words as are asked of it later: its annotations and containers are most of a
// pod, and there may be 50,000.
import type { KubernetesObject } from './snapshot.ts';
import { fieldOf } from './pod-templates.ts';

export const MESH_MARKS = [
  /** A proxy runs in it: the injector's status is on it, or a container is called as Istio calls its proxy. */
  'proxy',
  /** That status is on it (`sidecar.istio.io/status`). */
  'injected',
  /** istio-cni sends its traffic through the ztunnel of its node (`ambient.istio.io/redirection`). */
  'redirected',
  /** It asks the injector for a gateway (`inject.istio.io/templates`). */
  'gateway-template',
  /** It asks the injector for nothing, by annotation (`sidecar.istio.io/inject`). */
  'no-injection',
  'host-network',
] as const;
export type MeshMark = (typeof MESH_MARKS)[number];

/** What the injector takes for a yes (istio/istio, pkg/kube/inject, injectRequired). */
const YES: ReadonlySet<string> = new Set(['y', 'yes', 'true', 'on']);
const PROXY = 'istio-proxy';
/** Of a container that the injector has yet to fill in. */
const TO_BE_INJECTED = 'auto';

/** @returns also of a pod of which only this was kept, as `status.mesh`. */
export function meshMarksOf(pod: KubernetesObject): readonly MeshMark[] {
  const kept = fieldOf(pod, ['status', 'mesh']);
  if (Array.isArray(kept)) return kept as readonly MeshMark[];
  const annotation = (name: string): string | undefined => textAt(pod, ['metadata', 'annotations', name]);
  const injected = annotation('sidecar.istio.io/status') !== undefined;
  const marks: Readonly<Record<MeshMark, boolean>> = {
    proxy: injected || hasProxy(pod),
    injected,
    redirected: annotation('ambient.istio.io/redirection') === 'enabled',
    'gateway-template': (annotation('inject.istio.io/templates') ?? '')
      .split(',')
      .some((one) => one.trim() === 'gateway'),
    'no-injection': isRefusal(annotation('sidecar.istio.io/inject')),
    'host-network': fieldOf(pod, ['spec', 'hostNetwork']) === true,
  };
  return MESH_MARKS.filter((mark) => marks[mark]);
}

/** @param asked of `sidecar.istio.io/inject`, in a remote cluster maybe no text; an empty one leaves it to the namespace. */
export function isRefusal(asked: unknown): boolean {
  return asked !== undefined && asked !== '' && !isYes(asked);
}

export function isYes(asked: unknown): boolean {
  return typeof asked === 'string' && YES.has(asked.toLowerCase());
}

/** A native sidecar is an init container that is restarted always (KEP-753). */
function hasProxy(pod: KubernetesObject): boolean {
  const containers = listAt(pod, 'containers');
  const sidecars = listAt(pod, 'initContainers').filter((one) => fieldOf(one, ['restartPolicy']) === 'Always');
  return [...containers, ...sidecars].some(
    (one) => fieldOf(one, ['name']) === PROXY && fieldOf(one, ['image']) !== TO_BE_INJECTED,
  );
}

function listAt(pod: KubernetesObject, field: string): readonly unknown[] {
  const list = fieldOf(pod, ['spec', field]);
  return Array.isArray(list) ? list : [];
}

function textAt(pod: KubernetesObject, path: readonly string[]): string | undefined {
  const text = fieldOf(pod, path);
  return typeof text === 'string' ? text : undefined;
}
