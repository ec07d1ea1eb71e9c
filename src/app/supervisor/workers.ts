// All workers of a server.
import type { Json } from '../../adapters/processes/link.ts';
import type { WorkerProcess } from '../../adapters/processes/worker-process.ts';
import { degraded, notReady, READY, type HealthState } from '../../ports/platform/health.ts';
import type { ServeReport } from '../serve.ts';
import { Standby } from './standby.ts';
import type { AssignedPlace } from './start-of-worker.ts';
import { WorkerRun } from './worker-run.ts';
import { WorkerSlot, type SlotParts } from './worker-slot.ts';

/** Processes that wait while all serve. */
const SPARE = 1;
/** Beyond the deadline of calls, for what a worker does last: records, spans and log lines leave. */
const FLUSH_WITHIN_MS = 10_000;

export interface WorkersParts extends Omit<SlotParts, 'run'> {
  /** A process that waits for a place. */
  readonly fork: () => WorkerProcess;
  /** Makes a process the worker of a slot. @returns what it is given. */
  readonly place: (slot: number, process: WorkerProcess) => AssignedPlace;
}

export class Workers {
  readonly #slots: readonly WorkerSlot[];
  readonly #standby: Standby;

  constructor(count: number, { clock, events, fork, place }: WorkersParts) {
    this.#standby = new Standby(fork);
    const run = (slot: number): WorkerRun => {
      const process = this.#standby.take();
      const worker = new WorkerRun(process, place(slot, process), clock);
      void worker.settled.then(() => this.#standby.prepare(SPARE));
      return worker;
    };
    this.#slots = Array.from({ length: count }, (_, index) => {
      const slot = index + 1;
      return new WorkerSlot(slot, { clock, events, run: () => run(slot) });
    });
  }

  /** The slots in which a worker serves now, with the links to them. */
  get serving(): readonly WorkerSlot[] {
    return this.#slots.filter(({ link }) => link !== undefined);
  }

  /** The slots in which a worker does not serve yet. */
  get starting(): readonly WorkerSlot[] {
    return this.#slots.filter(({ starting }) => starting !== undefined);
  }

  /**
   * The first worker starts alone: what a first start creates is created once, and what is wrong with the
   * configuration is said once.
   * @returns what the first one serves.
   * @throws what one of them could not start for.
   */
  async start(options: { readonly signal: AbortSignal }): Promise<ServeReport> {
    const [first, ...others] = this.#slots;
    if (first === undefined) throw new Error('a server has a worker');
    this.#standby.prepare(this.#slots.length);
    const report = await first.start(options);
    await Promise.all(others.map(async (slot) => slot.start(options)));
    return report;
  }

  /** Reaches those that serve now; one that starts later reads everything anyway. */
  tellAll(topic: string, body: Json): void {
    for (const { link } of this.serving) link?.tell(topic, body);
  }

  async drain({ deadlineMs }: { readonly deadlineMs: number }): Promise<void> {
    const withinMs = deadlineMs + FLUSH_WITHIN_MS;
    await Promise.all([this.#standby.close(), ...this.#slots.map(async (slot) => slot.drain({ withinMs }))]);
  }

  /** The others serve on while one is replaced. */
  health(): HealthState {
    const down = this.#slots.flatMap(({ slot, problem }) => (problem === undefined ? [] : [{ slot, problem }]));
    const [first] = down;
    if (first === undefined) return READY;
    const why = `worker ${first.slot} of ${this.#slots.length} does not serve: ${first.problem}`;
    const more = down.length === 1 ? why : `${why}, and ${down.length - 1} more`;
    return down.length === this.#slots.length ? notReady(more) : degraded(more);
  }
}
