// A mesh as an operator has it: a cluster, a Capstan that attests, publishes roots and keeps istiod's certificate, an istiod
// that is no CA, and agents in pods. What the kubelet would mount is copied from the cluster, and follows it.
import { RunningServer } from '../../../../app/support/running-server.ts';
import { ServerFiles } from '../../../../app/support/server-files.ts';
import { eventually } from '../../../../support/eventually.ts';
import { type AgentEnvoy, IstioAgent } from '../../../istio-agent/istio-agent.ts';
import { findPrograms } from '../../../programs/programs.ts';
import { KubernetesCluster } from '../../support/cluster.ts';
import { ISTIO_NAMESPACE } from '../../support/namespaces.ts';
import { CLASSES, configuration, CONTROL_PLANE, istiodTls, rootsIn } from './installed.ts';
import { Istiod, type IstiodSettings } from './istiod.ts';
import { MountedTls } from './mounted-tls.ts';

export type MeshPrograms = Readonly<Record<'istiod' | 'pilot-agent', string>>;

export interface MeshSettings {
  readonly programs: MeshPrograms;
  /** That may have certificates. */
  readonly namespaces: readonly string[];
  /** Of istiod's certificate; it is renewed at half of it. */
  readonly istiodTtl?: string;
  /** Whether agents ask istiod, and istiod asks Capstan by CertificateSigningRequests. */
  readonly registrationAuthority?: boolean;
}

export interface AgentRequest {
  readonly namespace: string;
  readonly pod: string;
  readonly serviceAccount: string;
  readonly envoy?: AgentEnvoy;
  readonly certSigner?: string;
}

const ISTIOD = `${ISTIO_NAMESPACE}/istiod`;
const SOON = { withinMs: 30_000 };
/** Characters of Capstan's log. */
const QUOTED = 3_000;

export class IstioMesh implements AsyncDisposable {
  readonly cluster: KubernetesCluster;
  readonly capstan: RunningServer;
  readonly istiod: Istiod;
  readonly #programs: MeshPrograms;
  readonly #parts: AsyncDisposableStack;

  private constructor(parts: Parts, programs: MeshPrograms, stack: AsyncDisposableStack) {
    this.cluster = parts.cluster;
    this.capstan = parts.capstan;
    this.istiod = parts.istiod;
    this.#programs = programs;
    this.#parts = stack;
  }

  /** @returns the programs that it consists of, or `undefined` when one is absent. */
  static programs(): MeshPrograms | undefined {
    return KubernetesCluster.programs() && findPrograms('istiod', 'pilot-agent');
  }

  /** Capstan first, as docs/istio.md says; then istiod, on what it finds. */
  static async start(settings: MeshSettings): Promise<IstioMesh> {
    const { programs } = settings;
    await using stack = new AsyncDisposableStack();
    const cluster = stack.use(await KubernetesCluster.start());
    const files = stack.use(await ServerFiles.create());
    const relayed = settings.registrationAuthority === true && { bounds: { impersonators: [ISTIOD] } };
    files.setPolicy([{ namespaces: settings.namespaces, ...relayed }, CONTROL_PLANE], CLASSES);
    const capstan = stack.use(
      await RunningServer.start({ files, settings: await configuration(cluster, keys(settings)) }),
    );
    const tls = await eventually('istiod-tls', async () => istiodTls(cluster), SOON).catch((cause: unknown) => {
      throw new Error(`Capstan says: ${files.logText.slice(-QUOTED)}`, { cause });
    });
    const asking = settings.registrationAuthority === true ? registrationAuthority(files) : {};
    const istiod = stack.use(await Istiod.start({ binary: programs.istiod, cluster, tls, ...asking }));
    stack.use(new MountedTls(istiod, async () => istiodTls(cluster)));
    return new IstioMesh({ cluster, capstan, istiod }, programs, stack.move());
  }

  /** The agent of a new pod, with a projected token of the pod; not yet started. It ends with the mesh. */
  async agent({ namespace, pod, serviceAccount, ...more }: AgentRequest): Promise<IstioAgent> {
    await this.cluster.pod({ namespace, name: pod, serviceAccount });
    const agent = new IstioAgent({
      binary: this.#programs['pilot-agent'],
      anchorsPem: await eventually('the roots', async () => rootsIn(this.cluster, namespace), SOON),
      serviceAccount,
      secretTtl: '1h',
      pod: { namespace, name: pod, xdsPort: this.istiod.xdsPort, ...more },
    });
    agent.setToken(await this.cluster.token({ namespace, serviceAccount, pod }));
    return this.#parts.use(agent);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

interface Parts {
  readonly cluster: KubernetesCluster;
  readonly capstan: RunningServer;
  readonly istiod: Istiod;
}

const keys = ({
  istiodTtl = '1h',
  registrationAuthority = false,
}: MeshSettings): Readonly<Record<string, unknown>> => ({
  'publish.rootConfigMap.enabled': true,
  'publish.istiodTls.ttl': istiodTtl,
  ...(registrationAuthority && {
    'signers.certificateSigningRequests.requesters': ['system:serviceaccount:istio-system:istiod'],
  }),
});

/** As `istio-config/istio/ra.yaml` sets istiod up. */
function registrationAuthority({ pki }: ServerFiles): Pick<IstiodSettings, 'environment' | 'mesh'> {
  return {
    environment: {
      ENABLE_CA_SERVER: 'true',
      EXTERNAL_CA: 'ISTIOD_RA_KUBERNETES_API',
      CERT_SIGNER_DOMAIN: 'capstan.dev',
    },
    mesh: { caCertificates: [{ certSigners: ['capstan.dev/default'], pem: pki.root.certificatePem }] },
  };
}
