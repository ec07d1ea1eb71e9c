// A real istiod against a cluster of the tests: it is no CA, and serves xDS with the certificate that it finds where the
// chart mounts the Secret `istiod-tls`. It runs in a folder of its own and ends with the test's process.
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '../../../../support/eventually.ts';
import type { KubernetesCluster } from '../../support/cluster.ts';
import { ClusterProcess } from '../../support/cluster-process.ts';
import { ISTIO_NAMESPACE } from '../../support/namespaces.ts';

const ACCOUNT = 'istiod';
/** Relative to where it runs, as the chart mounts it. */
const TLS = 'var/run/secrets/istiod/tls';
const CA = 'etc/cacerts';

/** The Secret `istiod-tls`. */
export interface IstiodTls {
  readonly 'tls.crt': string;
  readonly 'tls.key': string;
  readonly 'ca.crt': string;
}

/** The Secret `cacerts`, of an istiod that is a CA. */
export type IstiodCa = Readonly<Record<'ca-cert.pem' | 'ca-key.pem' | 'cert-chain.pem' | 'root-cert.pem', string>>;

export interface IstiodSettings {
  readonly binary: string;
  readonly cluster: KubernetesCluster;
  /** Nothing, where it gets its own certificate by other means. */
  readonly tls?: IstiodTls;
  /** Over that of an istiod that is no CA. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Of the mesh, over its defaults. */
  readonly mesh?: object;
}

export class Istiod implements AsyncDisposable {
  /** Of xDS over TLS, and of the CSR API where it has one. */
  readonly xdsPort: number;
  /** What is mounted. */
  tls: IstiodTls | undefined;
  readonly #folder: string;
  readonly #process: ClusterProcess;

  private constructor(folder: string, xdsPort: number, istiod: ClusterProcess) {
    this.#folder = folder;
    this.xdsPort = xdsPort;
    this.#process = istiod;
  }

  /** Ready when this resolves. */
  static async start(settings: IstiodSettings): Promise<Istiod> {
    const folder = mkdtempSync(path.join(tmpdir(), 'capstan-istiod-'));
    const ports = {
      http: await freePort(),
      xds: await freePort(),
      monitoring: await freePort(),
      ctrlz: await freePort(),
    };
    const isUp = async (): Promise<boolean> => (await fetch(`http://127.0.0.1:${ports.http}/ready`)).ok;
    const args = await argumentsFor(settings, folder, ports);
    const env = environment(settings.environment);
    const istiod = new Istiod(
      folder,
      ports.xds,
      new ClusterProcess({ binary: settings.binary, args, folder, env, isUp }),
    );
    if (settings.tls !== undefined) istiod.mount(settings.tls);
    try {
      await istiod.#process.start();
      return istiod;
    } catch (error) {
      await istiod[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Puts the Secret `istiod-tls` where it finds it, as the kubelet does. */
  mount(tls: IstiodTls): void {
    this.tls = tls;
    this.#mount(TLS, tls);
  }

  /** The same with the Secret `cacerts`; in force after a restart. */
  mountCa(ca: IstiodCa): void {
    this.#mount(CA, ca);
  }

  /** On the same ports, with what is mounted now. */
  async restart(): Promise<void> {
    await this.stop();
    await this.#process.start();
  }

  /** SIGTERM: it lets go of what it led. */
  async stop(): Promise<void> {
    await this.#process.stop();
  }

  get log(): string {
    return this.#process.log;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #mount(where: string, secret: IstiodTls | IstiodCa): void {
    const folder = path.join(this.#folder, where);
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of Object.entries(secret) as [string, string][]) {
      const file = path.join(folder, name);
      writeFileSync(`${file}.new`, text, { mode: 0o600 });
      renameSync(`${file}.new`, file);
    }
  }
}

async function argumentsFor(
  { cluster, mesh = {} }: IstiodSettings,
  folder: string,
  ports: { readonly http: number; readonly xds: number; readonly monitoring: number; readonly ctrlz: number },
): Promise<string[]> {
  await mayDoAnything(cluster);
  const meshFile = path.join(folder, 'mesh.yaml');
  writeFileSync(meshFile, JSON.stringify(mesh));
  return [
    'discovery',
    `--kubeconfig=${await cluster.accountKubeconfig(ISTIO_NAMESPACE, ACCOUNT)}`,
    `--namespace=${ISTIO_NAMESPACE}`,
    `--meshConfig=${meshFile}`,
    `--httpAddr=127.0.0.1:${ports.http}`,
    `--secureGRPCAddr=127.0.0.1:${ports.xds}`,
    `--monitoringAddr=127.0.0.1:${ports.monitoring}`,
    '--shutdownDuration=1s',
    '--ctrlz_address=127.0.0.1',
    `--ctrlz_port=${ports.ctrlz}`,
    // Neither plaintext xDS nor webhooks: nobody here asks for them.
    '--grpcAddr=',
    '--httpsAddr=',
  ];
}

/** As the values of `istio-config/istio` set it up. */
function environment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return {
    CLUSTER_ID: 'Kubernetes',
    ENABLE_CA_SERVER: 'false',
    JWT_POLICY: 'third-party-jwt',
    PILOT_CERT_PROVIDER: 'istiod',
    // Envoy of the tests is not Istio's build, and has not its filters.
    PILOT_ENABLE_METADATA_EXCHANGE: 'false',
    POD_NAME: 'istiod-test',
    POD_NAMESPACE: ISTIO_NAMESPACE,
    REVISION: 'default',
    ...more,
  };
}

async function mayDoAnything(cluster: KubernetesCluster): Promise<void> {
  await cluster.apply([
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: ISTIO_NAMESPACE } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: ACCOUNT, namespace: ISTIO_NAMESPACE } },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: ACCOUNT },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'ServiceAccount', name: ACCOUNT, namespace: ISTIO_NAMESPACE }],
    },
  ]);
}
