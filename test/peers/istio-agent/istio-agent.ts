// Istio's own agent as a peer, built from Istio's module at one commit. On a virtual machine it has neither istiod nor
// Envoy, keeps its certificates, and shows them when it comes again; in a pod it has an istiod, may start an Envoy, and
// shows its token alone. It runs in a folder of its own.
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '../../support/eventually.ts';
import { endProcess, startProcess } from '../support/owned-process.ts';

const STOP_MS = 5_000;
/** Relative to where the agent runs, as all its paths. */
const TOKEN = 'var/run/secrets/tokens/istio-token';

export interface AgentSettings {
  readonly binary: string;
  readonly anchorsPem: string;
  /** Of the pod's namespace, or in `default`. */
  readonly serviceAccount: string;
  /** As Go writes durations. */
  readonly secretTtl: string;
  /** How much of that is left when it renews; a half unless said otherwise. What renews soon and lives long bears a machine that is slow. */
  readonly renewsWithLeft?: number;
  /** Of `WORKLOAD_IDENTITY_SOCKET_FILE`: it leaves certificates to whoever serves SDS there. */
  readonly socketFile?: string;
  /** It is on a virtual machine unless said otherwise. */
  readonly pod?: AgentPod;
}

export interface AgentPod {
  readonly namespace: string;
  readonly name: string;
  /** Of istiod on this machine. */
  readonly xdsPort: number;
  /** The issuer that it names in its calls, for an istiod that asks several. */
  readonly certSigner?: string;
  readonly envoy?: AgentEnvoy;
}

/** The Envoy that the agent starts and leads to istiod. */
export interface AgentEnvoy {
  readonly binary: string;
  /** Path of Istio's template. */
  readonly bootstrapTemplate: string;
  readonly adminPort: number;
}

export class IstioAgent implements AsyncDisposable {
  readonly #settings: AgentSettings;
  readonly #home = mkdtempSync(path.join(tmpdir(), 'capstan-agent-'));
  #process: ChildProcess | undefined;
  /** All that it said, over all its runs. */
  log = '';

  constructor(settings: AgentSettings) {
    this.#settings = settings;
    // Certificates are stored in, and shown from, `etc/certs`; the agent makes no folder by itself.
    for (const folder of ['etc/certs', path.dirname(TOKEN)])
      mkdirSync(path.join(this.#home, folder), { recursive: true });
    this.setRoots(settings.anchorsPem);
  }

  /** By what it knows its CA, as a mounted ConfigMap `istio-ca-root-cert` has it. */
  setRoots(anchorsPem: string): void {
    const file = path.join(this.#home, 'root.pem');
    writeFileSync(`${file}.new`, anchorsPem);
    renameSync(`${file}.new`, file);
  }

  /** Where it looks for a socket of that name; the folder is for its user alone. */
  workloadSocket(name: string): string {
    const folder = path.join(this.#home, 'var/run/secrets/workload-spiffe-uds');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return path.join(folder, name);
  }

  /** What it shows as its bearer token; without one it shows none. */
  setToken(token: string | undefined): void {
    const file = path.join(this.#home, TOKEN);
    if (token === undefined) rmSync(file, { force: true });
    else writeFileSync(file, token);
  }

  /** Whether it has written down a certificate, its key and the roots, as it does one after the other soon after it was given them. */
  get hasStored(): boolean {
    return ['cert-chain.pem', 'key.pem', 'root-cert.pem'].every((name) =>
      existsSync(path.join(this.#home, 'etc/certs', name)),
    );
  }

  /** PEM of what it has written down: its certificate with all that came with it, its key, and the roots of its peers. */
  get stored(): { readonly chainPem: string; readonly keyPem: string; readonly rootsPem: string } {
    const read = (name: string): string => readFileSync(path.join(this.#home, 'etc/certs', name), 'utf8');
    return { chainPem: read('cert-chain.pem'), keyPem: read('key.pem'), rootsPem: read('root-cert.pem') };
  }

  /** @param caPort on this machine; the agent wants a certificate for `istiod.istio-system.svc` there. */
  async start(caPort: number): Promise<void> {
    const args = ['proxy', 'sidecar', '--domain', `${this.#settings.pod?.namespace ?? 'default'}.svc.cluster.local`];
    this.#process = startProcess(this.#settings.binary, args, await this.#environment(caPort), this.#home);
    for (const output of [this.#process.stdout, this.#process.stderr]) {
      output?.on('data', (chunk: Buffer) => (this.log += chunk.toString('utf8')));
    }
  }

  async stop(): Promise<void> {
    const envoy = this.#settings.pod?.envoy;
    // An Envoy outlives an agent that is killed; told to quit, it ends at once, and the agent with it.
    if (envoy !== undefined) await quit(envoy);
    if (this.#process !== undefined) await endProcess(this.#process, STOP_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.#home, { recursive: true, force: true });
  }

  async #environment(caPort: number): Promise<NodeJS.ProcessEnv> {
    const { serviceAccount, secretTtl, renewsWithLeft, socketFile, pod } = this.#settings;
    return {
      PATH: process.env['PATH'],
      CA_ADDR: `localhost:${caPort}`,
      CA_ROOT_CA: './root.pem',
      XDS_ROOT_CA: './root.pem',
      // Without it the agent asks cloud metadata addresses at start.
      CLOUD_PLATFORM: 'none',
      ECC_SIGNATURE_ALGORITHM: 'ECDSA',
      INSTANCE_IP: '127.0.0.1',
      JWT_POLICY: 'third-party-jwt',
      OUTPUT_CERTS: './etc/certs',
      SECRET_TTL: secretTtl,
      ...(renewsWithLeft !== undefined && { SECRET_GRACE_PERIOD_RATIO: String(renewsWithLeft) }),
      SERVICE_ACCOUNT: serviceAccount,
      TRUST_DOMAIN: 'cluster.local',
      ...(socketFile !== undefined && { WORKLOAD_IDENTITY_SOCKET_FILE: socketFile }),
      ...(pod === undefined ? await onVirtualMachine(serviceAccount) : await inPod(pod)),
    };
  }
}

async function quit({ adminPort }: AgentEnvoy): Promise<void> {
  const asked = fetch(`http://127.0.0.1:${adminPort}/quitquitquit`, { method: 'POST' });
  await asked.catch(() => undefined); // it may not be up, or be gone already
}

async function onVirtualMachine(serviceAccount: string): Promise<NodeJS.ProcessEnv> {
  return {
    DISABLE_ENVOY: 'true',
    PROV_CERT: './etc/certs',
    POD_NAME: `${serviceAccount}-vm`,
    POD_NAMESPACE: 'default',
    // Nobody answers there; certificates do not wait for it.
    PROXY_CONFIG: JSON.stringify({ discoveryAddress: 'localhost:1', statusPort: await freePort() }),
  };
}

async function inPod({ name, namespace, xdsPort, certSigner, envoy }: AgentPod): Promise<NodeJS.ProcessEnv> {
  return {
    POD_NAME: name,
    POD_NAMESPACE: namespace,
    ISTIO_META_CLUSTER_ID: 'Kubernetes',
    ...(certSigner !== undefined && { ISTIO_META_CERT_SIGNER: certSigner }),
    ENVOY_PROMETHEUS_PORT: String(await freePort()),
    ENVOY_STATUS_PORT: String(await freePort()),
    ...(envoy === undefined && { DISABLE_ENVOY: 'true' }),
    PROXY_CONFIG: JSON.stringify({
      discoveryAddress: `localhost:${xdsPort}`,
      statusPort: await freePort(),
      proxyListenPort: await freePort(),
      configPath: './etc/istio/proxy',
      concurrency: 1,
      terminationDrainDuration: '1s',
      ...(envoy !== undefined && {
        binaryPath: envoy.binary,
        proxyBootstrapTemplatePath: envoy.bootstrapTemplate,
        proxyAdminPort: envoy.adminPort,
      }),
    }),
  };
}
