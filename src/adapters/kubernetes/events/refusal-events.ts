// Tells refusals as Events (core/v1), where the owners of a workload look. Events are a courtesy: they wait for nobody, nobody
// waits for them, and what cannot be written is dropped and counted.
import { hash } from 'node:crypto';
import { Alarm } from '../../../live/alarm.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Events } from '../../../ports/platform/events.ts';
import type { RefusalReporter, ReportedRefusal } from '../../../ports/policy/refusal-reporter.ts';
import { isOfOneObject, KubernetesApiError, type ApiKind, type KubernetesApi } from '../api/kubernetes-api.ts';
import { EventLedger, type DueEvent } from './event-ledger.ts';

export interface RefusalEventsParts {
  readonly api: Pick<KubernetesApi, 'apply'>;
  readonly clock: Clock;
  readonly events: Pick<Events, 'refusalNotReported' | 'unexpected'>;
}

export interface RefusalEventsSettings {
  /** Which server tells it: the name of its pod. */
  readonly instance: string;
}

const EVENT: ApiKind = { apiVersion: 'v1', kind: 'Event', plural: 'events', namespaced: true };
/** Between two writings: ten a second. */
const PACE_MS = 100;
/** After the API server could not be asked, or asked for patience. */
const RETRY_MS = 10_000;
/** Longest wait for something to be due: whoever is refused meanwhile rings. */
const IDLE_MS = 60_000;
const MAX_NAME = 253;

export class RefusalEvents implements RefusalReporter {
  readonly #parts: RefusalEventsParts;
  readonly #settings: RefusalEventsSettings;
  /** By the monotonic clock: a wall clock that was set back would keep it silent for as long. */
  readonly #ledger = new EventLedger();
  readonly #alarm: Alarm;

  constructor(parts: RefusalEventsParts, settings: RefusalEventsSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#alarm = new Alarm(parts.clock);
  }

  report(refusal: ReportedRefusal, count: number): void {
    const { clock, events } = this.#parts;
    if (this.#ledger.take(refusal, clock.monotonicMs(), count)) this.#alarm.ring();
    else events.refusalNotReported({ why: 'full' });
  }

  /** Writes what is due until the signal aborts. */
  async run(options: { readonly signal: AbortSignal }): Promise<void> {
    const { clock } = this.#parts;
    while (!options.signal.aborted) {
      const due = this.#ledger.next(clock.monotonicMs());
      const waitMs =
        due === undefined
          ? Math.min(IDLE_MS, this.#ledger.nextMs() - clock.monotonicMs())
          : await this.#write(due, options);
      if (due === undefined) await this.#alarm.sleep(Math.max(0, waitMs), options);
      // The abort ends the loop.
      else await clock.sleep(waitMs, options).catch(() => undefined);
    }
  }

  /** @returns how long to wait before the next. */
  async #write(due: DueEvent, options: { readonly signal: AbortSignal }): Promise<number> {
    const { api, events } = this.#parts;
    try {
      await api.apply(EVENT, this.#eventOf(due), { ...options, force: true });
      return PACE_MS;
    } catch (error) {
      if (options.signal.aborted) return 0;
      if (!(error instanceof KubernetesApiError)) {
        events.unexpected({ where: 'refusal events', cause: error });
        return RETRY_MS;
      }
      events.refusalNotReported({ why: 'refused' });
      // A namespace that is going, or lets nothing be written in it, is its own affair, and so is an Event that its owner has
      // made such that ours is refused; anything else is of the API server.
      const isOwn = error.status === 403 || isOfOneObject(error);
      return isOwn ? PACE_MS : Math.max(RETRY_MS, error.retryAfterMs ?? 0);
    }
  }

  #eventOf({ involved, reason, message, count, firstMs, lastMs }: DueEvent): object {
    const { kind, namespace, name, uid } = involved;
    const { instance } = this.#settings;
    const suffix = hash('sha256', JSON.stringify([kind, name, uid, reason, instance]), 'hex').slice(0, 16);
    return {
      apiVersion: 'v1',
      kind: 'Event',
      // No part of a name ends with a hyphen, nor is one empty.
      metadata: { name: `${name.slice(0, MAX_NAME - suffix.length - 1).replace(/[.-]+$/, '')}.${suffix}`, namespace },
      involvedObject: { apiVersion: 'v1', kind, namespace, name, ...(uid !== undefined && { uid }) },
      reason,
      message,
      type: 'Warning',
      count,
      firstTimestamp: this.#timeOf(firstMs),
      lastTimestamp: this.#timeOf(lastMs),
      source: { component: 'capstan', host: instance },
      reportingComponent: 'capstan.dev/ca',
      reportingInstance: instance,
    };
  }

  /** @returns a moment of the monotonic clock in RFC 3339 without fractions, as metav1.Time is written. */
  #timeOf(atMs: number): string {
    const { clock } = this.#parts;
    const wallMs = clock.nowMs() - (clock.monotonicMs() - atMs);
    return new Date(wallMs).toISOString().replace(/\.\d+Z$/, 'Z');
  }
}
