// Tells pages that are open when it is time to look again, by server-sent events (HTML Living Standard, 9.2). What is sent is the
// same for all and says nothing: what changed a page asks for with its own session, within the rate of its viewer.
import type { Clock } from '../../../ports/platform/clock.ts';
import { every } from '../../../live/every.ts';

/** Pages that follow at once. One more is told so, and looks at intervals of its own. */
export const MAX_FOLLOWERS = 256;
const OF_ONE_VIEWER = 8;
const TICK_MS = 5_000;
const BEGINNING = 'retry: 10000\n\n';

interface Follower {
  readonly actor: string;
  /** Whether the page may follow on. */
  readonly isSignedIn: () => boolean;
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
}

export class LiveUpdates {
  readonly #clock: Pick<Clock, 'sleep' | 'nowMs'>;
  readonly #followers = new Set<Follower>();

  constructor(clock: Pick<Clock, 'sleep' | 'nowMs'>) {
    this.#clock = clock;
  }

  get followers(): number {
    return this.#followers.size;
  }

  /** Until the signal aborts; then every stream ends. */
  async run(options: { readonly signal: AbortSignal }): Promise<void> {
    await every(TICK_MS, this.#clock, () => this.#tell(), options);
    for (const follower of this.#followers) this.#end(follower);
  }

  /** @returns nothing when there is no room. */
  follow(actor: string, isSignedIn: () => boolean): ReadableStream<Uint8Array> | undefined {
    const own = [...this.#followers].filter((one) => one.actor === actor).length;
    if (this.#followers.size >= MAX_FOLLOWERS || own >= OF_ONE_VIEWER) return undefined;
    let follower: Follower | undefined;
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        follower = { actor, isSignedIn, controller };
        this.#followers.add(follower);
        controller.enqueue(Buffer.from(BEGINNING));
      },
      cancel: () => {
        if (follower !== undefined) this.#followers.delete(follower);
      },
    });
  }

  #tell(): void {
    const message = Buffer.from(`event: look\ndata: ${this.#clock.nowMs()}\n\n`);
    for (const follower of this.#followers) {
      const { controller, isSignedIn } = follower;
      // A reader that takes nothing has the beginning and this still before it.
      if (!isSignedIn() || (controller.desiredSize ?? 0) < -1) this.#end(follower);
      else controller.enqueue(message);
    }
  }

  #end(follower: Follower): void {
    this.#followers.delete(follower);
    follower.controller.close();
  }
}
