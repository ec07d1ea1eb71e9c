// One worker from its fork to its end: it gets its place, says that it is ready or why it cannot be, and is killed when
// its event loop stands still.
import { untilSilent } from '../../adapters/processes/heartbeat.ts';
import type { Link } from '../../adapters/processes/link.ts';
import type { WorkerProcess } from '../../adapters/processes/worker-process.ts';
import { orAborted } from '../../live/abortable.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { ServeReport } from '../serve.ts';
import {
  FAILED_TOPIC,
  PLACE_TOPIC,
  readFailure,
  readReport,
  READY_TOPIC,
  writePlace,
  type AssignedPlace,
} from './start-of-worker.ts';

/** Longest that a serving worker may not answer. */
const SERVING_PATIENCE_MS = 2_000;
/** Reading its program and everything that it judges by is work in which a worker answers late. */
const STARTING_PATIENCE_MS = 60_000;

export class WorkerRun {
  readonly #process: WorkerProcess;
  readonly #ready = Promise.withResolvers<ServeReport>();
  readonly #gone = new AbortController();
  readonly #clock: Clock;
  #serving = false;
  #silent = false;
  /** Settles when the process is gone, with why in words. Never rejects. */
  readonly ended: Promise<string>;

  constructor(process: WorkerProcess, place: AssignedPlace, clock: Clock) {
    this.#process = process;
    this.#clock = clock;
    // Nobody need wait for a worker that is replaced.
    this.#ready.promise.catch(() => undefined);
    this.#serve(process.link, place);
    this.ended = this.#end();
    void this.#watch();
  }

  /** Settles when it serves, or never will. Never rejects. */
  get settled(): Promise<void> {
    return this.#ready.promise.then(
      () => undefined,
      () => undefined,
    );
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get link(): Link {
    return this.#process.link;
  }

  /**
   * Resolves when it serves, with what it serves.
   * @throws what it said that it cannot start for, an Error when it ends without a word, the signal's reason.
   */
  async ready({ signal }: { readonly signal: AbortSignal }): Promise<ServeReport> {
    return orAborted(this.#ready.promise, signal);
  }

  /** Asks it to drain, and kills it when it has not ended by then. Resolves when it is gone. */
  async drain({ withinMs }: { readonly withinMs: number }): Promise<void> {
    this.#process.end();
    const takeBack = this.#clock.after(withinMs, () => this.#process.kill());
    await this.ended;
    takeBack();
  }

  #serve(link: Link, place: AssignedPlace): void {
    link.tell(PLACE_TOPIC, writePlace(place));
    link.serve(READY_TOPIC, (body) => {
      this.#serving = true;
      this.#ready.resolve(readReport(body));
      return null;
    });
    link.serve(FAILED_TOPIC, (body) => {
      this.#ready.reject(readFailure(body));
      return null;
    });
  }

  async #end(): Promise<string> {
    const how = await this.#process.ended;
    const why = this.#silent ? `it did not answer for ${this.#patienceMs()} ms and was killed` : how;
    this.#gone.abort();
    this.#ready.reject(new Error(`a worker could not start: ${why}`));
    return why;
  }

  async #watch(): Promise<void> {
    const watching = untilSilent(this.link, this.#clock, () => this.#patienceMs(), this.#gone);
    // It rejects when the process is gone, and that is noticed elsewhere.
    this.#silent = await watching.then(
      () => true,
      () => false,
    );
    if (this.#silent) this.#process.kill();
  }

  #patienceMs(): number {
    return this.#serving ? SERVING_PATIENCE_MS : STARTING_PATIENCE_MS;
  }
}
