// PostgreSQL refuses to run as root: what it runs as when the tests do, and who owns its files then.
import { execFileSync, spawnSync } from 'node:child_process';

/** Debian's package makes this user. */
const USER = 'postgres';

/**
 * What stands before a server's command line. The kernel ends the server (SIGQUIT, an immediate stop) when the process of
 * the tests ends, however that ends (prctl(2), PR_SET_PDEATHSIG).
 */
export function asServer(command: string, args: readonly string[]): readonly [string, readonly string[]] {
  const user = isRoot() ? [`--reuid=${USER}`, `--regid=${USER}`, '--init-groups'] : [];
  return ['setpriv', [...user, '--pdeathsig=QUIT', command, ...args]];
}

/** Hands the files to the user of the server. */
export function giveToServer(folder: string): void {
  if (isRoot()) execFileSync('chown', ['--recursive', `${USER}:`, folder]);
}

/**
 * Runs one of PostgreSQL's programs to its end as the server's user.
 * @throws Error with what it printed.
 */
export function runAsServer(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): void {
  const [program, all] = asServer(command, args);
  const options = { encoding: 'utf8', cwd: '/', env: { ...process.env, ...env } } as const;
  const { error, status, stdout, stderr } = spawnSync(program, all, options);
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stdout}${stderr}`);
}

const isRoot = (): boolean => process.getuid?.() === 0;
