// A real cert-manager in a cluster of the tests: the definitions of its kinds, and its controllers in a process that may be
// stopped and started again. Its webhook is absent, so who asked is not in `spec.username` of a request.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { certManagerDefinitions } from '../../../programs/programs.ts';
import { eventually } from '../../../../support/eventually.ts';
import type { ClusterObject, ObjectReference } from '../../support/cluster-api.ts';
import type { KubernetesCluster } from '../../support/cluster.ts';
import { ClusterProcess } from '../../support/cluster-process.ts';
import { namespace } from '../../support/namespaces.ts';

const NAMESPACE = 'cert-manager';
const API_VERSION = 'cert-manager.io/v1';
/** Kinds without an ACME of ours. */
const KINDS = /^cert-manager\.io_(certificaterequests|issuers|clusterissuers)\.yaml$/;
const READY_MS = 60_000;

export interface CertManagerSettings {
  readonly binary: string;
  readonly cluster: KubernetesCluster;
  /** Whether it approves every request, as it does unless it is told not to. */
  readonly approves?: boolean;
}

/** Without CAs above it. */
interface CaPair {
  readonly certificatePem: string;
  readonly keyPem: string;
}

export class CertManager implements AsyncDisposable {
  readonly #cluster: KubernetesCluster;
  readonly #folder: string;
  readonly #process: ClusterProcess;

  private constructor(cluster: KubernetesCluster, folder: string, process: ClusterProcess) {
    this.#cluster = cluster;
    this.#folder = folder;
    this.#process = process;
  }

  /** Its kinds are served and its controllers run when this resolves. */
  static async start({ binary, cluster, approves = true }: CertManagerSettings): Promise<CertManager> {
    await cluster.apply([...definitions(), namespace(NAMESPACE), ...account()]);
    const folder = mkdtempSync(path.join(tmpdir(), 'capstan-cert-manager-'));
    const kubeconfig = await cluster.accountKubeconfig(NAMESPACE, NAMESPACE);
    const args = [`-kubeconfig=${kubeconfig}`, `-cluster-resource-namespace=${NAMESPACE}`, `-approver=${approves}`];
    const isUp = async (): Promise<boolean> => Promise.resolve(controllers.log.includes('running:'));
    const controllers: ClusterProcess = new ClusterProcess({ binary, args, folder, isUp });
    const started = new CertManager(cluster, folder, controllers);
    try {
      await controllers.start();
      return started;
    } catch (error) {
      await started[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** An Issuer that signs with this CA; it is ready when this resolves. */
  async issuer(at: { readonly namespace: string; readonly name: string }, ca: CaPair): Promise<void> {
    const issuer = issuerObject(at);
    await this.#cluster.apply([caSecret(at, ca), { ...issuer, spec: { ca: { secretName: at.name } } }]);
    await eventually(`the Issuer ${at.name} is ready`, async () => this.#isReady(issuer), { withinMs: READY_MS });
  }

  /** SIGTERM, as at an upgrade. */
  async stop(): Promise<void> {
    await this.#process.stop();
  }

  async startAgain(): Promise<void> {
    await this.#process.start();
  }

  get log(): string {
    return this.#process.log;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #isReady(issuer: ObjectReference): Promise<boolean> {
    interface Status {
      readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
    }
    const found = (await this.#cluster.api.get(issuer)) as Status | undefined;
    return found?.status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') === true;
  }
}

function definitions(): readonly ClusterObject[] {
  const folder = certManagerDefinitions();
  const files = readdirSync(folder).filter((file) => KINDS.test(file));
  return files.flatMap((file) =>
    parseAllDocuments(readFileSync(path.join(folder, file), 'utf8')).flatMap((document) => {
      const object = document.toJS() as ClusterObject | null;
      return object === null ? [] : [object];
    }),
  );
}

function account(): readonly ClusterObject[] {
  const metadata = { name: NAMESPACE, namespace: NAMESPACE };
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: NAMESPACE },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'ServiceAccount', ...metadata }],
    },
  ];
}

function issuerObject(metadata: { readonly namespace: string; readonly name: string }): ClusterObject {
  return { apiVersion: API_VERSION, kind: 'Issuer', metadata };
}

function caSecret(metadata: ObjectReference['metadata'], { certificatePem, keyPem }: CaPair): ClusterObject {
  const stringData = { 'tls.crt': certificatePem, 'tls.key': keyPem };
  return { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata, stringData };
}
