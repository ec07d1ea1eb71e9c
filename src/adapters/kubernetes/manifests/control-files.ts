// What lies beside manifests and describes nothing that a cluster holds: files of the tools that make or apply
// manifests, and templates before they are rendered. Told by what they are; a name alone may lie.
import { groupOf } from '../../../domain/cluster/scoped-kinds.ts';

/** Groups that no API server serves: their documents are read by a tool on somebody's machine. */
const TOOLS: Readonly<Record<string, string>> = {
  'kustomize.config.k8s.io': 'kustomize',
  skaffold: 'skaffold',
  'kind.x-k8s.io': 'kind',
  'k3d.io': 'k3d',
  'eksctl.io': 'eksctl',
  'kubeadm.k8s.io': 'kubeadm',
  'kubelet.config.k8s.io': 'the kubelet',
  'kubeproxy.config.k8s.io': 'kube-proxy',
  'kubescheduler.config.k8s.io': 'the scheduler',
  'apiserver.config.k8s.io': 'the API server',
  'audit.k8s.io': 'the API server',
  'client.authentication.k8s.io': 'kubectl',
  'kpt.dev': 'kpt',
  'tilt.dev': 'tilt',
  'garden.io': 'garden',
  'backstage.io': 'Backstage',
};

/** What every object has some of; what has none of it is a values file, a lock file, a pipeline. */
const OF_OBJECTS = ['apiVersion', 'kind', 'metadata', 'spec'];
/** An action of Go's text/template where a value or a line begins. */
const TEMPLATE = /(?:^[ \t]*(?:- +)*|[:,[{][ \t]+)\{\{/m;

/** @returns what a document is instead of an object: `kustomize`, `Helm`; nothing for what may be one. */
export function toolOf(data: unknown): string | undefined {
  if (isPatch(data)) return 'kustomize';
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return undefined;
  if (Object.keys(data).length > 0 && OF_OBJECTS.every((field) => !(field in data))) return 'no manifest';
  const { apiVersion, kind, metadata, name, version } = data as Readonly<Record<string, unknown>>;
  if (typeof apiVersion !== 'string') return undefined;
  if (kind === undefined)
    return /^v[12]$/.test(apiVersion) && name !== undefined && version !== undefined ? 'Helm' : undefined;
  if (apiVersion === 'v1' && kind === 'Config' && metadata === undefined) return 'kubectl';
  return TOOLS[groupOf(apiVersion)];
}

/** Operations of RFC 6902. */
function isPatch(data: unknown): boolean {
  return (
    Array.isArray(data) &&
    data.length > 0 &&
    data.every((one: unknown) => typeof one === 'object' && one !== null && 'op' in one && 'path' in one)
  );
}

/** @param text that could not be read as YAML. */
export function isTemplate(text: string): boolean {
  return TEMPLATE.test(text);
}
