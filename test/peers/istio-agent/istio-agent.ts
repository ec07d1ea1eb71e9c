// Istio's own agent as a peer, built from Istio's module at one commit: on a virtual machine, without Kubernetes, Envoy
// or istiod. It runs in a folder of its own, keeps its certificates there, and shows them when it comes again.
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
  /** Service account in `default`. */
  readonly serviceAccount: string;
  /** As Go writes durations. */
  readonly secretTtl: string;
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
    writeFileSync(path.join(this.#home, 'root.pem'), settings.anchorsPem);
  }

  /** What it shows as its bearer token; without one it shows none. */
  setToken(token: string | undefined): void {
    const file = path.join(this.#home, TOKEN);
    if (token === undefined) rmSync(file, { force: true });
    else writeFileSync(file, token);
  }

  /** Whether it has written down a certificate and its key, as it does soon after it was given one. */
  get hasStored(): boolean {
    return ['cert-chain.pem', 'key.pem'].every((name) => existsSync(path.join(this.#home, 'etc/certs', name)));
  }

  /** @param caPort on this machine; the agent wants a certificate for `istiod.istio-system.svc` there. */
  async start(caPort: number): Promise<void> {
    const args = ['proxy', 'sidecar', '--domain', 'default.svc.cluster.local'];
    this.#process = startProcess(this.#settings.binary, args, await this.#environment(caPort), this.#home);
    for (const output of [this.#process.stdout, this.#process.stderr]) {
      output?.on('data', (chunk: Buffer) => (this.log += chunk.toString('utf8')));
    }
  }

  async stop(): Promise<void> {
    if (this.#process !== undefined) await endProcess(this.#process, STOP_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.#home, { recursive: true, force: true });
  }

  async #environment(caPort: number): Promise<NodeJS.ProcessEnv> {
    const { serviceAccount, secretTtl } = this.#settings;
    return {
      PATH: process.env['PATH'],
      CA_ADDR: `localhost:${caPort}`,
      CA_ROOT_CA: './root.pem',
      XDS_ROOT_CA: './root.pem',
      // Without it the agent asks cloud metadata addresses at start.
      CLOUD_PLATFORM: 'none',
      DISABLE_ENVOY: 'true',
      ECC_SIGNATURE_ALGORITHM: 'ECDSA',
      INSTANCE_IP: '127.0.0.1',
      JWT_POLICY: 'third-party-jwt',
      OUTPUT_CERTS: './etc/certs',
      PROV_CERT: './etc/certs',
      POD_NAME: `${serviceAccount}-vm`,
      POD_NAMESPACE: 'default',
      // Nobody answers there; certificates do not wait for it.
      PROXY_CONFIG: JSON.stringify({ discoveryAddress: 'localhost:1', statusPort: await freePort() }),
      SECRET_TTL: secretTtl,
      SERVICE_ACCOUNT: serviceAccount,
      TRUST_DOMAIN: 'cluster.local',
    };
  }
}
