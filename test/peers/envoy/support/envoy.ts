// A real Envoy as a child process: started from an operator's bootstrap, watched through its admin
// interface, ended by its own process id.
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Amendment, type ApiType, type BootstrapName, writeBootstrap } from './bootstrap.ts';
import { CURRENT_ENVOY, envoyBinary, type EnvoyVersion } from './envoy-package.ts';
import { eventually, freePort } from '../../../support/eventually.ts';
import { endProcess, startProcess } from '../../support/owned-process.ts';

/** Envoy gets this long to end after SIGTERM before it is killed. */
const STOP_MS = 5_000;
/** Most log lines kept of one Envoy. */
const MAX_LOG_LINES = 2_000;

export interface EnvoySettings {
  readonly version?: EnvoyVersion;
  readonly bootstrap?: BootstrapName;
  readonly apiType?: ApiType;
  readonly trustDomain?: string;
  /** Values of the bootstrap's placeholders beyond ports, node and API type; may write files into the directory. */
  readonly values: Values | ((directory: string) => Values);
  readonly amend?: Amendment;
  /** Of the mTLS listener, when another must know it before; a free one unless said otherwise. */
  readonly mtlsPort?: number;
}

type Values = Readonly<Record<string, string>>;

/** One certificate of `/certs`. */
export interface CertificateDetails {
  readonly serial_number: string;
  readonly expiration_time: string;
  readonly subject_alt_names: readonly { readonly uri?: string }[];
}

export interface LoadedCertificates {
  readonly ca_cert: readonly CertificateDetails[];
  readonly cert_chain: readonly CertificateDetails[];
}

export class Envoy implements AsyncDisposable {
  readonly plainPort: number;
  readonly mtlsPort: number;
  readonly logs: string[] = [];
  /** The files of this Envoy; goes with it. */
  readonly directory: string;
  readonly #adminPort: number;
  readonly #process: ChildProcess;

  private constructor(ports: readonly [number, number, number], directory: string, child: ChildProcess) {
    [this.#adminPort, this.plainPort, this.mtlsPort] = ports;
    this.directory = directory;
    this.#process = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.logs.push(...text.trimEnd().split('\n'));
        this.logs.splice(0, this.logs.length - MAX_LOG_LINES);
      });
    }
  }

  /** Starts the process; `live` tells when it has its secrets. @throws when the binary is not installed. */
  static async start(settings: EnvoySettings): Promise<Envoy> {
    const version = settings.version ?? CURRENT_ENVOY;
    const binary = envoyBinary(version);
    if (binary === undefined) throw new Error(`envoy ${version} is not installed: npm run peers`);
    const ports = [await freePort(), await freePort(), settings.mtlsPort ?? (await freePort())] as const;
    const directory = mkdtempSync(path.join(tmpdir(), 'ce-'));
    const file = path.join(directory, 'envoy.yaml');
    const values = typeof settings.values === 'function' ? settings.values(directory) : settings.values;
    writeBootstrap(
      file,
      settings.bootstrap ?? 'sds-unix-socket',
      { ...standardValues(settings, ports), ...values },
      settings.amend,
    );
    // Two workers, so that a secret has to reach more than one thread.
    const args = ['-c', file, '--use-dynamic-base-id', '--concurrency', '2', '-l', 'info'];
    return new Envoy(ports, directory, startProcess(binary, args));
  }

  get pid(): number {
    return this.#process.pid!;
  }

  /** Until `/ready` says LIVE: every cluster and listener has its secrets, or gave up waiting. */
  async live(withinMs = 60_000): Promise<this> {
    await eventually('Envoy is live', async () => (await this.#admin('/ready')).startsWith('LIVE'), {
      withinMs,
      everyMs: 20,
    }).catch((error: unknown) => {
      throw new Error(
        `Envoy did not come up:\n${this.logs
          .filter((line) => !line.includes('[info]'))
          .slice(-8)
          .join('\n')}`,
        { cause: error },
      );
    });
    return this;
  }

  /** Counters, gauges and texts whose whole name matches; a name without a value yet is absent. */
  async stats(pattern: RegExp): Promise<ReadonlyMap<string, number | string>> {
    const filter = encodeURIComponent(pattern.source);
    const { stats } = JSON.parse(await this.#admin(`/stats?format=json&filter=${filter}`)) as {
      stats: { name?: string; value?: number | string }[];
    };
    return new Map(
      stats.flatMap(({ name, value }) => (name === undefined || value === undefined ? [] : [[name, value]])),
    );
  }

  /** The sum of all numbers whose name matches: 0 when there is none. */
  async sum(pattern: RegExp): Promise<number> {
    return [...(await this.stats(pattern)).values()].reduce<number>((sum, value) => sum + Number(value), 0);
  }

  /** `update_success` and the like of one secret's subscription. */
  async sds(secret: string, counter: string): Promise<number> {
    return this.sum(new RegExp(`\\bsds\\.${secret}\\.${counter}$`));
  }

  async certificates(): Promise<readonly LoadedCertificates[]> {
    return (JSON.parse(await this.#admin('/certs')) as { certificates: LoadedCertificates[] }).certificates;
  }

  /** The status of one request through the plain port. @throws when Envoy does not answer. */
  async call(target = '/'): Promise<number> {
    const response = await fetch(`http://127.0.0.1:${this.plainPort}${target}`, {
      signal: AbortSignal.timeout(30_000),
    });
    await response.arrayBuffer();
    return response.status;
  }

  /** Serial numbers of the leaves in use, upper case, each once. */
  async leafSerials(): Promise<readonly string[]> {
    const serials = (await this.certificates()).flatMap(({ cert_chain: [leaf] }) => leaf?.serial_number ?? []);
    return [...new Set(serials.map((serial) => serial.toUpperCase()))];
  }

  /** `/config_dump` of the secrets in use, as text. */
  async secretsDump(): Promise<string> {
    return this.#admin('/config_dump?resource=dynamic_active_secrets');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endProcess(this.#process, STOP_MS);
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #admin(target: string): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.#adminPort}${target}`, {
      signal: AbortSignal.timeout(30_000),
    });
    return response.text();
  }
}

function standardValues(
  { apiType, trustDomain }: EnvoySettings,
  [admin, plain, mtls]: readonly [number, number, number],
): Record<string, string> {
  return {
    NODE_ID: 'sidecar-a',
    NODE_CLUSTER: 'acceptance',
    ADMIN_PORT: String(admin),
    PLAIN_PORT: String(plain),
    MTLS_PORT: String(mtls),
    API_TYPE: apiType ?? 'GRPC',
    TRUST_DOMAIN: trustDomain ?? 'cluster.local',
  };
}
