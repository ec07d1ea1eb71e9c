// Programs built from Go modules at fixed versions. They are kept outside the checkout, in a folder named by what they are
// made of, so that a second checkout, and the next version of Capstan, find them built.
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

/** What every checkout of this machine shares. */
const CACHE = process.env['CAPSTAN_PEERS_CACHE'] ?? path.join(homedir(), '.cache/capstan/peers');
const GO_ENVIRONMENT = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '' };
/** With the id of the process that builds. */
const UNFINISHED = 'unfinished-';
const SAY_EVERY_MS = 30_000;
/** Last lines of the compiler that a failure quotes. */
const QUOTED_LINES = 15;

export type Say = (line: string) => void;

export interface GoModuleSettings {
  /** Its folder beside this file, with `go.mod`, `go.sum` and mains of ours. */
  readonly name: string;
  /** Of what is built from it. */
  readonly version: string;
  /** Variables that the linker sets, by full name. */
  readonly variables?: Readonly<Record<string, string>>;
}

export class GoModule {
  readonly #settings: GoModuleSettings;
  readonly #folder: string;

  constructor(settings: GoModuleSettings) {
    this.#settings = settings;
    this.#folder = path.join(import.meta.dirname, settings.name);
  }

  /** @returns where the program is, or `undefined` when nobody has built it from what `go.mod` says today. */
  find(program: string): string | undefined {
    const file = this.#file(program);
    return existsSync(file) ? file : undefined;
  }

  /**
   * Builds one program; what a former build has compiled, also one that was cut off, is taken from Go's own cache.
   * @param importPath of its `package main`, or its folder in the module, with `./`.
   * @throws Error that says what Go said, or that there is none.
   */
  async build(program: string, importPath: string, say: Say): Promise<void> {
    const file = this.#file(program);
    mkdirSync(path.dirname(file), { recursive: true });
    removeWhatWasCutOff();
    // Nobody finds a program that is half written; and a gigabyte of Go's own, which it leaves behind when it is ended.
    const unfinished = path.join(CACHE, `${UNFINISHED}${process.pid}`);
    mkdirSync(unfinished, { recursive: true });
    const made = path.join(unfinished, program);
    try {
      await runGo(['build', '-v', '-trimpath', '-ldflags', this.#linked(), '-o', made, importPath], {
        folder: this.#folder,
        environment: { ...GO_ENVIRONMENT, GOTMPDIR: unfinished },
        say: (line) => say(`${program}: ${line}`),
      });
      renameSync(made, file);
    } finally {
      rmSync(unfinished, { recursive: true, force: true });
    }
  }

  /** Where Go keeps the source of a module that the programs are built from. @throws Error when Go is absent. */
  sourceOf(module: string): string {
    const args = ['list', '-m', '-f', '{{.Dir}}', module];
    return execFileSync('go', args, { cwd: this.#folder, env: GO_ENVIRONMENT, encoding: 'utf8' }).trim();
  }

  #linked(): string {
    const variables = Object.entries(this.#settings.variables ?? {});
    return ['-s', '-w', ...variables.map(([name, value]) => `-X ${name}=${value}`)].join(' ');
  }

  #file(program: string): string {
    const { name, version } = this.#settings;
    return path.join(CACHE, `${name}-${version}-${this.#digest()}`, 'bin', program);
  }

  /** Of all that the programs are made of. */
  #digest(): string {
    const hash = createHash('sha256').update(this.#linked());
    const files = globSync(['go.mod', 'go.sum', '**/*.go'], { cwd: this.#folder }).sort();
    for (const file of files) hash.update(`\n${file}\n`).update(readFileSync(path.join(this.#folder, file)));
    return hash.digest('hex').slice(0, 12);
  }
}

/** Of builds whose process is gone. */
function removeWhatWasCutOff(): void {
  for (const folder of globSync(path.join(CACHE, `${UNFINISHED}*`))) {
    const pid = Number(path.basename(folder).slice(UNFINISHED.length));
    if (!existsSync(`/proc/${pid}`)) rmSync(folder, { recursive: true, force: true });
  }
}

interface Run {
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly say: Say;
}

async function runGo(args: readonly string[], { folder, environment, say }: Run): Promise<void> {
  const child = spawn('go', args, { cwd: folder, env: environment, stdio: ['ignore', 'inherit', 'pipe'] });
  const startMs = performance.now();
  const spoken: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => spoken.push(line));
  const progress = setInterval(() => {
    const seconds = Math.round((performance.now() - startMs) / 1000);
    say(`${spoken.length} packages fetched or compiled in ${seconds} s`);
  }, SAY_EVERY_MS);
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0)
      throw new Error(`go ${args[0] ?? ''} ended with ${code}:\n${spoken.slice(-QUOTED_LINES).join('\n')}`);
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')) throw cause;
    throw new Error('needs Go 1.26 or later, and there is no `go` on the path', { cause });
  } finally {
    clearInterval(progress);
  }
}
