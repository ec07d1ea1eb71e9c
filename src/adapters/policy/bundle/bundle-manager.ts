// Keeps the policy bundle in force, wherever new ones come from: verifies what is offered, writes its sequence into the
// rollback state before it comes in force, keeps the last good one when all offers are refused, and warns before expiry.
import { AuthorityError } from '../../../domain/errors.ts';
import { Listeners } from '../../../live/listeners.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Events } from '../../../ports/platform/events.ts';
import type { AcceptanceContext } from './accept-bundle.ts';
import { policyBundleInvalid, formatFailure } from './bundle-invalid.ts';
import { FileBundleState } from './file-bundle-state.ts';
import { PolicyBundleVerifier } from './bundle-verifier.ts';
import type { PolicyBundleSource, VerifiedPolicyBundle } from './sources/bundle-source.ts';
import { chooseBundle } from './choose-bundle.ts';
import type { PolicyBundleTexts, VerifiedCandidate, Trust } from './verify-bundle.ts';
import { readPinnedKeys } from './pinned-keys.ts';

export interface PolicyBundleSettings {
  /** This cluster, for the audience of a bundle. */
  readonly clusterId: string;
  readonly trust:
    | {
        /** PEM files with the public keys of those who may sign. */
        readonly keyFiles: readonly string[];
        readonly threshold: number;
        /** The rollback state; see FileBundleState. */
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

export interface PolicyBundleManagerParts {
  readonly clock: Clock;
  readonly events: Pick<
    Events,
    'reloaded' | 'reloadFailed' | 'policyBundleExpiring' | 'policyBundleUnsigned' | 'policyTimeSetBack'
  >;
  /** Called with a bundle that was accepted, before the rollback state is written; a throw keeps it out. */
  readonly beforeUse?: (texts: PolicyBundleTexts) => Promise<void>;
}

/** How often a warning is given of a bundle past its soft expiry. */
const HOUR_MS = 3_600_000;
/** How often the latest time seen is written, and so how much of it a crash can lose. */
const NOTE_EVERY_MS = 60_000;

/** Until the keys are read. */
const NOBODY: Trust = { keys: new Map(), threshold: 1 };

export class PolicyBundleManager implements PolicyBundleSource {
  readonly #parts: PolicyBundleManagerParts;
  readonly #settings: PolicyBundleSettings;
  readonly #listeners = new Listeners();
  #verifier = new PolicyBundleVerifier(NOBODY);
  #state: FileBundleState | undefined;
  #current: VerifiedPolicyBundle | undefined;
  #latestMs = 0;
  /** One operator at a time: the next one is to be shown what came of it. */
  #settingBack = false;
  /** What the last attempt reported: the same problems are reported once. */
  #problem: string | undefined;

  constructor(parts: PolicyBundleManagerParts, settings: PolicyBundleSettings) {
    this.#parts = parts;
    this.#settings = settings;
  }

  /** Reads the pinned keys and the rollback state; everything else comes after. @throws AuthorityError CAP-X03 naming the file that is wrong. */
  async open(): Promise<void> {
    const { trust } = this.#settings;
    if ('unsigned' in trust) {
      this.#verifier = new PolicyBundleVerifier('unsigned');
      return;
    }
    this.#verifier = new PolicyBundleVerifier(await readPinnedKeys(trust.keyFiles, trust.threshold));
    this.#state = await FileBundleState.open(trust.stateFile);
  }

  current(): VerifiedPolicyBundle {
    if (this.#current === undefined) throw new AuthorityError('CAP-S02');
    return this.#current;
  }

  onChange(listener: () => void, options: { readonly signal: AbortSignal }): void {
    this.#listeners.add(listener, options);
  }

  /** Whether a bundle and its signature are of two versions: one of them was read before the other was replaced. */
  isVersionMismatch(offered: readonly PolicyBundleTexts[]): boolean {
    return this.#verifier.verify(offered).some((one) => 'versionMismatch' in one && one.versionMismatch);
  }

  /**
   * Brings the best of what is offered in force.
   * @throws AuthorityError CAP-X03 with all problems when none of it may; the last good one stays.
   */
  async load(offered: readonly PolicyBundleTexts[]): Promise<void> {
    const { chosen, problems } = chooseBundle(this.#verifier.verify(offered), this.#context());
    if (chosen === undefined) throw policyBundleInvalid(problems);
    await this.#adopt(chosen);
    this.report(problems.length === 0 ? undefined : policyBundleInvalid(problems));
  }

  /** As `load`, while the server runs: what is wrong is reported and changes nothing. */
  async reload(read: () => Promise<readonly PolicyBundleTexts[]>): Promise<void> {
    try {
      await this.load(await read());
    } catch (error) {
      this.report(error);
    }
  }

  /** @param error nothing when all is well (again). The same problem is reported once. */
  report(error: unknown): void {
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
    if (this.#state !== undefined) void this.#noteTime(this.#state, signal);
    for (let first = true; !signal.aborted; first = false) {
      if (!first) this.#warnOfExpiry();
      await clock.sleepUntil(clock.nowMs() + HOUR_MS, { signal }).catch(() => undefined);
    }
  }

  async #noteTime(state: FileBundleState, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    while (!signal.aborted) {
      await state.noteTime(this.timeMs()).catch((error: unknown) => this.#reportStateProblem(error));
      await clock.sleepUntil(clock.nowMs() + NOTE_EVERY_MS, { signal }).catch(() => undefined);
    }
  }

  /**
   * The moment by which bundles are judged. Never earlier than at any judgement before, also of an earlier run: a clock
   * that is set back brings no bundle back.
   */
  timeMs(): number {
    const remembered = this.#state?.remembered?.latestSeenMs ?? 0;
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
    this.#listeners.notify();
    return done;
  }

  async #forgetTime(atMs: number): Promise<void> {
    const forget = (): void => {
      this.#latestMs = atMs;
    };
    if (this.#state === undefined) forget();
    else await this.#state.setBack(atMs, forget);
  }

  /** The rollback state first: a server that is killed in between accepts the new one at its next start, and never the old one. */
  async #adopt(chosen: VerifiedCandidate): Promise<void> {
    const { digest, bundle, texts } = chosen;
    if (digest === this.#current?.digest) return;
    await this.#parts.beforeUse?.(texts);
    if (digest !== this.#state?.remembered?.digest) {
      const { name, sequence } = bundle;
      await this.#state?.remember({ name, sequence, digest, latestSeenMs: this.timeMs() });
    }
    this.#takeUp(chosen);
  }

  #takeUp({ bundle, digest, place, signedBy }: VerifiedCandidate): void {
    const { events } = this.#parts;
    if (this.#current === undefined && 'unsigned' in this.#settings.trust) events.policyBundleUnsigned({ place });
    this.#current = { bundle, digest, place, signedBy };
    this.#problem = undefined;
    events.reloaded({ source: 'policy-bundle', revision: revisionOf(this.#current) });
    this.#warnOfExpiry();
    this.#listeners.notify();
  }

  #context(): AcceptanceContext {
    const { clusterId } = this.#settings;
    const state = this.#state;
    return {
      clusterId,
      nowMs: this.timeMs(),
      statePlace: state?.file ?? 'nothing',
      ...(state?.remembered !== undefined && { remembered: state.remembered }),
      ...(this.#current !== undefined && { current: this.#current }),
    };
  }

  #warnOfExpiry(): void {
    const { name, sequence, validity } = this.current().bundle;
    if (this.timeMs() < validity.softExpiryMs) return;
    const facts = { policyBundle: `${name}@${sequence}`, hardExpiryMs: validity.hardExpiryMs };
    this.#parts.events.policyBundleExpiring(facts);
  }

  /** Going on is safe: the rollback state was written before the bundle came in force. */
  #reportStateProblem(error: unknown): void {
    this.#parts.events.reloadFailed({ source: 'policy-bundle', problem: formatFailure(error) });
  }
}

function revisionOf({ digest }: VerifiedPolicyBundle): string {
  return digest.slice(0, 16);
}
