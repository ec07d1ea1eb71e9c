// Keeps the bundle in force, whatever brings new ones: judges what is offered, remembers it before it
// counts, keeps the last good one when all that is offered is refused, and warns while it runs out.
import { AuthorityError } from '../../../domain/errors.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Events } from '../../../ports/platform/events.ts';
import type { Standing } from './admit-bundle.ts';
import { bundleInvalid, formatFailure } from './bundle-invalid.ts';
import { BundleMemory } from './bundle-memory.ts';
import { BundleOpener } from './bundle-opener.ts';
import type { BundleSource, VerifiedBundle } from './sources/bundle-source.ts';
import { chooseBundle } from './choose-bundle.ts';
import type { BundleTexts, OpenedBundle, Trust } from './open-bundle.ts';
import { readPinnedKeys } from './pinned-keys.ts';

export interface BundleSettings {
  /** This cluster, for the audience of a bundle. */
  readonly clusterId: string;
  readonly trust:
    | {
        /** PEM files with the public keys of those who may sign. */
        readonly keyFiles: readonly string[];
        readonly threshold: number;
        /** What must not be forgotten; see BundleMemory. */
        readonly stateFile: string;
      }
    /** Development: neither signatures nor sequences are asked for, and every start says so. */
    | { readonly unsigned: true };
}

/** That an operator sets the time by which bundles are judged back. */
export interface TimeSetBack {
  /** By the clock, to which it is set back. */
  readonly atMs: number;
  readonly fromMs: number;
}

/** Puts it on record, durably; the time is another one only after that. */
export type RecordSetBack = (done: TimeSetBack) => Promise<void>;

export interface BundleKeeperParts {
  readonly clock: Clock;
  readonly events: Pick<
    Events,
    'reloaded' | 'reloadFailed' | 'policyBundleExpiring' | 'policyBundleUnsigned' | 'policyTimeSetBack'
  >;
  /** Called with a bundle that was admitted, before it is remembered; a throw keeps it out. */
  readonly beforeUse?: (texts: BundleTexts) => Promise<void>;
}

/** How often a bundle past its soft expiry is complained of. */
const HOUR_MS = 3_600_000;
/** How often it is remembered how late it was, and so how much of that a crash can lose. */
const NOTE_EVERY_MS = 60_000;

/** Until the keys are read. */
const NOBODY: Trust = { keys: new Map(), threshold: 1 };

export class BundleKeeper implements BundleSource {
  readonly #parts: BundleKeeperParts;
  readonly #settings: BundleSettings;
  readonly #listeners = new Set<() => void>();
  #opener = new BundleOpener(NOBODY);
  #memory: BundleMemory | undefined;
  #current: VerifiedBundle | undefined;
  #latestMs = 0;
  /** One operator at a time: the next one is to be shown what came of it. */
  #settingBack = false;
  /** What the last look complained of: the same problems are told once. */
  #problem: string | undefined;

  constructor(parts: BundleKeeperParts, settings: BundleSettings) {
    this.#parts = parts;
    this.#settings = settings;
  }

  /** Reads keys and memory; everything else comes after. @throws AuthorityError CAP-X03 naming the file that is wrong. */
  async open(): Promise<void> {
    const { trust } = this.#settings;
    if ('unsigned' in trust) {
      this.#opener = new BundleOpener('unsigned');
      return;
    }
    this.#opener = new BundleOpener(await readPinnedKeys(trust.keyFiles, trust.threshold));
    this.#memory = await BundleMemory.open(trust.stateFile);
  }

  current(): VerifiedBundle {
    if (this.#current === undefined) throw new AuthorityError('CAP-S02');
    return this.#current;
  }

  onChange(listener: () => void, { signal }: { readonly signal: AbortSignal }): void {
    this.#listeners.add(listener);
    signal.addEventListener('abort', () => this.#listeners.delete(listener), { once: true });
  }

  /** Whether a bundle and its signature are of two versions: one of them was read too early. */
  isTorn(offered: readonly BundleTexts[]): boolean {
    return this.#opener.open(offered).some((opening) => 'torn' in opening && opening.torn);
  }

  /**
   * Brings the best of what is offered in force.
   * @throws AuthorityError CAP-X03 with all problems when none of it may; the last good one stays.
   */
  async load(offered: readonly BundleTexts[]): Promise<void> {
    const { chosen, problems } = chooseBundle(this.#opener.open(offered), this.#standing());
    if (chosen === undefined) throw bundleInvalid(problems);
    await this.#adopt(chosen);
    this.tell(problems.length === 0 ? undefined : bundleInvalid(problems));
  }

  /** As `load`, while the server runs: what is wrong is told and changes nothing. */
  async reload(read: () => Promise<readonly BundleTexts[]>): Promise<void> {
    try {
      await this.load(await read());
    } catch (error) {
      this.tell(error);
    }
  }

  /** @param error nothing when all is well (again). The same problem is told once. */
  tell(error: unknown): void {
    const problem = error === undefined ? undefined : formatFailure(error);
    const { events } = this.#parts;
    if (problem === this.#problem) return;
    if (problem !== undefined) events.reloadFailed({ source: 'policy-bundle', problem });
    else if (this.#current !== undefined)
      events.reloaded({ source: 'policy-bundle', revision: revisionOf(this.#current) });
    this.#problem = problem;
  }

  /** Notes the time every minute, warns every hour, and does both when the clock is set, until the signal aborts. */
  async watchTime({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { clock } = this.#parts;
    if (this.#memory !== undefined) void this.#noteTime(this.#memory, signal);
    for (let first = true; !signal.aborted; first = false) {
      if (!first) this.#warnOfExpiry();
      await clock.sleepUntil(clock.nowMs() + HOUR_MS, { signal }).catch(() => undefined);
    }
  }

  async #noteTime(memory: BundleMemory, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    while (!signal.aborted) {
      await memory.noteTime(this.timeMs()).catch((error: unknown) => this.#complainOfMemory(error));
      await clock.sleepUntil(clock.nowMs() + NOTE_EVERY_MS, { signal }).catch(() => undefined);
    }
  }

  /**
   * The moment by which bundles are judged. Never earlier than at any judgement before, also of an earlier run: a clock
   * that is set back brings no bundle back.
   */
  timeMs(): number {
    const remembered = this.#memory?.remembered?.latestSeenMs ?? 0;
    this.#latestMs = Math.max(this.#latestMs, remembered, this.#parts.clock.nowMs());
    return this.#latestMs;
  }

  /**
   * Sets that moment back to the clock's, after a clock that was wrong for a while. Whoever does it answers for an
   * expired bundle that comes back by it.
   * @param expectedMs what the operator was shown.
   * @returns what was done; nothing when it is not that moment any more, or another operator is at it.
   * @throws AuthorityError CAP-X03 when it cannot be remembered, or what `record` threw; nothing has changed then.
   */
  async setTimeBack(expectedMs: number, record: RecordSetBack): Promise<TimeSetBack | undefined> {
    const fromMs = this.timeMs();
    if (fromMs !== expectedMs || this.#settingBack) return undefined;
    const done = { atMs: this.#parts.clock.nowMs(), fromMs };
    this.#settingBack = true;
    try {
      await record(done);
      await this.#forgetTime(done.atMs);
    } finally {
      this.#settingBack = false;
    }
    this.#parts.events.policyTimeSetBack(done);
    for (const listener of this.#listeners) listener();
    return done;
  }

  async #forgetTime(atMs: number): Promise<void> {
    const forget = (): void => {
      this.#latestMs = atMs;
    };
    if (this.#memory === undefined) forget();
    else await this.#memory.setBack(atMs, forget);
  }

  /** Remembered first: who is killed in between takes up the new one, and never goes back to the old one. */
  async #adopt(chosen: OpenedBundle): Promise<void> {
    const { digest, bundle, texts } = chosen;
    if (digest === this.#current?.digest) return;
    await this.#parts.beforeUse?.(texts);
    if (digest !== this.#memory?.remembered?.digest) {
      const { name, sequence } = bundle;
      await this.#memory?.remember({ name, sequence, digest, latestSeenMs: this.timeMs() });
    }
    this.#takeUp(chosen);
  }

  #takeUp({ bundle, digest, place, signedBy }: OpenedBundle): void {
    const { events } = this.#parts;
    if (this.#current === undefined && 'unsigned' in this.#settings.trust) events.policyBundleUnsigned({ place });
    this.#current = { bundle, digest, place, signedBy };
    this.#problem = undefined;
    events.reloaded({ source: 'policy-bundle', revision: revisionOf(this.#current) });
    this.#warnOfExpiry();
    for (const listener of this.#listeners) listener();
  }

  #standing(): Standing {
    const { clusterId } = this.#settings;
    const memory = this.#memory;
    return {
      clusterId,
      nowMs: this.timeMs(),
      memoryPlace: memory?.file ?? 'nothing',
      ...(memory?.remembered !== undefined && { remembered: memory.remembered }),
      ...(this.#current !== undefined && { current: this.#current }),
    };
  }

  #warnOfExpiry(): void {
    const { name, sequence, validity } = this.current().bundle;
    if (this.timeMs() < validity.softExpiryMs) return;
    const facts = { bundle: `${name}@${sequence}`, hardExpiryMs: validity.hardExpiryMs };
    this.#parts.events.policyBundleExpiring(facts);
  }

  /** Going on is safe: the bundle itself was remembered before it came in force. */
  #complainOfMemory(error: unknown): void {
    this.#parts.events.reloadFailed({ source: 'policy-bundle', problem: formatFailure(error) });
  }
}

function revisionOf({ digest }: VerifiedBundle): string {
  return digest.slice(0, 16);
}
