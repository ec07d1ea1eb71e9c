// Worker processes without a process: a test has them become ready, fail, stand still and end.
import { Readable } from 'node:stream';
import { answerHeartbeat } from '../../../src/adapters/processes/heartbeat.ts';
import type { Json } from '../../../src/adapters/processes/link.ts';
import type { WorkerProcess } from '../../../src/adapters/processes/worker-process.ts';
import type { ServeReport } from '../../../src/app/serve.ts';
import {
  FAILED_TOPIC,
  PLACE_TOPIC,
  readPlace,
  READY_TOPIC,
  writeFailure,
  writeReport,
} from '../../../src/app/supervisor/start-of-worker.ts';
import type { Clock } from '../../../src/ports/platform/clock.ts';
import { linkedPair, type LinkedPair } from '../../support/fakes/linked-pair.ts';

export class FakeWorker implements WorkerProcess {
  static #lastPid = 100;
  readonly pid = (FakeWorker.#lastPid += 1);
  /** What the supervisor sent it signals for. */
  readonly signals: ('end' | 'kill')[] = [];
  slot: number | undefined;
  readonly #pair: LinkedPair;
  readonly #ended = Promise.withResolvers<string>();

  /** @param options.still its event loop stands still from the beginning. */
  constructor(clock: Clock, { still = false } = {}) {
    this.#pair = linkedPair(clock);
    if (!still) answerHeartbeat(this.#pair.worker);
    this.#pair.worker.serve(PLACE_TOPIC, (body: Json) => {
      ({ slot: this.slot } = readPlace(body));
      return null;
    });
  }

  get link() {
    return this.#pair.supervisor;
  }

  get ended(): Promise<string> {
    return this.#ended.promise;
  }

  ready(report: Partial<ServeReport> = {}): void {
    this.#pair.worker.tell(READY_TOPIC, writeReport(report as ServeReport));
  }

  fail(cause: Error): void {
    this.#pair.worker.tell(FAILED_TOPIC, writeFailure(cause));
  }

  gone(why: string): void {
    this.#pair.cut();
    this.#ended.resolve(why);
  }

  get closed(): AbortSignal {
    return this.#pair.supervisor.closed;
  }

  readonly log = Readable.from([]);
  readonly end = (): void => void this.signals.push('end');
  readonly kill = (): void => {
    this.signals.push('kill');
    this.gone('it was ended by SIGKILL');
  };
}
