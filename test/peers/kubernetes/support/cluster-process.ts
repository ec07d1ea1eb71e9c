// One program of a cluster: started, ended and frozen by its own process id; what it said last is at hand when it fails.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { eventually } from '../../../support/eventually.ts';
import { endProcess, startProcess } from '../../support/owned-process.ts';

/** A busy machine takes long to start one. */
const UP_MS = 90_000;
const STOP_MS = 5_000;
/** Characters of its log that are kept. */
const KEPT = 200_000;
const QUOTED = 3_000;

export interface ClusterProgram {
  readonly binary: string;
  readonly args: readonly string[];
  /** Where it runs, and leaves what it leaves. */
  readonly folder: string;
  /** Besides the path and its folders; nothing of ours. */
  readonly env?: NodeJS.ProcessEnv;
  /** May fail while it is not. */
  readonly isUp: () => Promise<boolean>;
}

export class ClusterProcess implements AsyncDisposable {
  readonly #binary: string;
  readonly #args: readonly string[];
  readonly #folder: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #isUp: () => Promise<boolean>;
  #process: ChildProcess | undefined;
  /** The end of what it said, over all its runs. */
  log = '';

  constructor({ binary, args, folder, env = {}, isUp }: ClusterProgram) {
    this.#binary = binary;
    this.#args = args;
    this.#folder = folder;
    this.#env = { PATH: process.env['PATH'], HOME: folder, TMPDIR: folder, ...env };
    this.#isUp = isUp;
  }

  get pid(): number {
    return this.#process!.pid!;
  }

  /** Resolves when it is up. @throws Error with the end of its log. */
  async start(): Promise<void> {
    const child = startProcess(this.#binary, this.#args, this.#env, this.#folder);
    this.#process = child;
    for (const output of [child.stdout, child.stderr]) {
      output?.on('data', (chunk: Buffer) => (this.log = (this.log + chunk.toString('utf8')).slice(-KEPT)));
    }
    const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
    await eventually(`${this.#binary} is up`, async () => hasEnded() || (await this.#isUp()), {
      withinMs: UP_MS,
      everyMs: 100,
    }).catch((cause: unknown) => {
      throw new Error(`${this.#binary} did not start: ${this.log.slice(-QUOTED)}`, { cause });
    });
    if (hasEnded()) throw new Error(`${this.#binary} ended: ${this.log.slice(-QUOTED)}`);
  }

  /** SIGTERM, as an upgrade does it, and SIGKILL soon after. */
  async stop(): Promise<void> {
    if (this.#process !== undefined) await endProcess(this.#process, STOP_MS);
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** Stops it where it stands: connections stay, and nothing answers any more when this resolves. */
  async pause(): Promise<void> {
    this.#process?.kill('SIGSTOP');
    await eventually(
      `${this.#binary} is frozen`,
      () => /^\d+ \(.*\) T /.test(readFileSync(`/proc/${this.pid}/stat`, 'utf8')),
      {
        withinMs: STOP_MS,
        everyMs: 5,
      },
    );
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
