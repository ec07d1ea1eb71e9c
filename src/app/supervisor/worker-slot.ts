// The workers of one slot, one after the other: whenever one ends, the next takes its place at once, and more slowly when
// they cannot start.
import type { Link } from '../../adapters/processes/link.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { Events } from '../../ports/platform/events.ts';
import type { ServeReport } from '../serve.ts';
import type { WorkerRun } from './worker-run.ts';

export interface SlotParts {
  readonly clock: Clock;
  readonly events: Pick<Events, 'workerServes' | 'workerLost' | 'workerFailed'>;
  /** Forks a worker into this slot. */
  readonly run: () => WorkerRun;
}

/** Pause before the second attempt in a row that brought no worker that serves; doubled for each further one. */
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 30_000;

export class WorkerSlot {
  readonly slot: number;
  readonly #parts: SlotParts;
  readonly #end = new AbortController();
  #worker: WorkerRun | undefined;
  #isServing = false;
  /**
   * Attempts in a row that brought no worker that served. One that served and ended at once does not count: whatever
   * ends workers, the clients of the next must not wait for it longer each time.
   */
  #failures = 0;
  #problem: string | undefined = 'it has not started';
  #keeping: Promise<void> = Promise.resolve();

  constructor(slot: number, parts: SlotParts) {
    this.slot = slot;
    this.#parts = parts;
  }

  /** Why no worker serves here now; nothing when one does. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** To the worker that serves here now. */
  get link(): Link | undefined {
    return this.#isServing ? this.#worker?.link : undefined;
  }

  /** To the worker that is on its way to serve here. */
  get starting(): Link | undefined {
    return this.#isServing ? undefined : this.#worker?.link;
  }

  /**
   * Starts the first worker; from then on there is one.
   * @throws what it could not start for; then there is none.
   */
  async start(options: { readonly signal: AbortSignal }): Promise<ServeReport> {
    const worker = (this.#worker = this.#parts.run());
    const report = await worker.ready(options);
    this.#serves(worker);
    this.#keeping = this.#keep(worker);
    return report;
  }

  /** Has the worker end in order, and no other take its place. Resolves when it is gone. */
  async drain(options: { readonly withinMs: number }): Promise<void> {
    this.#end.abort();
    this.#problem = 'the server is shutting down';
    await this.#worker?.drain(options);
    await this.#keeping;
  }

  async #keep(first: WorkerRun): Promise<void> {
    const { clock, events } = this.#parts;
    const { signal } = this.#end;
    for (let worker = first; ;) {
      const why = await worker.ended;
      if (signal.aborted) return;
      events.workerLost({ slot: this.slot, pid: worker.pid, why });
      this.#lost(why);
      const pauseMs = pauseAfter(this.#failures);
      if (
        !(await clock.sleep(pauseMs, { signal }).then(
          () => true,
          () => false,
        ))
      )
        return;
      worker = this.#worker = this.#parts.run();
      await worker.ready({ signal }).then(
        () => this.#serves(worker),
        (cause: unknown) => this.#failed(cause),
      );
    }
  }

  #serves(worker: WorkerRun): void {
    this.#isServing = true;
    this.#problem = undefined;
    this.#parts.events.workerServes({ slot: this.slot, pid: worker.pid });
  }

  #failed(cause: unknown): void {
    if (this.#end.signal.aborted) return;
    this.#problem = cause instanceof Error ? cause.message : String(cause);
    this.#parts.events.workerFailed({ slot: this.slot, cause });
  }

  #lost(why: string): void {
    this.#failures = this.#isServing ? 0 : this.#failures + 1;
    if (this.#isServing) this.#problem = why;
    this.#isServing = false;
  }
}

/** None after a worker that served and after one failure; then 1 s, 2 s and so on. */
function pauseAfter(failures: number): number {
  return failures < 2 ? 0 : Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 2));
}
