// Runs a program that gives credentials and reads what it prints. Only that is taken: what it says beside it may quote what
// it gives, and goes nowhere.
import { spawn, type ChildProcess } from 'node:child_process';
import { codeOf } from '../../../../domain/text/system-error.ts';
import type { Clock } from '../../../../ports/platform/clock.ts';
import type { CredentialProgram } from './api-access.ts';

/** Of what it prints: a token, or a certificate and a key. */
const MAX_PRINTED_BYTES = 256 * 1024;
/** As long as a call, for which it is run. */
export const PROGRAM_WITHIN_MS = 10_000;
/** Of the kubeconfig's words. */
const MAX_HINT = 400;

/** What went wrong with a program, in words that go on a sentence which begins with its name. */
export class ProgramProblem extends Error {}

/**
 * @returns its standard output.
 * @throws ProgramProblem when it gives none, or none within its time or before the signal aborts: it is killed then.
 */
export async function runProgram(
  { command, args, environment, installHint }: CredentialProgram,
  { clock, signal }: { readonly clock: Pick<Clock, 'after'>; readonly signal: AbortSignal },
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  // A group of its own, so that what it has started ends with it. It has nobody to ask.
  const child = spawn(command, args, { env: environment, stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  const fail = (problem: string): void => {
    killGroup(child);
    child.stdout.destroy();
    reject(new ProgramProblem(problem));
  };
  const disarm = clock.after(PROGRAM_WITHIN_MS, () => fail(`did not end within ${PROGRAM_WITHIN_MS / 1_000} s`));
  const abandoned = (): void => fail('was given up');
  signal.addEventListener('abort', abandoned, { once: true });
  const chunks: Buffer[] = [];
  let length = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length > MAX_PRINTED_BYTES) fail(`prints more than ${MAX_PRINTED_BYTES} bytes`);
    else chunks.push(chunk);
  });
  child.on('error', (cause) => fail(startProblem(cause, installHint)));
  child.on('close', (code, killedBy) => {
    if (code === 0) resolve(Buffer.concat(chunks).toString('utf8'));
    else fail(code === null ? `was ended by ${killedBy ?? 'a signal'}` : `ended with exit code ${code}`);
  });
  return promise.finally(() => {
    disarm();
    signal.removeEventListener('abort', abandoned);
  });
}

function startProblem(cause: Error, hint?: string): string {
  if (codeOf(cause) !== 'ENOENT') return `cannot be started (${codeOf(cause) ?? 'unknown failure'})`;
  return hint === undefined ? 'is not installed' : `is not installed: ${hint.trim().slice(0, MAX_HINT)}`;
}

function killGroup({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended in this moment.
  }
}
