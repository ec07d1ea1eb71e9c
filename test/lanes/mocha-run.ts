// One run of mocha in a process of its own, and what it says at its end of the tests that it ran.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { FAILED_IN } from './reporter.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const MOCHA = path.join(ROOT, 'node_modules/mocha/bin/mocha.js');
const REPORTER = path.join(import.meta.dirname, 'reporter.ts');

/** Of tests; a test that fails twice, in itself and in a hook after it, counts twice, as mocha counts. */
export interface Counts {
  readonly passing: number;
  readonly failing: number;
  readonly pending: number;
}

export interface Outcome {
  readonly counts: Counts;
  /** The files in which a test or a hook failed; none of a run that crashed or was ended. */
  readonly failedIn: readonly string[];
  /** What mocha printed behind its last test: the sums, then each failure in full. */
  readonly end: string;
  /** Whether mocha ended with 0, which it does not when a test failed, when it crashed, or when somebody ended it. */
  readonly ok: boolean;
}

export class MochaRun {
  readonly #process: ChildProcess;
  readonly #said: Buffer[] = [];
  #listener: ((chunk: Buffer) => void) | undefined;

  /**
   * @param options of mocha, for instance `--grep`.
   * @param env added to the environment.
   */
  constructor(files: readonly string[], options: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#process = spawn(process.execPath, [MOCHA, '--reporter', REPORTER, ...options, ...files], {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    // All of it is kept until somebody reads it: some 500 kB for the whole suite.
    for (const stream of [this.#process.stdout!, this.#process.stderr!]) {
      stream.on('data', (chunk: Buffer) => {
        this.#said.push(chunk);
        this.#listener?.(chunk);
      });
    }
  }

  /** Shows all that was said so far, and from now on what is said. */
  show(write: (chunk: Buffer) => void): void {
    for (const chunk of this.#said) write(chunk);
    this.#listener = write;
  }

  /** Passes a signal on; nothing if it has ended. */
  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  async ended(): Promise<Outcome> {
    if (!this.#isClosed()) await once(this.#process, 'close');
    const said = Buffer.concat(this.#said).toString();
    return { counts: countsIn(said), failedIn: failedIn(said), end: endOf(said), ok: this.#process.exitCode === 0 };
  }

  #isClosed(): boolean {
    const { exitCode, signalCode, stdout, stderr } = this.#process;
    return (exitCode !== null || signalCode !== null) && stdout!.closed && stderr!.closed;
  }
}

/** Of what mocha's reporter `spec` printed: the lines of its end, each the last of its kind. */
export function countsIn(said: string): Counts {
  const last = (word: string): number => {
    const lines = said.matchAll(new RegExp(`^ {2}(\\d+) ${word}(?: \\(.*\\))?$`, 'gm'));
    return Number([...lines].at(-1)?.[1] ?? 0);
  };
  return { passing: last('passing'), failing: last('failing'), pending: last('pending') };
}

function failedIn(said: string): string[] {
  return [...said.matchAll(FAILED_IN)].map(([, file]) => file!);
}

/** From the sums on: a line `N passing` that a test prints stands before mocha's own. */
function endOf(said: string): string {
  const sumsAt = [...said.matchAll(/^ {2}\d+ passing/gm)].at(-1)?.index;
  return sumsAt === undefined ? '' : said.slice(sumsAt);
}
