// The process that has a token, seen from the server. It answers, or it is killed: no call of a module that hangs takes a wait of
// ours with it.
import { fork, type ChildProcess } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { abortable } from '../../../live/abortable.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import { KeyFailure } from '../../../live/key-failure.ts';
import type { TokenReply, TokenRequest } from './messages.ts';

/** Longest that a token may take for one signature; a slow network HSM takes some tens of milliseconds. */
export const SIGN_WITHIN_MS = 2_000;
/** Starting, loading a module, and logging in at a token across a network. */
export const OPEN_WITHIN_MS = 15_000;
/** Signatures that wait for a token; one more is refused. */
export const MAX_WAITING = 256;

const PROGRAM = new URL(`./token-program${extname(import.meta.url)}`, import.meta.url);
/** It says nothing of its own; what a crash prints goes where ours would. */
const STDIO = ['ignore', 'ignore', 'inherit', 'ipc'] as const;

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (failure: KeyFailure) => void;
}

export class TokenProcess {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  readonly #gone = new AbortController();
  #lastNumber = 0;
  #takeBack: () => void = () => undefined;

  /** @param program another one only in tests. */
  constructor(clock: Pick<Clock, 'after'>, program: URL = PROGRAM) {
    this.#clock = clock;
    this.#child = fork(fileURLToPath(program), { stdio: [...STDIO], serialization: 'advanced' });
    this.#child.on('message', (reply: TokenReply) => this.#take(reply));
    this.#child.on('error', () => this.#end('its process cannot be reached'));
    this.#child.once('exit', (code, signal) => this.#end(`its process ended (${signal ?? code ?? 'unknown'})`));
    // It must not keep a server from ending, nor outlive it: the end of the channel ends it.
    this.#child.unref();
    this.#child.channel?.unref();
  }

  /** Aborts when it is gone, with why as a KeyFailure. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /**
   * Requests are answered one after the other. A caller that gives up takes its wait away and not the work.
   * @param withinMs longest that the process may be silent from now on while anybody waits.
   * @throws KeyFailure, the signal's reason.
   */
  async ask(
    request: TokenRequest,
    { withinMs, signal }: { readonly withinMs: number; readonly signal: AbortSignal },
  ): Promise<unknown> {
    if (this.#gone.signal.aborted) throw this.#gone.signal.reason as KeyFailure;
    if (this.#waiting.size >= MAX_WAITING)
      throw new KeyFailure('away', `${MAX_WAITING} signatures wait already`, { lost: false });
    const number = (this.#lastNumber += 1);
    return abortable<unknown>(signal, ({ resolve, reject }) => {
      this.#waiting.set(number, { resolve, reject });
      if (this.#waiting.size === 1) this.#expectAnswer(withinMs);
      this.#child.send({ ...request, number });
      return () => undefined;
    });
  }

  kill(why = 'it was closed'): void {
    this.#end(why);
    this.#child.kill('SIGKILL');
  }

  #take(reply: TokenReply): void {
    const waiting = this.#waiting.get(reply.number);
    this.#waiting.delete(reply.number);
    this.#takeBack();
    if (this.#waiting.size > 0) this.#expectAnswer(SIGN_WITHIN_MS);
    if (waiting === undefined) return;
    if ('failure' in reply) waiting.reject(new KeyFailure(reply.failure, reply.words));
    else waiting.resolve(reply.value);
  }

  #expectAnswer(withinMs: number): void {
    this.#takeBack();
    this.#takeBack = this.#clock.after(withinMs, () => this.kill(`it did not answer within ${withinMs} ms`));
  }

  #end(why: string): void {
    if (this.#gone.signal.aborted) return;
    this.#takeBack();
    const failure = new KeyFailure('away', why);
    this.#gone.abort(failure);
    for (const { reject } of this.#waiting.values()) reject(failure);
    this.#waiting.clear();
  }
}
