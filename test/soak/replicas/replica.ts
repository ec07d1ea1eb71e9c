// One of several `capstan serve` on one store: the same issuer, policies and keys of tokens, and files of its own for
// what each process keeps to itself.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { CsrWire } from '../../adapters/grpc/wire.ts';
import { csrClient } from '../../app/support/running-server.ts';
import type { ServerFiles } from '../../app/support/server-files.ts';
import { endProcess, startProcess } from '../../peers/support/owned-process.ts';
import { eventually, freePort } from '../../support/eventually.ts';

const MAIN = path.resolve(import.meta.dirname, '../../../src/main.ts');
const READY_MS = 30_000;
const STOP_MS = 15_000;
/** Most of what a replica says that is kept, in characters. */
const MAX_SAID = 20_000;

export interface ReplicaSettings {
  readonly name: string;
  /** By dotted path, laid over those of the files. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Of Node, before the program. */
  readonly nodeOptions?: readonly string[];
  /** Free ones unless given. */
  readonly ports?: ReplicaPorts;
  /** Another one than this. */
  readonly version?: ReplicaVersion;
}

export type ReplicaPorts = readonly [tls: number, http: number];

export interface ReplicaVersion {
  /** Its `main.ts`. */
  readonly main: string;
  /** @returns the settings by the names that it has for them. */
  adapted(settings: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>;
}

export class Replica implements AsyncDisposable {
  readonly #files: ServerFiles;
  readonly #configuration: string;
  readonly #process: ChildProcess;
  readonly #ports: ReplicaPorts;
  #said = '';

  private constructor(files: ServerFiles, name: string, ports: ReplicaPorts, child: ChildProcess) {
    this.#files = files;
    this.#configuration = files.path(`${name}.json`);
    this.#ports = ports;
    this.#process = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#said = (this.#said + text).slice(-MAX_SAID)));
    }
  }

  /** Resolves when it is ready. */
  static async start(files: ServerFiles, given: ReplicaSettings): Promise<Replica> {
    const { name, settings, nodeOptions = [], version } = given;
    const ports = given.ports ?? ([await freePort(), await freePort()] as const);
    const own = {
      'listen.tls.address': `127.0.0.1:${ports[0]}`,
      'listen.http.address': `127.0.0.1:${ports[1]}`,
      'policy.bundle.stateFile': files.path(`${name}-state.json`),
      'listen.administration.socket': files.path(`${name}.socket`),
      'telemetry.logFile': files.path(`${name}.log`),
      'telemetry.logLevel': 'info',
      'sds.sockets': [],
    };
    const all = { ...files.settings, ...own, ...settings };
    files.write(`${name}.json`, JSON.stringify(nested(version?.adapted(all) ?? all)));
    const args = [...nodeOptions, version?.main ?? MAIN, 'serve', '--config', files.path(`${name}.json`)];
    const replica = new Replica(files, name, ports, startProcess(process.execPath, args, {}));
    await replica.ready().catch(async (cause: unknown) => {
      await replica[Symbol.asyncDispose]();
      throw new Error(`${name} did not become ready: ${replica.#said}`, { cause });
    });
    return replica;
  }

  /** Whether it is still the process that was started. */
  get runs(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  client(): CsrWire {
    return csrClient(this.#ports[0], this.#files.pki.root.certificatePem);
  }

  get tlsPort(): number {
    return this.#ports[0];
  }

  async get(target: string): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.#ports[1]}${target}`, { signal: AbortSignal.timeout(30_000) });
  }

  /** Resolves when `/readyz` says so. */
  async ready(): Promise<void> {
    const isReady = async (): Promise<boolean> => !this.runs || (await this.get('/readyz')).ok;
    await eventually('the replica is ready', isReady, { withinMs: READY_MS });
    if (!this.runs) throw new Error(`it ended: ${this.#said}`);
  }

  /** As the kernel does when memory runs out: it lets go of nothing. */
  async kill9(): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }

  /** One of capstan's commands with the configuration of this server. @returns its exit code. */
  async command(...words: readonly string[]): Promise<number | null> {
    const child = startProcess(process.execPath, [MAIN, ...words, '--config', this.#configuration], {});
    for (const stream of [child.stdout, child.stderr]) stream?.resume();
    await once(child, 'exit');
    return child.exitCode;
  }

  /** As an operator does. @returns the exit code; nothing when it had to be killed. */
  async stop(): Promise<number | null> {
    await endProcess(this.#process, STOP_MS);
    return this.#process.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** `{ 'a.b': 1 }` as `{ a: { b: 1 } }`. */
function nested(settings: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [dotted, value] of Object.entries(settings)) {
    const keys = dotted.split('.');
    const last = keys.pop() ?? '';
    let at = root;
    for (const key of keys) at = (at[key] ??= {}) as Record<string, unknown>;
    at[last] = value;
  }
  return root;
}
