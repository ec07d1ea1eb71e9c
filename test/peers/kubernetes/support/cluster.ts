// A Kubernetes cluster of a test's own on ports of the loopback: etcd and a real API server; on request the controller
// manager and a kubelet that runs nothing. It ends with the test's process. One API server takes some 0.5 GiB.
// Skip with `peerOrSkip(this, KubernetesCluster.programs(settings), 'Kubernetes')`.
import path from 'node:path';
import { freePort } from '../../../support/eventually.ts';
import { findPrograms, type ProgramName } from '../../programs/programs.ts';
import { ClusterApi, type ClusterObject } from './cluster-api.ts';
import { ClusterFiles, type TokenAlgorithm } from './cluster-files.ts';
import { ClusterProcess } from './cluster-process.ts';
import { apiServerFlags, controllerManagerFlags, etcdFlags, type Flags, written } from './flags.ts';

/** The node of the kubelet. */
export const NODE = 'node-1';

export interface ClusterSettings {
  /** Makes default service accounts and kube-root-ca.crt, deletes what is in a deleted namespace, collects garbage. */
  readonly controllerManager?: boolean;
  /** Registers `NODE` and writes the projected volumes of its pods, which run as far as anybody can tell. */
  readonly kubelet?: boolean;
  /** `iss` of service account tokens. */
  readonly issuer?: string;
  /** RS256 unless said otherwise, as usual. */
  readonly tokenAlgorithm?: TokenAlgorithm;
  /** Of the API server, over its own: `{ 'watch-cache': 'false' }`. */
  readonly flags?: Flags;
}

export interface TokenRequest {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Name of the pod that it is bound to, as a projected token is; to the account alone unless said. */
  readonly pod?: string;
  /** `istio-ca` unless said otherwise. */
  readonly audience?: string;
  /** An hour unless said otherwise, and no less than ten minutes. */
  readonly expirationSeconds?: number;
}

export interface PodSettings {
  readonly namespace: string;
  readonly name: string;
  readonly serviceAccount: string;
  /** It need not exist; `NODE` unless said otherwise. */
  readonly node?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Mounted into its container: the kubelet writes no other volume. */
  readonly volumes?: readonly PodVolume[];
  /** Laid over the pod's `spec`. */
  readonly spec?: object;
}

export interface PodVolume {
  readonly name: string;
  readonly [source: string]: unknown;
}

export class KubernetesCluster implements AsyncDisposable {
  /** `iss` of service account tokens, unless a cluster is started with another. */
  static readonly issuer = 'https://kubernetes.default.svc.cluster.local';
  /** What the test does itself, as administrator. */
  readonly api: ClusterApi;
  readonly server: string;
  readonly #files: ClusterFiles;
  readonly #etcd: ClusterProcess;
  readonly #apiServer: ClusterProcess;
  /** The others, in the order in which they were started. */
  readonly #others: ClusterProcess[] = [];

  private constructor(
    files: ClusterFiles,
    ports: Ports,
    { issuer = KubernetesCluster.issuer, flags = {} }: ClusterSettings,
  ) {
    this.#files = files;
    this.server = `https://127.0.0.1:${ports.apiServer}`;
    this.api = new ClusterApi(this.administratorKubeconfig);
    const { folder } = files;
    this.#etcd = new ClusterProcess({
      binary: binary('etcd'),
      args: etcdFlags(files, ports),
      folder,
      isUp: async () => (await fetch(`http://127.0.0.1:${ports.etcd}/health`)).ok,
    });
    this.#apiServer = new ClusterProcess({
      binary: binary('kube-apiserver'),
      args: written({ ...apiServerFlags(files, ports, issuer), ...flags }),
      folder,
      isUp: async () => (await this.api.page('/readyz')) === 'ok',
    });
  }

  /** @returns the programs that such a cluster consists of, and Helm, which makes accounts in it; `undefined` when one is absent. */
  static programs({ controllerManager, kubelet }: ClusterSettings = {}): Readonly<Record<string, string>> | undefined {
    return findPrograms(
      'etcd',
      'kube-apiserver',
      'helm',
      ...(controllerManager === true ? (['kube-controller-manager'] as const) : []),
      ...(kubelet === true ? (['hollow-kubelet'] as const) : []),
    );
  }

  /** An empty one that answers when this resolves; some four seconds. */
  static async start(settings: ClusterSettings = {}): Promise<KubernetesCluster> {
    const { tokenAlgorithm = 'RS256' } = settings;
    const ports = { etcd: await freePort(), etcdPeers: await freePort(), apiServer: await freePort() };
    const files = await ClusterFiles.create({ port: ports.apiServer, tokenAlgorithm });
    const cluster = new KubernetesCluster(files, ports, settings);
    try {
      await cluster.#etcd.start();
      await cluster.#apiServer.start();
      if (settings.controllerManager === true) await cluster.#startControllerManager();
      if (settings.kubelet === true) await cluster.#startKubelet();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Path of a kubeconfig for programs that an operator runs; a server of a test has a `ChartAccount`. */
  get administratorKubeconfig(): string {
    return this.#files.administratorKubeconfig();
  }

  /** @returns path of the kubeconfig of a service account, as a pod of it would be to the API server. */
  async accountKubeconfig(namespace: string, serviceAccount: string): Promise<string> {
    const audience = await this.#ownAudience();
    const token = await this.token({ namespace, serviceAccount, audience });
    return this.#files.kubeconfig(`${namespace}.${serviceAccount}`, token);
  }

  /** PEM of the CA under which the API server's certificate is. */
  get caFile(): string {
    return this.#files.path('ca.pem');
  }

  /** What a service account may ask. */
  async apiOf(namespace: string, serviceAccount: string): Promise<ClusterApi> {
    return new ClusterApi(await this.accountKubeconfig(namespace, serviceAccount));
  }

  /** Applies the objects one after the other, and gives what the API server made of them. */
  async apply<T extends ClusterObject = ClusterObject>(objects: readonly ClusterObject[]): Promise<readonly T[]> {
    return this.api.apply<T>(objects);
  }

  /** A pod bound to a node, with its namespace and service account. */
  async pod({
    namespace,
    name,
    serviceAccount,
    node = NODE,
    labels = {},
    volumes = [],
    spec = {},
  }: PodSettings): Promise<ClusterObject> {
    const [, , pod] = await this.apply([
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: serviceAccount, namespace } },
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace, labels },
        spec: {
          serviceAccountName: serviceAccount,
          nodeName: node,
          automountServiceAccountToken: false,
          volumes,
          containers: [{ name: 'main', image: 'registry.test/main:1', volumeMounts: volumes.map(mounted) }],
          ...spec,
        },
      },
    ]);
    return pod!;
  }

  /** A token of the TokenRequest API. @throws ApiRefusal when there is no such account or pod. */
  async token(request: TokenRequest): Promise<string> {
    const { namespace, serviceAccount, pod, audience = 'istio-ca', expirationSeconds = 3600 } = request;
    const boundObjectRef = pod === undefined ? undefined : { apiVersion: 'v1', kind: 'Pod', name: pod };
    const target = `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccount}/token`;
    const { status } = await this.api.ask<{ status: { token: string } }>('POST', target, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences: [audience], expirationSeconds, boundObjectRef },
    });
    return status.token;
  }

  /** Where the kubelet writes a projected volume of a pod. */
  projectedVolume({ metadata: { uid = '' } }: ClusterObject, volume: string): string {
    return path.join(this.#files.path('kubelet'), 'pods', uid, 'volumes/kubernetes.io~projected', volume);
  }

  /** The sum of a counter of the API server over those of its series that have all these labels. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const lines = (await this.api.page('/metrics')).split('\n').filter((line) => /^\w+/.exec(line)?.[0] === name);
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    const counted = lines.filter((line) => wanted.every((part) => line.includes(part)));
    return counted.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }

  /** As at an upgrade: it drains, and comes back on the same port with the same objects. */
  async restartApiServer(): Promise<void> {
    await this.stopApiServer();
    await this.startApiServer();
  }

  /** From now on connections are refused. */
  async stopApiServer(): Promise<void> {
    await this.#apiServer.stop();
  }

  async startApiServer(): Promise<void> {
    await this.#apiServer.start();
  }

  /** From now on it takes connections and answers nothing. */
  async pauseApiServer(): Promise<void> {
    await this.#apiServer.pause();
  }

  resumeApiServer(): void {
    this.#apiServer.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Nobody reads the data again.
    for (const one of [...this.#others, this.#apiServer, this.#etcd]) await one.kill();
    this.api[Symbol.dispose]();
    this.#files[Symbol.dispose]();
  }

  async #startControllerManager(): Promise<void> {
    const flags = written(controllerManagerFlags(this.#files, this.administratorKubeconfig));
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'default' } };
    await this.#startOther('kube-controller-manager', flags, account);
  }

  async #startKubelet(): Promise<void> {
    const flags = { kubeconfig: this.administratorKubeconfig, node: NODE, root: this.#files.path('kubelet') };
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: NODE } };
    await this.#startOther('hollow-kubelet', written(flags), node);
  }

  /** @param sign an object that it makes when it is up. */
  async #startOther(name: ProgramName, args: readonly string[], sign: ClusterObject): Promise<void> {
    const isUp = async (): Promise<boolean> => (await this.api.get(sign)) !== undefined;
    const other = new ClusterProcess({ binary: binary(name), args, folder: this.#files.folder, isUp });
    this.#others.push(other);
    await other.start();
  }

  async #ownAudience(): Promise<string> {
    const { issuer } = await this.api.ask<{ issuer: string }>('GET', '/.well-known/openid-configuration');
    return issuer;
  }
}

const mounted = ({ name }: PodVolume): object => ({ name, mountPath: `/var/run/secrets/${name}` });

/** @throws Error when `npm run peers` has not built it. */
function binary(name: ProgramName): string {
  const found = findPrograms(name);
  if (found === undefined) throw new Error(`${name} is not installed: npm run peers`);
  return found[name];
}

interface Ports {
  readonly etcd: number;
  readonly etcdPeers: number;
  readonly apiServer: number;
}
