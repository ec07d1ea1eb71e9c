// A mesh as an operator has it: a cluster, a Capstan that is its CA, an istiod that is none, and agents in its pods.
import { createRoot, issueIntermediate, issueLeaf, type TestAuthority } from '../../../support/pki.ts';
import { RunningServer } from '../../../../app/support/running-server.ts';
import { ServerFiles } from '../../../../app/support/server-files.ts';
import { type AgentEnvoy, IstioAgent } from '../../../istio-agent/istio-agent.ts';
import { findPrograms } from '../../../programs/programs.ts';
import { KubernetesCluster } from '../../support/cluster.ts';
import { ISTIO_NAMESPACE, Istiod, type IstiodTls } from './istiod.ts';

export type MeshPrograms = Readonly<Record<'istiod' | 'pilot-agent', string>>;

export interface AgentRequest {
  readonly namespace: string;
  readonly pod: string;
  readonly serviceAccount: string;
  readonly envoy?: AgentEnvoy;
}

export class IstioMesh implements AsyncDisposable {
  readonly cluster: KubernetesCluster;
  readonly capstan: RunningServer;
  readonly istiod: Istiod;
  readonly root: TestAuthority;
  readonly #issuer: TestAuthority;
  readonly #programs: MeshPrograms;
  readonly #parts: AsyncDisposableStack;

  private constructor(parts: Parts, programs: MeshPrograms, stack: AsyncDisposableStack) {
    this.cluster = parts.cluster;
    this.capstan = parts.capstan;
    this.istiod = parts.istiod;
    this.root = parts.root;
    this.#issuer = parts.issuer;
    this.#programs = programs;
    this.#parts = stack;
  }

  /** @returns the programs that it consists of, or `undefined` when one is absent. */
  static programs(): MeshPrograms | undefined {
    return KubernetesCluster.programs() && findPrograms('istiod', 'pilot-agent');
  }

  /** @param namespaces that may have certificates. */
  static async start(programs: MeshPrograms, namespaces: readonly string[]): Promise<IstioMesh> {
    await using stack = new AsyncDisposableStack();
    const cluster = stack.use(await KubernetesCluster.start());
    const root = await createRoot('Corporate Root');
    const issuer = await issueIntermediate(root, 'Mesh Issuer');
    const files = stack.use(await ServerFiles.create());
    files.write('issuer-key.pem', issuer.keyPem);
    files.write('issuer-chain.pem', issuer.chainPem);
    files.setAnchors(root.certificatePem);
    files.setPolicy([{ namespaces }]);
    files.write('jwks.json', await cluster.api.page('/openid/v1/jwks'));
    const tokens = { issuer: KubernetesCluster.issuer, keys: { file: files.path('jwks.json') } };
    const settings = { 'authentication.tokens.issuers': [tokens] };
    const capstan = stack.use(await RunningServer.start({ files, settings }));
    const tls = await istiodTls(root, issuer);
    const istiod = stack.use(await Istiod.start({ binary: programs.istiod, cluster, tls }));
    return new IstioMesh({ cluster, capstan, istiod, root, issuer }, programs, stack.move());
  }

  /** The agent of a new pod, with a projected token of the pod; not yet started. It ends with the mesh. */
  async agent({ namespace, pod, serviceAccount, envoy }: AgentRequest): Promise<IstioAgent> {
    await this.cluster.pod({ namespace, name: pod, serviceAccount });
    const agent = new IstioAgent({
      binary: this.#programs['pilot-agent'],
      anchorsPem: this.root.certificatePem,
      serviceAccount,
      secretTtl: '1h',
      pod: { namespace, name: pod, xdsPort: this.istiod.xdsPort, ...(envoy !== undefined && { envoy }) },
    });
    agent.setToken(await this.cluster.token({ namespace, serviceAccount, pod }));
    return this.#parts.use(agent);
  }

  /** A new serving certificate for istiod. @returns its serial. */
  async renewIstiodTls(): Promise<void> {
    this.istiod.mount(await istiodTls(this.root, this.#issuer));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

interface Parts {
  readonly cluster: KubernetesCluster;
  readonly capstan: RunningServer;
  readonly istiod: Istiod;
  readonly root: TestAuthority;
  readonly issuer: TestAuthority;
}

async function istiodTls(root: TestAuthority, issuer: TestAuthority): Promise<IstiodTls> {
  const { chainPem, keyPem } = await issueLeaf(issuer, { dns: `istiod.${ISTIO_NAMESPACE}.svc` });
  return { 'tls.crt': chainPem, 'tls.key': keyPem, 'ca.crt': root.certificatePem };
}
