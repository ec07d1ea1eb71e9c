// Keeps the ledger of trust anchors as the files and the evidence are. An anchor that a file brings is noted, so that every server
// of this CA has it, and none loses it by an edit: it goes out until no workload is known to hang on it. And a rotation goes on
// by itself where nothing is to be decided: what of the CA's own hangs on the old anchor moves when no workload does any more,
// and a rotation is done when nobody is known who has the old anchors. It imports much because files, ledger and evidence meet here.
import { AuthorityError } from '../../domain/errors.ts';
import type { TrustBundle } from '../../domain/trust/bundle.ts';
import {
  advanced,
  isHeld,
  keeping,
  leavesMoved,
  released,
  type AnchorLedger,
} from '../../domain/trust/rotation/anchor-ledger.ts';
import { dependsOn } from '../../domain/trust/rotation/dependants.ts';
import { lagging } from '../../domain/trust/rotation/gate.ts';
import { LagTally, RotationTally, type Lag } from '../../domain/trust/rotation/progress.ts';
import { placesHolding } from '../../domain/trust/rotation/published-place.ts';
import {
  isUnderWay,
  nameOf,
  shasOf,
  type AnchorName,
  type AnchorRotation,
} from '../../domain/trust/rotation/rotation.ts';
import { ReportOnce } from '../../live/report-once.ts';
import type { SettledTime } from '../../live/settled-time.ts';
import type { AnchorPlaces } from '../../ports/issuing/root-publication.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { Events } from '../../ports/platform/events.ts';
import type { EvidenceReader } from '../../ports/storage/evidence.ts';
import type { OperationRecord } from '../../ports/storage/operation-journal.ts';
import { recordOfMove } from '../administration/anchor-records.ts';
import type { FollowedLedger } from '../trust/followed-ledger.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface AnchorKeeperParts {
  readonly ledger: Pick<FollowedLedger<AnchorLedger>, 'current' | 'change'>;
  /** What the files of this server have; nothing before they are read. */
  readonly given: () => TrustBundle | undefined;
  /** Hears of each content of the files once the ledger has it. */
  readonly noted?: (given: TrustBundle) => void;
  readonly reader: Pick<EvidenceReader, 'liveWorkloads'>;
  /** Absent where anchors are published nowhere. */
  readonly published?: AnchorPlaces;
  readonly clock: Pick<Clock, 'nowMs' | 'monotonicMs' | 'sleep'>;
  /** By it certificates are over: what leaves the bundle does not come back with a clock that was wrong. */
  readonly settled: Pick<SettledTime, 'nowMs'>;
  readonly events: Pick<Events, 'trustWarning' | 'rotationMoved'>;
}

export interface AnchorKeeperSettings {
  /** Whether this process also looks at workloads: of several of a server one does. */
  readonly looksAtWorkloads: boolean;
}

/** Between looks; a look at all workloads is followed by `RESTS` times what it took, where that is longer. */
const LOOK_MS = 2_000;
const RESTS = 20;
/** An anchor that this process never saw in its file may be one that an edit has not brought here yet. */
const GRACE_MS = 3_600_000;
const SERVER = { actor: 'capstan', role: 'server' } as const;

export class AnchorKeeper {
  readonly #parts: AnchorKeeperParts;
  readonly #settings: AnchorKeeperSettings;
  /** Digest of the files' anchors when these were noted last. */
  #noted: string | undefined;
  /** What these were. */
  #last: readonly (AnchorName & { readonly pem: string })[] = [];
  /** Hex SHA-256 of all that were in this server's files. */
  readonly #seen = new Set<string>();
  readonly #staying: ReportOnce;

  constructor(parts: AnchorKeeperParts, settings: AnchorKeeperSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#staying = new ReportOnce((problem) => parts.events.trustWarning({ problem }));
  }

  /** Which anchors stay although the file lacks them, and because of whom; nothing when there are none, or another process looks. */
  get problem(): string | undefined {
    return this.#staying.problem;
  }

  /** Runs until the signal aborts. What fails is tried again: nothing leaves the bundle meanwhile. */
  async keep({ signal }: Waits): Promise<void> {
    while (!signal.aborted) {
      const startMs = this.#parts.clock.monotonicMs();
      await this.look({ signal }).catch(() => undefined);
      const tookMs = this.#parts.clock.monotonicMs() - startMs;
      await this.#parts.clock.sleep(Math.max(LOOK_MS, tookMs * RESTS), { signal }).catch(() => undefined);
    }
  }

  /** @throws AuthorityError CAP-S04; the signal's reason. */
  async look(options: Waits): Promise<void> {
    await this.#note(options);
    if (!this.#settings.looksAtWorkloads) return;
    await this.#letGo(options);
    await this.#goOn(options);
  }

  /** What a file brings goes out from every server. */
  async #note(options: Waits): Promise<void> {
    const given = this.#parts.given();
    if (given === undefined || given.digest === this.#noted) return;
    const all = [...given.anchors, ...given.undistributed.map(({ anchor }) => anchor)];
    const nowMs = this.#parts.clock.nowMs();
    const known = this.#parts.ledger.current();
    // A server whose anchors nobody ever changed has nothing to say of them.
    const both = this.#noted === undefined && isEmpty(known) ? [] : [...all, ...this.#last];
    const news = newsIn(known, both, nowMs);
    if (news.length > 0) {
      const operation = fileRecord(news, 'in force', nowMs);
      await this.#change((now) => keeping(now, both, nowMs), operation, options);
    }
    for (const { sha256 } of all) this.#seen.add(sha256);
    this.#noted = given.digest;
    this.#last = all;
    this.#parts.noted?.(given);
  }

  /** An anchor that was taken out of the file leaves when the last that hangs on it is gone. */
  async #letGo(options: Waits): Promise<void> {
    const { ledger, given, clock, settled } = this.#parts;
    const inFile = new Set(shasOf(given()?.anchors ?? []));
    const known = ledger.current();
    const nowMs = settled.nowMs();
    const leaving = known.kept.filter(
      ({ sha256, sinceMs }) =>
        !inFile.has(sha256) &&
        !isHeld(known, sha256) &&
        (this.#seen.has(sha256) || isTakenBack(known, sha256) || sinceMs + GRACE_MS <= nowMs),
    );
    if (leaving.length === 0 || inFile.size === 0) {
      this.#staying.over();
      return;
    }
    const lags = await this.#lagsOf(leaving, nowMs, options);
    const free = leaving.filter((_, index) => lags[index]?.count === 0);
    if (free.length > 0) {
      const shas = shasOf(free);
      await this.#change((now) => released(now, shas), fileRecord(free, 'out of force', clock.nowMs()), options);
    }
    const staying = leaving.flatMap((anchor, index) => {
      const [obstacle] = lagging(lags[index] ?? NO_LAG, 'below it');
      return obstacle === undefined
        ? []
        : [`${nameOf(anchor)} was taken out of the file and goes out all the same: ${obstacle.text}`];
    });
    if (staying.length === 0) this.#staying.over();
    else this.#staying.found(staying.join('; '));
  }

  async #lagsOf(anchors: readonly AnchorName[], nowMs: number, options: Waits): Promise<readonly Lag[]> {
    const tallies = anchors.map(({ sha256 }) => ({ sha256, tally: new LagTally() }));
    for await (const workload of this.#parts.reader.liveWorkloads({ nowMs }, options)) {
      for (const { sha256, tally } of tallies) tally.add(dependsOn(workload, [sha256], nowMs));
    }
    return tallies.map(({ tally }) => tally.lag);
  }

  async #goOn(options: Waits): Promise<void> {
    const { ledger, reader, settled } = this.#parts;
    const { rotation } = ledger.current();
    if (!isUnderWay(rotation) || rotation.phase === 'publish') return;
    if (rotation.phase === 'adopt' && rotation.leavesMovedMs !== undefined) return;
    const nowMs = settled.nowMs();
    const tally = new RotationTally(rotation, nowMs);
    for await (const workload of reader.liveWorkloads({ nowMs }, options)) tally.add(workload);
    const { dependent, holding } = tally.progress;
    if (rotation.phase === 'adopt' && dependent.count === 0) await this.#moveOwn(rotation, options);
    if (rotation.phase !== 'retire' || holding.count > 0) return;
    if (await this.#isPublishedNowhere(rotation.old, options)) await this.#finish(rotation, options);
  }

  async #isPublishedNowhere(anchors: readonly AnchorName[], options: Waits): Promise<boolean> {
    const { published } = this.#parts;
    const places = published === undefined ? [] : await published.places(options);
    return places !== undefined && placesHolding(places, shasOf(anchors)).length === 0;
  }

  async #moveOwn({ id }: AnchorRotation, options: Waits): Promise<void> {
    const timeMs = this.#parts.clock.nowMs();
    const details = { ...SERVER, target: `rotation ${id}`, reason: 'no workload hangs on an old trust anchor' };
    const operation = {
      timeMs,
      operation: 'anchor adopt',
      was: 'workloads move',
      is: 'own certificates move',
      details,
    };
    await this.#change((known) => leavesMoved(known, id, timeMs), operation, options);
  }

  async #finish({ id }: AnchorRotation, options: Waits): Promise<void> {
    const { ledger, events, clock } = this.#parts;
    const by = { ...SERVER, timeMs: clock.nowMs(), reason: 'no workload is known to have an old trust anchor' };
    const done = await ledger
      .change((known) => {
        const next = known.rotation?.id === id ? advanced(known, 'finish', by) : { problem: 'is another one' };
        // Another process was faster.
        if ('problem' in next) throw new AuthorityError('CAP-O03', { detail: next.problem });
        return { ledger: next, operation: recordOfMove('finish', next.rotation) };
      }, options)
      .then(
        () => true,
        (error: unknown) => {
          if (error instanceof AuthorityError && error.reason === 'CAP-O03') return false;
          throw error;
        },
      );
    if (done)
      events.rotationMoved({ rotation: id, from: 'retire', to: 'done', actor: SERVER.actor, reason: by.reason });
  }

  /** Changes nothing where another process has done it by now. */
  async #change(
    change: (known: AnchorLedger) => AnchorLedger,
    operation: OperationRecord,
    options: Waits,
  ): Promise<void> {
    try {
      await this.#parts.ledger.change((known) => {
        const ledger = change(known);
        if (ledger === known) throw new AuthorityError('CAP-O03', { detail: 'it is so already' });
        return { ledger, operation };
      }, options);
    } catch (error) {
      if (!(error instanceof AuthorityError) || error.reason !== 'CAP-O03') throw error;
    }
  }
}

function isTakenBack({ rotation }: AnchorLedger, sha256: string): boolean {
  return rotation?.phase === 'aborted' && shasOf(rotation.added).includes(sha256);
}

function isEmpty({ kept, retired, rotation }: AnchorLedger): boolean {
  return kept.length === 0 && retired.length === 0 && rotation === undefined;
}

const NO_LAG: Lag = { count: 0, first: [] };

function newsIn(
  known: AnchorLedger,
  anchors: readonly (AnchorName & { readonly pem: string })[],
  nowMs: number,
): readonly AnchorName[] {
  const before = new Set(shasOf(known.kept));
  return keeping(known, anchors, nowMs).kept.filter(({ sha256 }) => !before.has(sha256));
}

function fileRecord(anchors: readonly AnchorName[], is: string, timeMs: number): OperationRecord {
  const target = anchors.map((anchor) => `trust anchor ${nameOf(anchor)}`).join(', ');
  const details = {
    ...SERVER,
    target,
    reason: is === 'in force' ? 'it is in the file' : 'it is not in the file, and nothing hangs on it',
  };
  return { timeMs, operation: 'anchor file', was: is === 'in force' ? '-' : 'in force', is, details };
}
