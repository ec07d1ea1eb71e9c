// Child processes of the tests: ended by their own id, and never left behind, also when the test run
// itself ends early.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a process whose output the caller reads. `env` replaces the environment; `cwd` is where it runs. */
export function startProcess(command: string, args: readonly string[], env = process.env, cwd?: string): ChildProcess {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env, cwd });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/**
 * SIGTERM, then SIGKILL when the process does not end in time; nothing if it has ended.
 * @returns whether it ended by itself.
 */
export async function endProcess(child: ChildProcess, withinMs: number): Promise<boolean> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return true;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  let killed = false;
  const killer = setTimeout(() => (killed = child.kill('SIGKILL')), withinMs);
  await ended;
  clearTimeout(killer);
  return !killed;
}
