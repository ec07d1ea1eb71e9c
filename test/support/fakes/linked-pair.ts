// Both ends of a link in one process, for tests: messages cross as texts, in order and later, as over a pipe.
import type { Socket } from 'node:net';
import type { Clock } from '../../../src/ports/platform/clock.ts';
import { MessageLink, type Channel } from '../../../src/adapters/processes/message-link.ts';

export interface LinkedPair {
  readonly supervisor: MessageLink;
  readonly worker: MessageLink;
  /** As when a process ends: both ends notice, and nothing arrives any more. */
  readonly cut: () => void;
}

/** @param onFailure hears of what a handler of either end threw that is no refusal; thrown on when absent. */
export function linkedPair(
  clock: Pick<Clock, 'after'>,
  onFailure = (topic: string, cause: unknown): void => {
    throw new Error(`the handler of ${topic} failed`, { cause });
  },
): LinkedPair {
  const wire = new Wire();
  const link = (channel: Channel): MessageLink => new MessageLink({ clock, channel, onFailure });
  return { supervisor: link(wire.end(0)), worker: link(wire.end(1)), cut: () => wire.cut() };
}

interface Listening {
  readonly onMessage: (text: string, handle: Socket | undefined) => void;
  readonly onClosed: () => void;
}

class Wire {
  readonly #ends: Listening[] = [];
  #open = true;

  end(side: 0 | 1): Channel {
    const isOpen = (): boolean => this.#open;
    return {
      get open() {
        return isOpen();
      },
      send: (text, handle, sent) => {
        setImmediate(() => {
          sent();
          if (this.#open) this.#ends[1 - side]?.onMessage(text, handle);
        });
      },
      listen: (onMessage, onClosed) => void (this.#ends[side] = { onMessage, onClosed }),
    };
  }

  cut(): void {
    this.#open = false;
    for (const { onClosed } of this.#ends) onClosed();
  }
}
