// The Go programs among the peers: what each is built from, and what it judges. `npm run peers` builds them; a test asks
// with `peerOrSkip(this, findPrograms('kube-apiserver', 'etcd'), 'Kubernetes')`.
import path from 'node:path';
import { GoModule, type Say } from './go-module.ts';

/** The release that `kubernetes/go.mod` names, and what its programs say of themselves. */
export const KUBERNETES_VERSION = '1.37.2';

/** Without these the API server knows no version of its own: discovery and feature gates misbehave. */
function versionVariables(version: string): Readonly<Record<string, string>> {
  const [major = '', minor = ''] = version.split('.');
  const facts = { gitVersion: `v${version}`, gitMajor: major, gitMinor: minor };
  const rooms = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'];
  const named = rooms.flatMap((room) => Object.entries(facts).map(([name, value]) => [`${room}.${name}`, value]));
  return Object.fromEntries(named) as Readonly<Record<string, string>>;
}

const kubernetes = new GoModule({
  name: 'kubernetes',
  version: KUBERNETES_VERSION,
  variables: versionVariables(KUBERNETES_VERSION),
});
const istio = new GoModule({ name: 'istio', version: '1.31' });
const helm = new GoModule({ name: 'helm', version: '4.3.1' });
const spiffe = new GoModule({ name: 'spiffe', version: '2.9' });
const certManager = new GoModule({ name: 'cert-manager', version: '1.21.2' });

interface Program {
  readonly module: GoModule;
  readonly importPath: string;
  readonly judges: string;
}

/** In the order in which they are built: each uses what those before it compiled. */
const PROGRAMS = {
  etcd: {
    module: kubernetes,
    importPath: 'go.etcd.io/etcd/server/v3',
    judges: 'nothing itself; the API server keeps its objects there',
  },
  'kube-apiserver': {
    module: kubernetes,
    importPath: 'k8s.io/kubernetes/cmd/kube-apiserver',
    judges: 'all that Capstan asks of and writes into a cluster',
  },
  'kube-controller-manager': {
    module: kubernetes,
    importPath: 'k8s.io/kubernetes/cmd/kube-controller-manager',
    judges: 'service accounts, namespaces that are deleted, garbage collection',
  },
  'hollow-kubelet': {
    module: kubernetes,
    importPath: './hollow-kubelet',
    judges: 'projected tokens and certificates as pods get them',
  },
  kubectl: {
    module: kubernetes,
    importPath: 'k8s.io/kubernetes/cmd/kubectl',
    judges: 'what operators see: explain, columns, messages of admission',
  },
  'cert-manager': {
    module: certManager,
    importPath: '.',
    judges: 'what asks it for an intermediate',
  },
  'pilot-agent': {
    module: istio,
    importPath: 'istio.io/istio/pilot/cmd/pilot-agent',
    judges: "the CSR API as Istio's own agent uses it",
  },
  istiod: {
    module: istio,
    importPath: 'istio.io/istio/pilot/cmd/pilot-discovery',
    judges: 'certificates of ours as the control plane takes them',
  },
  helm: { module: helm, importPath: 'helm.sh/helm/v4/cmd/helm', judges: 'the chart' },
  'spiffe-bundle': {
    module: spiffe,
    importPath: '.',
    judges: 'the bundle endpoint, by go-spiffe as other trust domains use it',
  },
} as const satisfies Readonly<Record<string, Program>>;

export type ProgramName = keyof typeof PROGRAMS;

export const programNames = Object.keys(PROGRAMS) as readonly ProgramName[];

export const judgedBy = (name: ProgramName): string => PROGRAMS[name].judges;

/** @returns where it is, or `undefined` when `npm run peers` has not built it. */
export function findProgram(name: ProgramName): string | undefined {
  return PROGRAMS[name].module.find(name);
}

/** Where the source of Istio is that its programs are built from. @throws Error when Go is absent. */
export function istioSource(): string {
  return istio.sourceOf('istio.io/istio');
}

/** A folder with the definitions of cert-manager's kinds. @throws Error when Go is absent. */
export function certManagerDefinitions(): string {
  return path.join(certManager.sourceOf('github.com/cert-manager/cert-manager'), 'deploy/crds');
}

/** The bootstrap that Istio's agent fills in for its Envoy. @throws Error when Go is absent. */
export function istioBootstrapTemplate(): string {
  return path.join(istioSource(), 'tools/packaging/common/envoy_bootstrap.json');
}

/** @returns where each of them is, or `undefined` when one is absent. */
export function findPrograms<N extends ProgramName>(...names: readonly N[]): Readonly<Record<N, string>> | undefined {
  const found = names.map((name) => [name, findProgram(name)] as const);
  return found.every(([, file]) => file !== undefined) ? (Object.fromEntries(found) as Record<N, string>) : undefined;
}

/** @throws Error when Go is absent, or with what it said. */
export async function buildProgram(name: ProgramName, say: Say): Promise<void> {
  const { module, importPath } = PROGRAMS[name];
  await module.build(name, importPath, say);
}
