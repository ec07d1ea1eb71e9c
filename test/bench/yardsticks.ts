// The other side of each row: Go programs built from ./yardsticks, and `openssl speed`.
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { runForText, SERVER_CORE } from './processes.ts';

const run = promisify(execFile);
const ROOT = path.resolve(import.meta.dirname, '../..');
const SOURCE = path.join(import.meta.dirname, 'yardsticks');
/** Ignored by git, as all that `npm run peers` fetches. */
const BUILT = path.join(ROOT, '.peers/bench');

/** Paths of the built Go programs. */
export interface GoPrograms {
  readonly version: string;
  readonly issue: string;
  readonly server: string;
  readonly client: string;
}

/** Builds the Go programs; quick when nothing changed. @returns the reason when they cannot be had. */
export async function buildGoPrograms(): Promise<GoPrograms | { readonly absent: string }> {
  try {
    const version = (await run('go', ['version'])).stdout.trim().split(' ')[2] ?? 'go';
    await run('go', ['build', '-trimpath', '-o', `${BUILT}/`, './cmd/...'], { cwd: SOURCE });
    const at = (name: string) => path.join(BUILT, name);
    return { version, issue: at('issue'), server: at('server'), client: at('client') };
  } catch (error) {
    return { absent: reasonOf(error) };
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'go does not run here';
  if ('code' in error && error.code === 'ENOENT') return 'go is not on the PATH';
  return error.message.trim().split('\n').slice(0, 3).join(' ');
}

/** Signatures made and verified per second by one core. */
interface Speed {
  readonly sign: number;
  readonly verify: number;
}

const OPENSSL_ALGORITHMS = { p256: 'ecdsap256', rsa2048: 'rsa2048' } as const;

/** @returns `openssl speed` for one algorithm, or undefined when there is no openssl. */
export async function opensslSpeed(algorithm: keyof typeof OPENSSL_ALGORITHMS): Promise<Speed | undefined> {
  try {
    const args = ['speed', '-mr', '-seconds', '1', OPENSSL_ALGORITHMS[algorithm]];
    const printed = await runForText(SERVER_CORE, 'openssl', args);
    // +F2:… for RSA, +F4:… for ECDSA: index, bits, signs per second, verifications per second.
    const fields = /^\+F\d+:\d+:\d+:([\d.]+):([\d.]+)/m.exec(printed);
    return fields ? { sign: Number(fields[1]), verify: Number(fields[2]) } : undefined;
  } catch {
    // Absent or of another make: the floor is then reported as not measured.
    return undefined;
  }
}
