// The whole server in a process of its own, for what would be unkind to this one: SIGKILL, and more
// open connections than two ends in one process could hold.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { ServeReport } from '../../../src/app/serve.ts';
import type { CsrWire } from '../../adapters/grpc/wire.ts';
import { csrClient } from './running-server.ts';
import type { ServerFiles } from './server-files.ts';
import { withOwnPorts } from './several-processes.ts';

const PROGRAM = path.join(import.meta.dirname, 'server-process.ts');

export class ChildServer implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #files: ServerFiles;
  readonly #report: ServeReport;

  private constructor(child: ChildProcess, files: ServerFiles, report: ServeReport) {
    this.#process = child;
    this.#files = files;
    this.#report = report;
  }

  /** Resolves when it is ready. @param settings laid over those of the files. */
  static async start(files: ServerFiles, settings: Readonly<Record<string, unknown>> = {}): Promise<ChildServer> {
    const all = await withOwnPorts({ ...files.settings, ...settings });
    const child = fork(PROGRAM, [JSON.stringify(all)]);
    const early = once(child, 'exit').then(([code]) => Promise.reject(new Error(`it ended with ${String(code)}`)));
    early.catch(() => undefined);
    const [report] = (await Promise.race([once(child, 'message'), early])) as [ServeReport];
    return new ChildServer(child, files, report);
  }

  get tlsPort(): number {
    return Number(this.#report.tlsAddress.split(':').at(-1));
  }

  get report(): ServeReport {
    return this.#report;
  }

  client(): CsrWire {
    return csrClient(this.tlsPort, this.#files.pki.root.certificatePem);
  }

  async get(target: string): Promise<Response> {
    return fetch(`http://${this.#report.httpAddress}${target}`, { signal: AbortSignal.timeout(30_000) });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** As the kernel does when memory runs out: no last word. */
  async kill9(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** @returns the exit code. */
  async stop(): Promise<number | null> {
    await this.#end('SIGTERM');
    return this.#process.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  }
}
