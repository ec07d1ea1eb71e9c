// The credentials that a program gives, kept until they end or the server refuses them. However many calls need new ones, the
// program runs once for all, and one that fails is left alone for a moment.
import { z } from 'zod';
import { parseJson } from '../../../../domain/text/parse-json.ts';
import { orAborted } from '../../../../live/abortable.ts';
import type { Clock } from '../../../../ports/platform/clock.ts';
import { KubernetesApiError, type CallOptions } from '../kubernetes-api.ts';
import type { CredentialProgram } from './api-access.ts';
import { ProgramProblem, runProgram } from './run-program.ts';

/** What is shown to the server; at least one of token and certificate. */
export interface Credentials {
  readonly token?: string | undefined;
  /** PEM, with its key. */
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
}

export interface ProgramCredentialsParts {
  readonly program: CredentialProgram;
  readonly clock: Pick<Clock, 'nowMs' | 'monotonicMs' | 'after'>;
  /** `runProgram`, unless a test prints for it. */
  readonly run?: typeof runProgram;
}

/** After a failure, and after credentials that had ended when they came, it is not run again for so long. */
export const LEAST_MS = 5_000;
/** Credentials that the server refuses are asked for anew no more often: it may refuse every one. */
export const REFUSED_AGAIN_MS = 10_000;

interface Kept {
  readonly credentials: Credentials;
  /** Wall clock. */
  readonly untilMs: number;
}

interface Run {
  readonly renewed: Promise<Credentials>;
  readonly end: AbortController;
  /** Calls that wait for it. */
  waiting: number;
}

export class ProgramCredentials {
  readonly #parts: ProgramCredentialsParts;
  #kept: Kept | undefined;
  #underWay: Run | undefined;
  #failed: { readonly error: KubernetesApiError; readonly untilMs: number } | undefined;
  #refusedMs = -Infinity;

  constructor(parts: ProgramCredentialsParts) {
    this.#parts = parts;
  }

  /** @throws KubernetesApiError that names the program, also when the signal aborts before it has given any. */
  async current({ signal }: CallOptions): Promise<Credentials> {
    const { clock } = this.#parts;
    if (this.#kept !== undefined && clock.nowMs() < this.#kept.untilMs) return this.#kept.credentials;
    if (this.#failed !== undefined && clock.monotonicMs() < this.#failed.untilMs) throw this.#failed.error;
    signal.throwIfAborted();
    const underWay = (this.#underWay ??= this.#begin());
    underWay.waiting += 1;
    try {
      return await orAborted(underWay.renewed, signal);
    } catch (error) {
      throw error instanceof KubernetesApiError ? error : this.#problem('has given none yet', error);
    } finally {
      underWay.waiting -= 1;
      // A program that nobody waits for any more is not left behind.
      if (underWay.waiting === 0) underWay.end.abort();
    }
  }

  /** The server does not know these (401). @returns whether it is worth asking it again with the current ones. */
  refused(credentials: Credentials): boolean {
    if (this.#kept?.credentials !== credentials) return true;
    const nowMs = this.#parts.clock.monotonicMs();
    if (nowMs - this.#refusedMs < REFUSED_AGAIN_MS) return false;
    this.#refusedMs = nowMs;
    this.#kept = undefined;
    return true;
  }

  #begin(): Run {
    const end = new AbortController();
    const renewed = this.#renewed(end.signal).finally(() => (this.#underWay = undefined));
    return { renewed, end, waiting: 0 };
  }

  async #renewed(signal: AbortSignal): Promise<Credentials> {
    const { program, clock, run = runProgram } = this.#parts;
    try {
      const { credentials, endsAtMs } = credentialsIn(await run(program, { clock, signal }), program.apiVersion);
      this.#kept = { credentials, untilMs: Math.max(endsAtMs, clock.nowMs() + LEAST_MS) };
      this.#failed = undefined;
      return credentials;
    } catch (cause) {
      const problem = cause instanceof ProgramProblem ? cause.message : 'cannot be run';
      const error = this.#problem(`${problem}. What it says is not shown: run it by hand`);
      if (!signal.aborted) this.#failed = { error, untilMs: clock.monotonicMs() + LEAST_MS };
      throw error;
    }
  }

  /** Names the command alone: its arguments may be secrets. */
  #problem(problem: string, cause?: unknown): KubernetesApiError {
    const { command, place } = this.#parts.program;
    const message = `${command}, which ${place} names for credentials, ${problem}`;
    return new KubernetesApiError({ status: 0, reason: 'NoCredentials', message }, cause);
  }
}

const PRINTED = z.object({
  apiVersion: z.string(),
  kind: z.literal('ExecCredential'),
  status: z.object({
    expirationTimestamp: z.string().nullish(),
    token: z.string().nullish(),
    clientCertificateData: z.string().nullish(),
    clientKeyData: z.string().nullish(),
  }),
});

/** @throws ProgramProblem that quotes nothing of it. */
function credentialsIn(
  printed: string,
  apiVersion: string,
): { readonly credentials: Credentials; readonly endsAtMs: number } {
  const { success, data } = PRINTED.safeParse(parseJson(printed));
  if (!success || data.apiVersion !== apiVersion) throw new ProgramProblem(`prints no ExecCredential of ${apiVersion}`);
  const { expirationTimestamp, token, clientCertificateData: certificate, clientKeyData: key } = data.status;
  const isWhole = isGiven(certificate) === isGiven(key) && (isGiven(token) || isGiven(certificate));
  if (!isWhole) throw new ProgramProblem('prints neither a token nor a certificate with its key');
  const endsAtMs = isGiven(expirationTimestamp) ? Date.parse(expirationTimestamp) : Infinity;
  if (Number.isNaN(endsAtMs)) throw new ProgramProblem('prints an expirationTimestamp that is no time');
  return {
    credentials: { token: token ?? undefined, certificate: certificate ?? undefined, key: key ?? undefined },
    endsAtMs,
  };
}

function isGiven(text: string | null | undefined): text is string {
  return text !== null && text !== undefined && text !== '';
}
