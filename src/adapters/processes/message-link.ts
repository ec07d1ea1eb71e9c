// Asks and answers over a channel of messages. Every number of waiting things has a bound, so that an end which stands
// still costs the other a bounded amount of memory until it is replaced.
import type { Socket } from 'node:net';
import { AuthorityError } from '../../domain/errors.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { AskOptions, Json, Link, Received } from './link.ts';
import { readMessage, writeMessage, type Message } from './messages.ts';

/** What carries messages to the other end and back, in order. */
export interface Channel {
  readonly open: boolean;
  /** @param sent is called when it is on its way, or never will be. Never throws. */
  send(text: string, handle: Socket | undefined, sent: () => void): void;
  listen(onMessage: (text: string, handle: Socket | undefined) => void, onClosed: () => void): void;
}

/** Longest that an ask waits for its answer unless it says otherwise: as long as a worker may be silent before it is replaced. */
export const ANSWER_WITHIN_MS = 2_000;
/** Asks without an answer; one more is refused. */
export const MAX_ASKS = 2_048;
/** Messages that the kernel has not taken yet; one more is not sent. */
export const MAX_UNSENT = 10_000;
/** ... and of all of them together, in UTF-16 units: the numbers of a worker come each second, however long nobody reads. */
export const MAX_UNSENT_LENGTH = 32 * 1024 * 1024;
/** Of one message, in UTF-16 units: a page of metrics with room to spare. */
export const MAX_MESSAGE_LENGTH = 8 * 1024 * 1024;

type Handler = Parameters<Link['serve']>[1];
type Answer = Extract<Message, { kind: 'answer' | 'refusal' }>;

export interface MessageLinkParts {
  readonly clock: Pick<Clock, 'after'>;
  readonly channel: Channel;
  /** Hears of what a handler threw that is no refusal: a mistake of ours. */
  readonly onFailure: (topic: string, cause: unknown) => void;
}

export class MessageLink implements Link {
  readonly #parts: MessageLinkParts;
  readonly #handlers = new Map<string, Handler>();
  /** What waits for an answer, by number. */
  readonly #asks = new Map<number, (answer: Answer | undefined) => void>();
  /** What is being answered here, by the other end's number; as many as the other end may ask. */
  readonly #serving = new Map<number, AbortController>();
  readonly #closed = new AbortController();
  #lastNumber = 0;
  #unsent = 0;
  #unsentLength = 0;

  constructor(parts: MessageLinkParts) {
    this.#parts = parts;
    parts.channel.listen(
      (text, handle) => this.#receive(readMessage(text), handle),
      () => this.#close(),
    );
  }

  /** Aborts when the other end is gone. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  async ask(topic: string, body: Json, options: AskOptions): Promise<Json> {
    options.signal.throwIfAborted();
    if (this.#asks.size >= MAX_ASKS) throw unanswered(topic, `${MAX_ASKS} requests wait already`);
    const number = (this.#lastNumber += 1);
    const answer = await this.#answerTo({ kind: 'ask', number, topic, body }, options);
    if (answer.kind === 'answer') return answer.body;
    const { reason, detail, violations } = answer;
    throw new AuthorityError(reason, { violations, ...(detail !== undefined && { detail }) });
  }

  tell(topic: string, body: Json, handle?: Socket): void {
    if (!this.#send({ kind: 'tell', topic, body }, handle)) handle?.destroy();
  }

  serve(topic: string, handler: Handler): void {
    if (this.#handlers.has(topic)) throw new Error(`two handlers serve ${topic}`);
    this.#handlers.set(topic, handler);
  }

  async #answerTo(
    message: Extract<Message, { kind: 'ask' }>,
    { signal, withinMs = ANSWER_WITHIN_MS, changes = false }: AskOptions,
  ): Promise<Answer> {
    const { number, topic } = message;
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        if (!this.#asks.delete(number)) return;
        takeBack();
        signal.removeEventListener('abort', giveUp);
        settle();
      };
      const lose = (why: string): void => end(() => reject(unanswered(topic, why, changes ? 'CAP-O06' : 'CAP-S04')));
      const giveUp = (): void => {
        this.#send({ kind: 'cancel', number });
        end(() => reject(signal.reason as Error));
      };
      const takeBack = this.#parts.clock.after(withinMs, () => {
        this.#send({ kind: 'cancel', number });
        lose(`it did not answer within ${withinMs} ms`);
      });
      signal.addEventListener('abort', giveUp, { once: true });
      this.#asks.set(number, (answer) => (answer === undefined ? lose('it is gone') : end(() => resolve(answer))));
      if (!this.#send(message)) end(() => reject(unanswered(topic, 'it is gone or takes nothing')));
    });
  }

  #receive(message: Message, handle: Socket | undefined): void {
    switch (message.kind) {
      case 'ask':
        return void this.#answer(message);
      case 'answer':
      case 'refusal':
        return this.#asks.get(message.number)?.(message);
      case 'cancel':
        return this.#serving.get(message.number)?.abort(cancelled());
      case 'tell':
        return void this.#take(message.topic, message.body, handle);
    }
  }

  async #answer({ number, topic, body }: Extract<Message, { kind: 'ask' }>): Promise<void> {
    const ending = new AbortController();
    this.#serving.set(number, ending);
    try {
      const handler = this.#handlers.get(topic);
      if (handler === undefined) throw unanswered(topic, 'it serves no such topic');
      this.#send({ kind: 'answer', number, body: await handler(body, { signal: ending.signal }) });
    } catch (cause) {
      const refused = cause instanceof AuthorityError ? cause : unanswered(topic, 'it failed');
      const { reason, detail, violations } = refused;
      this.#send({ kind: 'refusal', number, reason, violations, ...(detail !== undefined && { detail }) });
      if (refused !== cause && !ending.signal.aborted) this.#parts.onFailure(topic, cause);
    } finally {
      this.#serving.delete(number);
    }
  }

  async #take(topic: string, body: Json, handle: Socket | undefined): Promise<void> {
    const received: Received = { signal: this.#closed.signal, ...(handle !== undefined && { handle }) };
    const handler = this.#handlers.get(topic);
    if (handler === undefined) {
      handle?.destroy();
      return;
    }
    try {
      await handler(body, received);
    } catch (cause) {
      handle?.destroy();
      this.#parts.onFailure(topic, cause);
    }
  }

  /** @returns whether it is on its way. */
  #send(message: Message, handle?: Socket): boolean {
    const { channel } = this.#parts;
    if (!channel.open || this.#unsent >= MAX_UNSENT) return false;
    const text = writeMessage(message);
    if (text.length > MAX_MESSAGE_LENGTH) return this.#refuseLong(message);
    if (this.#unsentLength + text.length > MAX_UNSENT_LENGTH) return false;
    this.#unsent += 1;
    this.#unsentLength += text.length;
    channel.send(text, handle, () => {
      this.#unsent -= 1;
      this.#unsentLength -= text.length;
    });
    return true;
  }

  /** An answer that is too long becomes a refusal: whoever asked must not wait for it. */
  #refuseLong(message: Message): boolean {
    if (message.kind !== 'answer') return false;
    const detail = `a message is longer than ${MAX_MESSAGE_LENGTH} characters`;
    return this.#send({ kind: 'refusal', number: message.number, reason: 'CAP-S04', violations: [], detail });
  }

  #close(): void {
    if (this.#closed.signal.aborted) return;
    for (const settle of [...this.#asks.values()]) settle(undefined);
    for (const ending of this.#serving.values()) ending.abort(cancelled());
    this.#closed.abort(new AuthorityError('CAP-S03', { detail: 'the other process is gone' }));
  }
}

function unanswered(topic: string, why: string, reason: 'CAP-S04' | 'CAP-O06' = 'CAP-S04'): AuthorityError {
  return new AuthorityError(reason, { detail: `another process of this server was asked for ${topic}: ${why}` });
}

function cancelled(): AuthorityError {
  return new AuthorityError('CAP-X02');
}
