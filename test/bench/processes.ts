// Child processes, each on its own core: the server under load on core 0, the client on core 1,
// so that neither takes time from the other. Without taskset, or on a single core, they float.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { existsSync } from 'node:fs';

export const SERVER_CORE = 0;
export const CLIENT_CORE = 1;
/** A core that the kernel chooses, also the client's: for what has more processes than there are cores to give. */
export const ANY_CORE = 'any';

export type Core = number | typeof ANY_CORE;

/** 5,000 streams need a descriptor each, on both sides: as many as this user may have. */
const RAISE_OPEN_FILES = 'ulimit -Sn "$(ulimit -Hn)"';
const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 15_000;
/** No single measurement takes this long; one that does hangs. */
const RUN_WITHIN_MS = 300_000;

/** @returns whether processes can be held to one core each here. */
export function canPin(): boolean {
  return existsSync('/usr/bin/taskset') && availableParallelism() > 1;
}

function start(core: Core, command: string, args: readonly string[]): ChildProcess {
  const pinned = canPin() && core !== ANY_CORE ? ['taskset', '-c', String(core), command, ...args] : [command, ...args];
  const script = `${RAISE_OPEN_FILES} && exec "$@"`;
  return spawn('bash', ['-c', script, 'bench', ...pinned], { stdio: ['ignore', 'pipe', 'pipe'] });
}

/** What a process said on stderr, the last of it only. */
function tailOf(child: ChildProcess): () => string {
  const KEPT = 4_000;
  let text = '';
  child.stderr?.on('data', (chunk: Buffer) => (text = (text + chunk.toString('utf8')).slice(-KEPT)));
  return () => text.trim();
}

/** Runs a program to its end. @returns what it printed, parsed as JSON. */
export async function runForJson<T>(core: number, command: string, args: readonly string[]): Promise<T> {
  return JSON.parse(await runForText(core, command, args)) as T;
}

/** Runs a program to its end. @throws Error with the end of its stderr when it fails. */
export async function runForText(core: number, command: string, args: readonly string[]): Promise<string> {
  const child = start(core, command, args);
  const complaint = tailOf(child);
  const overdue = setTimeout(() => child.kill('SIGKILL'), RUN_WITHIN_MS);
  let printed = '';
  child.stdout?.on('data', (chunk: Buffer) => (printed += chunk.toString('utf8')));
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(overdue);
  if (code !== 0) throw new Error(`${command} ${args[0] ?? ''} failed (${code ?? 'killed'}): ${complaint()}`);
  return printed;
}

/** A server that runs until it is disposed of. */
export interface RunningServer extends AsyncDisposable {
  /** host:port of the TLS listener. */
  readonly address: string;
  readonly pid: number;
}

/**
 * Starts a server on its core and waits until it is ready.
 * @param addressOf resolves to the address once the server serves; gets the first line that it prints, and
 *   a signal that ends the wait.
 * @throws Error with the end of its stderr when it ends, or takes too long, before that.
 */
export async function startServer(
  command: string,
  args: readonly string[],
  addressOf: (firstLine: Promise<string>, options: { readonly signal: AbortSignal }) => Promise<string>,
  core: Core = SERVER_CORE,
): Promise<RunningServer> {
  const child = start(core, command, args);
  const complaint = tailOf(child);
  const overdue = setTimeout(() => child.kill('SIGKILL'), READY_WITHIN_MS);
  const waiting = new AbortController();
  const ended = once(child, 'exit').then(() => {
    throw new Error(`${command} did not become ready: ${complaint()}`);
  });
  try {
    const address = await Promise.race([addressOf(firstLineOf(child), waiting), ended]);
    ended.catch(() => undefined);
    return { address, pid: child.pid ?? 0, [Symbol.asyncDispose]: async () => stop(child) };
  } finally {
    waiting.abort();
    clearTimeout(overdue);
  }
}

/** The pipe is read to its end: a server that cannot write its log would stand still. */
async function firstLineOf(child: ChildProcess): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  if (child.stdout !== null) createInterface({ input: child.stdout }).on('line', resolve);
  return promise;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const overdue = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  await exited;
  clearTimeout(overdue);
}
