// The one page of metrics. A worker says its numbers every second and answers at each scrape; of one that does not answer,
// or is gone, the last known numbers count.
import type { Json, Link } from '../../../adapters/processes/link.ts';
import type { MetricState } from '../../../adapters/telemetry/metrics/metric-state.ts';
import { WorkerMetrics } from '../../../adapters/telemetry/metrics/worker-metrics.ts';
import type { Telemetry } from '../../../adapters/telemetry/telemetry.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import { METRICS_TOPIC } from '../../worker/topics.ts';
import { askEach, type ServingWorkers } from './ask-each.ts';

export interface NewWorker {
  readonly slot: number;
  readonly link: Link;
  /** Aborts when it is gone and everything that it said has arrived. */
  readonly closed: AbortSignal;
}

interface Parts {
  readonly telemetry: Pick<Telemetry, 'state' | 'pageOf'>;
  readonly workers: ServingWorkers;
  readonly clock: Pick<Clock, 'after'>;
}

export class GatheredMetrics {
  readonly #parts: Parts;
  readonly #metrics = new WorkerMetrics();
  /** Those that are not gone: what one said that comes to hand later is in its sums already. */
  readonly #attached = new Set<Link>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Called once for each worker, before it starts. */
  attach({ slot, link, closed }: NewWorker): void {
    this.#attached.add(link);
    link.serve(METRICS_TOPIC, (body) => {
      this.#take(link, slot, body);
      return null;
    });
    const retire = (): void => {
      this.#attached.delete(link);
      this.#metrics.retire(link);
    };
    closed.addEventListener('abort', retire, { once: true });
  }

  /** @returns the page; as Telemetry.collect. */
  async collect(): Promise<string> {
    const { telemetry, workers, clock } = this.#parts;
    // At once: while another worker keeps us waiting it may say newer numbers.
    await askEach(workers(), METRICS_TOPIC, clock, ({ link, slot }, body) => this.#take(link, slot, body));
    return telemetry.pageOf(this.#metrics.page(await telemetry.state({ scraped: true })));
  }

  #take(link: Link, slot: number, body: Json): void {
    if (this.#attached.has(link)) this.#metrics.take(link, { slot, state: body as MetricState });
  }
}
