// Turns at a PIN, for all workers of a server: the supervisor gives them.
import { Recent } from '../../../domain/bounded/recent.ts';
import type { PinTurns } from '../../../ports/issuing/pin-turns.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Link } from '../link.ts';

const BEGIN_TOPIC = 'pin/begin';
const END_TOPIC = 'pin/end';

/** PINs of which is known what a token said of them: more than are configured in a server's life. */
const MAX_PINS = 1_000;
/** A worker asks again while another one tries. */
const ASK_EVERY_MS = 200;

type Turn =
  { readonly answer: 'try' } | { readonly answer: 'wait' } | { readonly answer: 'refused'; readonly why: string };

/** At the supervisor's end: one for all of its workers. */
export class SharedPinTurns {
  readonly #refused = new Recent<string>(MAX_PINS);
  /** Who tries now. */
  readonly #trying = new Map<string, Link>();

  /** @param closed aborts when the worker is gone: what it tried is tried by another. */
  attach(link: Link, closed: AbortSignal): void {
    link.serve(BEGIN_TOPIC, (id) => this.#begin(id as string, link));
    link.serve(END_TOPIC, (body) => {
      const { id, refused } = body as { readonly id: string; readonly refused: string | null };
      if (refused !== null) this.#refused.set(id, refused);
      if (this.#trying.get(id) === link) this.#trying.delete(id);
      return null;
    });
    closed.addEventListener('abort', () => this.#leave(link), { once: true });
  }

  #begin(id: string, link: Link): Turn {
    const why = this.#refused.get(id);
    if (why !== undefined) return { answer: 'refused', why };
    const trying = this.#trying.get(id);
    if (trying !== undefined && trying !== link) return { answer: 'wait' };
    this.#trying.set(id, link);
    return { answer: 'try' };
  }

  #leave(link: Link): void {
    for (const [id, trying] of this.#trying) if (trying === link) this.#trying.delete(id);
  }
}

/** At a worker's end. */
export function relayedPinTurns(link: Link, clock: Pick<Clock, 'sleep'>): PinTurns {
  return {
    begin: async (id, options) => {
      for (;;) {
        const turn = (await link.ask(BEGIN_TOPIC, id, options)) as Turn;
        if (turn.answer !== 'wait') return turn.answer === 'refused' ? turn.why : undefined;
        await clock.sleep(ASK_EVERY_MS, options);
      }
    },
    end: (id, refused) => link.tell(END_TOPIC, { id, refused: refused ?? null }),
  };
}
