// Which pods are in the mesh, and which should be: as Istio's injector and istio-cni go by labels and annotations (istio/istio,
// pkg/kube/inject and the webhooks of its chart; cni/pkg/util, PodRedirectionEnabled). What runs counts before what was asked for.
import type { MeshMark } from './mesh-marks.ts';
import { isRefusal, isYes } from './mesh-marks.ts';
import { hasEnded } from './pod-phase.ts';

type Labels = Readonly<Record<string, string>>;

export const MESH_WAYS = ['sidecar', 'gateway', 'ambient'] as const;
export type MeshWay = (typeof MESH_WAYS)[number];

export interface Membership {
  readonly way: MeshWay;
  /** Not when labels say that it should be in the mesh, and it has no proxy, or is not redirected. */
  readonly joined: boolean;
}

export interface Member {
  readonly namespace: string;
  readonly phase: string;
  readonly labels: Labels;
  readonly marks: readonly MeshMark[];
}

const INJECT = 'sidecar.istio.io/inject';
const REVISION = 'istio.io/rev';
const MODE = 'istio.io/dataplane-mode';
const GATEWAY_NAMES = ['gateway.networking.k8s.io/gateway-name', 'istio.io/gateway-name'];
/** The injector passes over them (istio/istio, pkg/kube/inject, IgnoredNamespaces). */
const NEVER_INJECTED: ReadonlySet<string> = new Set([
  'kube-system',
  'kube-public',
  'kube-node-lease',
  'local-path-storage',
]);

/** @param namespaceLabels of the pod's namespace. @returns nothing for a pod that neither is in the mesh nor should be. */
export function membershipOf(pod: Member, namespaceLabels: Labels): Membership | undefined {
  if (hasEnded(pod)) return undefined;
  const { marks } = pod;
  if (marks.includes('proxy') && isOfWorkload(pod))
    return { way: isGateway(pod) ? 'gateway' : 'sidecar', joined: true };
  if (marks.includes('redirected')) return { way: 'ambient', joined: true };
  if (marks.includes('host-network')) return undefined;
  if (isInjected(pod, namespaceLabels)) return { way: isGateway(pod) ? 'gateway' : 'sidecar', joined: false };
  return isRedirected(pod, namespaceLabels) ? { way: 'ambient', joined: false } : undefined;
}

/** A ztunnel's container is called as a sidecar's, and it has no identity of its own; it says that it wants no sidecar. */
function isOfWorkload(pod: Member): boolean {
  return pod.marks.includes('injected') || isGateway(pod) || !isRefusal(pod.labels[INJECT]);
}

function isGateway({ labels, marks }: Member): boolean {
  return marks.includes('gateway-template') || GATEWAY_NAMES.some((name) => labels[name] !== undefined);
}

/** Whether the injector would be asked, and give it a proxy. */
function isInjected({ namespace, labels, marks }: Member, ofNamespace: Labels): boolean {
  const own = labels[INJECT];
  if (NEVER_INJECTED.has(namespace) || isRefusal(own)) return false;
  const byNamespace = ofNamespace['istio-injection'];
  const isAsked =
    byNamespace === undefined
      ? ofNamespace[REVISION] !== undefined || own === 'true' || labels[REVISION] !== undefined
      : byNamespace === 'enabled';
  // The label counts before the annotation.
  return isAsked && (isYes(own) || !marks.includes('no-injection'));
}

function isRedirected({ labels }: Member, ofNamespace: Labels): boolean {
  const own = labels[MODE];
  return own === 'ambient' || (own !== 'none' && ofNamespace[MODE] === 'ambient');
}
