// What joins the supervisor and one worker, seen from either end. Topics are constants of the rooms that serve them;
// bodies are JSON, read by whoever serves the topic: the other end may be a process of another version.
import type { Socket } from 'node:net';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What a message is handled with. */
export interface Received {
  /** Aborts when the asker gave up or the other end is gone. */
  readonly signal: AbortSignal;
  /** A socket that was handed over; whoever serves the topic owns it. */
  readonly handle?: Socket;
}

export interface AskOptions {
  readonly signal: AbortSignal;
  /** Longest wait for the answer, in ms. Absent, the bound of the link. */
  readonly withinMs?: number;
  /** That it changes something there: without an answer nobody here knows whether that was done. */
  readonly changes?: boolean;
}

/** One end of what joins supervisor and worker. */
export interface Link {
  /**
   * @throws AuthorityError CAP-S04 when the other end is gone, serves no such topic or does not answer within the bound,
   *   or when too many asks are in flight or the message is too long; CAP-O06 instead for what changes something, was sent and
   *   has no answer; the signal's reason when it aborts; what the handler at the other end threw as an AuthorityError, with
   *   its reason, detail and violations.
   */
  ask(topic: string, body: Json, options: AskOptions): Promise<Json>;
  /**
   * Without an answer: nobody hears of a message that did not arrive, for then the link ends and that is noticed.
   * @param handle a socket that is handed over: this end is not to use it any more; it is destroyed when it cannot go.
   */
  tell(topic: string, body: Json, handle?: Socket): void;
  /**
   * Serves a topic; one handler each. What it throws as AuthorityError arrives as the same reason at the other end.
   * @throws Error when the topic has a handler already.
   */
  serve(topic: string, handler: (body: Json, received: Received) => Promise<Json> | Json): void;
}
