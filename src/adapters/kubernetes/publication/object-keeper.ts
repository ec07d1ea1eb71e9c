// Keeps published objects as they should be: writes what lacks or differs, removes what is ours and no place any more, and
// gives way where another does not. Whatever happens is seen through a watched cache, so that each change costs one look at
// one object. What is written is conditional on the version that was seen, and paced: a new trust anchor in 5,000 namespaces
// takes 50 s and no place from anybody else's calls.
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import { formatQuantity } from '../../../domain/text/format-count.ts';
import { Alarm } from '../../../live/alarm.ts';
import type { PublishedText, Publisher } from '../../../ports/issuing/publication.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Events } from '../../../ports/platform/events.ts';
import { isApiError, KubernetesApiError, type CallOptions, type KubernetesApi } from '../api/kubernetes-api.ts';
import { Contest, Rivals } from './contest.ts';
import type { ObjectPlan, Planned } from './object-plan.ts';
import { otherWriterOf } from './published-object.ts';
import { WaitingKeys } from './waiting-keys.ts';

export interface ObjectKeeperParts {
  readonly api: Pick<KubernetesApi, 'apply' | 'delete'>;
  readonly plan: ObjectPlan;
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep' | 'sleepUntil'>;
  readonly events: Pick<Events, 'objectPublished' | 'publicationFailed' | 'publicationContested'>;
}

/** Calls under way at once. */
const MAX_WRITING = 8;
/** Between the beginnings of two writes: a hundred in a second. */
const PACE_MS = 10;
/** After a write, how long its effect may take to be seen before it is judged again what is there. */
const SEEN_WITHIN_MS = 5_000;
const RETRY_MS = { first: 1_000, firstOnConflict: 200, most: 60_000 };
/** Longest without a look at what waits. */
const LOOK_MS = 60_000;
/** Names that a problem lists. */
const MAX_NAMED = 3;

/** What is remembered of one object; forgotten with its place. */
interface Known {
  /** The version that our last write was on, until another one is seen. */
  wroteOn?: { readonly version: string | undefined; readonly untilMs: number };
  /** The text that we wrote last. */
  wrote?: string;
  problem?: string;
  failures: number;
  readonly contest: Contest;
}

export class ObjectKeeper implements Publisher {
  readonly #parts: ObjectKeeperParts;
  readonly #known = new Map<string, Known>();
  readonly #waiting = new WaitingKeys();
  readonly #writing = new Set<string>();
  readonly #rivals = new Rivals();
  readonly #alarm: Alarm;
  #nextWriteMs = 0;

  constructor(parts: ObjectKeeperParts) {
    this.#parts = parts;
    this.#alarm = new Alarm(parts.clock);
  }

  async keep(wanted: () => PublishedText, { signal }: CallOptions): Promise<void> {
    this.#parts.plan.onChange((key) => (key === undefined ? this.wantedChanged() : this.#lookAt(key)), { signal });
    this.wantedChanged();
    while (!signal.aborted) {
      const waitMs = this.#step(wanted, signal);
      await this.#alarm.sleep(Math.min(waitMs, LOOK_MS), { signal });
    }
    // Who leads next remembers for itself.
    this.#known.clear();
    this.#waiting.clear();
  }

  wantedChanged(): void {
    for (const key of this.#parts.plan.keys()) this.#waiting.add(key);
    for (const key of this.#known.keys()) this.#waiting.add(key);
    this.#alarm.ring();
  }

  /** What is not as it should be, in words; nothing when everything is, or is about to be. */
  problem(): string | undefined {
    const { plan } = this.#parts;
    const contested = this.#having(({ contest }) => contest.by);
    const failing = this.#having(({ problem }) => problem);
    const problems = [
      ...(contested === undefined ? [] : [`${contested.what} writes it too, ${contested.places}: ${plan.advice}`]),
      ...(failing === undefined ? [] : [`it cannot be written ${failing.places}: ${failing.what}`]),
    ];
    return problems.length === 0 ? undefined : `${plan.what}: ${problems.join('; ')}`;
  }

  /** @returns what the first of them has, and where all are. */
  #having(
    whatOf: (known: Known) => string | undefined,
  ): { readonly what: string; readonly places: string } | undefined {
    const found = [...this.#known].flatMap(([key, known]) => {
      const what = whatOf(known);
      return what === undefined ? [] : [{ key, what }];
    });
    const [first] = found;
    return first && { what: first.what, places: placesOf(found.map(({ key }) => key)) };
  }

  #lookAt(key: string): void {
    // What is not there at all goes first: in a new namespace pods wait for it.
    if (this.#parts.plan.current(key) === undefined) this.#waiting.addFirst(key);
    else this.#waiting.add(key);
    this.#alarm.ring();
  }

  /** Looks at what waits and begins one write at most. @returns how long there is nothing to do, in ms. */
  #step(wanted: () => PublishedText, signal: AbortSignal): number {
    const nowMs = this.#parts.clock.monotonicMs();
    if (this.#writing.size >= MAX_WRITING) return Infinity;
    if (nowMs < this.#nextWriteMs) return this.#nextWriteMs - nowMs;
    const text = wanted();
    for (;;) {
      const key = this.#waiting.take(nowMs, (candidate) => !this.#writing.has(candidate));
      if (key === undefined) return this.#waiting.nextDueMs - nowMs;
      const write = this.#judge(key, this.#parts.plan.planned(key, text), nowMs);
      if (write === undefined) continue;
      this.#nextWriteMs = nowMs + PACE_MS;
      void this.#write(key, write, signal);
      return PACE_MS;
    }
  }

  /** @returns what is to be done there now, if anything. */
  #judge(key: string, planned: Planned, nowMs: number): ((options: CallOptions) => Promise<void>) | undefined {
    const { plan } = this.#parts;
    const current = plan.current(key);
    // What another has written over is its own by now.
    const isOurs = current !== undefined && plan.isOurs(current) && otherWriterOf(current) === undefined;
    if (planned === 'removed' && isOurs) {
      return async (options) => this.#remove(key, current, options);
    }
    if (planned === 'left' || planned === 'removed') {
      this.#known.delete(key);
      return undefined;
    }
    const known = this.#knownOf(key);
    // A cache lags behind a write: what it still shows from before is no change by another.
    const { wroteOn } = known;
    const isSeen = wroteOn === undefined || wroteOn.version !== current?.metadata.resourceVersion;
    if (!isSeen && nowMs < wroteOn.untilMs) {
      this.#waiting.addLater(key, wroteOn.untilMs);
      return undefined;
    }
    delete known.wroteOn;
    if (current !== undefined && plan.isAsPlanned(current, planned)) {
      known.contest.over();
      delete known.problem;
      known.failures = 0;
      return undefined;
    }
    // The watch may be interrupted: then nothing is known of others.
    if (isSeen) this.#noteChange(key, known, current, planned.text);
    const stoppedMs = known.contest.stopsUntil(nowMs);
    if (stoppedMs !== undefined) {
      this.#waiting.addLater(key, stoppedMs);
      return undefined;
    }
    return async (options) => this.#apply(key, planned, current, options);
  }

  /** Something else is there than what we wrote, and we would write the same again. */
  #noteChange(key: string, known: Known, current: KubernetesObject | undefined, text: string): void {
    const { plan, clock, events } = this.#parts;
    const same = known.wrote === text;
    delete known.wrote;
    if (!same) return;
    const nowMs = clock.monotonicMs();
    const writer = current && otherWriterOf(current);
    const isRival = this.#rivals.has(writer, nowMs);
    const by = writer ?? (current === undefined ? 'somebody who deletes it' : 'somebody');
    known.contest.changed(by, { isRival, nowMs });
    if (known.contest.by === undefined) return;
    if (!isRival) events.publicationContested({ object: plan.what, place: key, by, advice: plan.advice });
    this.#rivals.contested(writer, key, nowMs);
  }

  async #write(key: string, write: (options: CallOptions) => Promise<void>, signal: AbortSignal): Promise<void> {
    this.#writing.add(key);
    try {
      await write({ signal });
    } catch (error) {
      if (!signal.aborted) this.#failed(key, error);
    } finally {
      this.#writing.delete(key);
      this.#alarm.ring();
    }
  }

  async #apply(
    key: string,
    planned: Exclude<Planned, string>,
    current: KubernetesObject | undefined,
    options: CallOptions,
  ): Promise<void> {
    const { api, plan, clock, events } = this.#parts;
    const known = this.#knownOf(key);
    const version = current?.metadata.resourceVersion;
    await api.apply(plan.kind, withVersion(planned.apply, version), { ...options, force: true });
    known.wroteOn = { version, untilMs: clock.monotonicMs() + SEEN_WITHIN_MS };
    known.wrote = planned.text;
    known.failures = 0;
    delete known.problem;
    this.#waiting.addLater(key, known.wroteOn.untilMs);
    events.objectPublished({ object: plan.what, place: key, change: current === undefined ? 'created' : 'updated' });
  }

  async #remove(key: string, { metadata }: KubernetesObject, options: CallOptions): Promise<void> {
    const { api, plan, events } = this.#parts;
    const { name, namespace, uid } = metadata;
    await api.delete(plan.kind, { name, uid, ...(namespace !== undefined && { namespace }) }, options);
    this.#known.delete(key);
    events.objectPublished({ object: plan.what, place: key, change: 'removed' });
  }

  #failed(key: string, error: unknown): void {
    const { plan, clock, events } = this.#parts;
    const known = this.#knownOf(key);
    const nowMs = clock.monotonicMs();
    const isConflict = isApiError(error, 409);
    const firstMs = isConflict ? RETRY_MS.firstOnConflict : RETRY_MS.first;
    const backOffMs = Math.min(firstMs * 2 ** known.failures, RETRY_MS.most);
    known.failures += 1;
    const askedMs = error instanceof KubernetesApiError ? (error.retryAfterMs ?? 0) : 0;
    this.#waiting.addLater(key, nowMs + Math.max(backOffMs, askedMs));
    // It has changed since it was seen; the watch tells what it is now.
    if (isConflict) return;
    const problem = error instanceof Error ? error.message : 'unexpected failure';
    if (known.problem !== problem) events.publicationFailed({ object: plan.what, place: key, problem });
    known.problem = problem;
  }

  #knownOf(key: string): Known {
    const known = this.#known.get(key) ?? { failures: 0, contest: new Contest() };
    this.#known.set(key, known);
    return known;
  }
}

/** Server-side apply with a version is refused with 409 when the object has another by now. */
function withVersion(object: object, version: string | undefined): object {
  const { metadata } = object as { readonly metadata: object };
  return version === undefined ? object : { ...object, metadata: { ...metadata, resourceVersion: version } };
}

function placesOf(keys: readonly string[]): string {
  const more = keys.length > MAX_NAMED ? ', …' : '';
  return `in ${formatQuantity(keys.length, 'place')} (${keys.slice(0, MAX_NAMED).join(', ')}${more})`;
}
