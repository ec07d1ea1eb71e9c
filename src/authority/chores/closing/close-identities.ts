// Identities whose pods are gone go on record, by the process that leads: within seconds of the watch event, and what nobody
// heard at the next start. It reads what was issued only then, so issuing costs no more for it.
import { AuthorityError } from '../../../domain/errors.ts';
import { every } from '../../../live/every.ts';
import type { WorkloadDirectory } from '../../../ports/cluster/workload-directory.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Events } from '../../../ports/platform/events.ts';
import type { ClosingJournal, ClosingRecord } from '../../../ports/storage/closing-journal.ts';
import type { Lease } from '../../../ports/storage/lease.ts';
import type { PodIssuances } from '../../../ports/storage/pod-issuances.ts';
import { whileLeading, type Leading } from '../while-leading.ts';
import { closingKey, closingsOf, type ClosedCluster } from './closings-of.ts';
import { GonePods, mayBeLeftOut, type GonePod } from './gone-pods.ts';
import { goneAmong, LAG_MS, LookBack } from './look-back.ts';

export interface ClosingParts {
  readonly workloads: WorkloadDirectory;
  readonly issuances: PodIssuances;
  readonly journal: ClosingJournal;
  /** Of the store. */
  readonly lease: Lease;
  readonly clock: Pick<Clock, 'nowMs' | 'monotonicMs' | 'sleep'>;
  readonly events: Pick<Events, 'identityClosed' | 'unexpected'>;
}

export interface ClosingSettings extends ClosedCluster {
  /** In which a pod of a namespace may have an identity. */
  readonly trustDomainsOf: (namespace: string) => readonly string[];
  /** No certificate lives longer. */
  readonly longestLeafMs: number;
}

const ROUND_MS = 1_000;
/** Pods of one commit, and of one question. */
const BATCH = 500;
/** Between two pages of what was issued, each some milliseconds of reading: requests pass in between, and for most of the time. */
const PAUSE_MS = 20;
/** A restart looks through what was issued since; a write each minute costs nothing. */
const NOTE_EVERY_MS = 60_000;

/** Runs until the signal aborts. */
export async function closeIdentities(
  parts: ClosingParts,
  settings: ClosingSettings,
  options: { readonly signal: AbortSignal },
): Promise<void> {
  await whileLeading(parts, async (leading) => new IdentityCloser(parts, settings).run(leading), options);
}

/** Of one cluster, for as long as this process leads. */
class IdentityCloser {
  readonly #parts: ClosingParts;
  readonly #settings: ClosingSettings;
  readonly #gone: GonePods;
  readonly #lookBack = new LookBack();
  /** Namespaces of which not everything is kept: who is gone of them is found among what was issued once it is. */
  readonly #unsure = new Set<string>();
  /** Until when all ends are on record; nothing before that was read. */
  #followedMs: number | undefined;
  /** By the monotonic clock. */
  #notedAtMs = -Infinity;
  #wasBroken = false;

  constructor(parts: ClosingParts, settings: ClosingSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#gone = new GonePods({ ...parts, unsure: (namespace) => this.#unsure.add(namespace) });
  }

  async run(leading: Leading): Promise<void> {
    this.#gone.follow(leading);
    await every(ROUND_MS, this.#parts.clock, async () => this.#round(leading), leading);
  }

  /** What fails is tried again in the next round: nothing is forgotten before it is on record. */
  async #round(leading: Leading): Promise<void> {
    if (this.#parts.workloads.unavailable !== undefined) return;
    try {
      await this.#begin(leading);
      this.#noticeGaps();
      await this.#closeDue(leading);
      await this.#goThrough(leading);
      await this.#note(leading);
    } catch (cause) {
      // A store that cannot be asked says so by itself.
      if (leading.signal.aborted || cause instanceof AuthorityError) return;
      this.#parts.events.unexpected({ where: 'closing of identities', cause });
    }
  }

  async #begin(leading: Leading): Promise<void> {
    if (this.#followedMs !== undefined) return;
    const { issuances, clock } = this.#parts;
    const { remoteCluster, longestLeafMs } = this.#settings;
    const nowMs = clock.nowMs();
    const followed = await issuances.followedUntil(remoteCluster, leading);
    this.#followedMs = followed?.untilMs ?? 0;
    // Who had a certificate then is in it.
    this.#lookBack.add((followed?.untilMs ?? nowMs) - longestLeafMs, nowMs);
  }

  /** What came and went unheard was issued something since; who was seen before is missed by a list that is read anew. */
  #noticeGaps(): void {
    const { workloads, clock } = this.#parts;
    const [nowMs, followedMs] = [clock.nowMs(), this.#followedMs ?? 0];
    const isBroken = workloads.staleMs() > 0;
    if (this.#wasBroken && !isBroken) this.#lookBack.add(followedMs, nowMs);
    this.#wasBroken = isBroken;
    if (this.#gone.takeOverflow() || this.#takeSure()) {
      this.#lookBack.add(followedMs - this.#settings.longestLeafMs, nowMs);
    }
  }

  /** Whether everything of a namespace is kept again; one that comes and goes has nothing looked through twice at once. */
  #takeSure(): boolean {
    const leftOut = new Set(this.#parts.workloads.leftOut);
    for (const namespace of leftOut) this.#unsure.add(namespace);
    if (!this.#lookBack.over) return false;
    const sure = this.#unsure.difference(leftOut);
    for (const namespace of sure) this.#unsure.delete(namespace);
    return sure.size > 0;
  }

  async #closeDue(leading: Leading): Promise<void> {
    for (let due = this.#gone.due(BATCH); due.length > 0; due = this.#gone.due(BATCH)) {
      await this.#close(due, leading);
      this.#gone.remove(due);
    }
  }

  async #goThrough(leading: Leading): Promise<void> {
    const { workloads, issuances, clock } = this.#parts;
    const { remoteCluster } = this.#settings;
    // What is old may lack who is new.
    while (workloads.unavailable === undefined && workloads.staleMs() === 0) {
      const nowMs = clock.nowMs();
      const range = this.#lookBack.rangeAt(nowMs);
      if (range === undefined) return;
      const of = remoteCluster === undefined ? {} : { remoteCluster };
      const page = await issuances.issuedBetween({ ...range, ...of }, leading);
      const at = { nowMs, lastSeenMs: this.#followedMs ?? 0 };
      const gone = goneAmong(page.issuances, workloads, at).filter((pod) => !this.#gone.has(pod));
      await this.#close(
        gone.filter((pod) => this.#isSure(pod)),
        leading,
      );
      this.#lookBack.doneUntil(page.untilMs);
      await this.#closeDue(leading);
      await clock.sleep(PAUSE_MS, leading);
    }
  }

  #isSure(pod: GonePod): boolean {
    if (!mayBeLeftOut(this.#parts.workloads, pod)) return true;
    this.#unsure.add(pod.namespace);
    return false;
  }

  /** @param pods at most a page of them. */
  async #close(pods: readonly GonePod[], leading: Leading): Promise<void> {
    for (let first = 0; first < pods.length; first += BATCH) {
      const closings = await this.#closingsFor(pods.slice(first, first + BATCH), leading);
      if (closings.length === 0) continue;
      await this.#parts.journal.recordClosings(closings, undefined, leading);
      for (const closing of closings) this.#parts.events.identityClosed(closing);
    }
  }

  async #closingsFor(pods: readonly GonePod[], leading: Leading): Promise<readonly ClosingRecord[]> {
    const { issuances } = this.#parts;
    const { remoteCluster, trustDomainsOf } = this.#settings;
    const uids = pods.map(({ podUid }) => podUid);
    const known = await issuances.closedPods(uids, leading);
    const closed = new Set(known.filter((one) => one.remoteCluster === remoteCluster).map(closingKey));
    const of = remoteCluster === undefined ? {} : { remoteCluster };
    const closings: ClosingRecord[] = [];
    for (const [identity, gone] of byIdentity(pods, trustDomainsOf)) {
      const asked = { identity, ...of, podUids: gone.map(({ podUid }) => podUid) };
      closings.push(...closingsOf(this.#settings, gone, await issuances.issuedTo(asked, leading), closed));
    }
    return closings;
  }

  /** What is told later than the lag was not known by then. */
  async #note(leading: Leading): Promise<void> {
    const { clock, journal } = this.#parts;
    const { remoteCluster } = this.#settings;
    const monotonicMs = clock.monotonicMs();
    const mayNote = this.#lookBack.over && !this.#wasBroken && monotonicMs - this.#notedAtMs >= NOTE_EVERY_MS;
    if (!mayNote) return;
    const untilMs = Math.min(clock.nowMs(), this.#gone.firstAtMs ?? Infinity) - LAG_MS;
    const followed = { ...(remoteCluster !== undefined && { remoteCluster }), untilMs };
    await journal.recordClosings([], followed, leading);
    [this.#followedMs, this.#notedAtMs] = [untilMs, monotonicMs];
  }
}

/** A pod that was found by what it was given is asked for by that alone. */
function byIdentity(
  pods: readonly GonePod[],
  trustDomainsOf: ClosingSettings['trustDomainsOf'],
): ReadonlyMap<string, readonly GonePod[]> {
  const identities = new Map<string, GonePod[]>();
  for (const pod of pods) {
    for (const identity of identitiesOf(pod, trustDomainsOf)) {
      const known = identities.get(identity);
      if (known === undefined) identities.set(identity, [pod]);
      else known.push(pod);
    }
  }
  return identities;
}

function identitiesOf(
  { identity, namespace, serviceAccount }: GonePod,
  trustDomainsOf: ClosingSettings['trustDomainsOf'],
): readonly string[] {
  if (identity !== undefined) return [identity];
  return trustDomainsOf(namespace).map((domain) => `spiffe://${domain}/ns/${namespace}/sa/${serviceAccount}`);
}
