// Keeps the policy bundle in force, wherever new ones come from: verifies what is offered, writes its sequence into the
// rollback state before it comes in force, keeps the last good one when all offers are refused, and warns before
// expiry. It imports much because these steps, each in a file of its own, are put in order here.
import { AuthorityError } from '../../../domain/errors.ts';
import { LastGood } from '../../../live/last-good.ts';
import { Listeners } from '../../../live/listeners.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Events } from '../../../ports/platform/events.ts';
import type { PolicyBundleState } from '../../../ports/policy/policy-bundle-state.ts';
import { acceptanceProblem, type AcceptanceContext } from './accept-bundle.ts';
import { formatFailure, policyBundleInvalid } from './bundle-invalid.ts';
import { PolicyBundleVerifier } from './bundle-verifier.ts';
import { chooseBundle } from './choose-bundle.ts';
import { readPinnedKeys } from './pinned-keys.ts';
import { RollbackGuard, type RecordSetBack, type TimeSetBack } from './rollback-guard.ts';
import type { PolicyBundleSource, VerifiedPolicyBundle } from './sources/bundle-source.ts';
import type { PolicyBundleTexts, Trust, VerifiedCandidate } from './verify-bundle.ts';

export interface PolicyBundleSettings {
  /** This cluster, for the audience of a bundle. */
  readonly clusterId: string;
  readonly trust:
    | {
        /** PEM files with the public keys of those who may sign. */
        readonly keyFiles: readonly string[];
        readonly threshold: number;
        readonly state: PolicyBundleState;
      }
    /** Development: neither signatures nor sequences are asked for, and every start says so. */
    | { readonly unsigned: true };
}

interface Options {
  readonly signal: AbortSignal;
}

export interface PolicyBundleManagerParts {
  readonly clock: Clock;
  readonly events: Pick<
    Events,
    'reloaded' | 'reloadFailed' | 'policyBundleExpiring' | 'policyBundleUnsigned' | 'policyTimeSetBack'
  >;
  /** Called with a bundle that was accepted, before the rollback state is written; a throw keeps it out. */
  readonly beforeUse?: (chosen: VerifiedCandidate, options: Options) => Promise<void>;
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
  readonly #guard: RollbackGuard;
  readonly #inForce: LastGood<VerifiedPolicyBundle>;
  readonly #listeners = new Listeners();
  #verifier = new PolicyBundleVerifier(NOBODY);

  constructor(parts: PolicyBundleManagerParts, settings: PolicyBundleSettings) {
    const { clock, events } = parts;
    const { trust } = settings;
    this.#parts = parts;
    this.#settings = settings;
    this.#guard = new RollbackGuard({ clock, store: 'state' in trust ? trust.state : undefined });
    this.#inForce = new LastGood({
      revisionOf: ({ digest }) => digest,
      applied: ({ digest }) => events.reloaded({ source: 'policy-bundle', revision: digest.slice(0, 16) }),
      failed: (problem) => events.reloadFailed({ source: 'policy-bundle', problem }),
    });
  }

  /**
   * Reads the pinned keys and the rollback state; everything else comes after.
   * @throws AuthorityError CAP-X03 naming the file that is wrong.
   */
  async open(options: Options): Promise<void> {
    const { trust } = this.#settings;
    const unsigned = 'unsigned' in trust;
    this.#verifier = new PolicyBundleVerifier(
      unsigned ? 'unsigned' : await readPinnedKeys(trust.keyFiles, trust.threshold),
    );
    await this.#guard.open(options);
  }

  current(): VerifiedPolicyBundle {
    const { current } = this.#inForce;
    if (current === undefined) throw new AuthorityError('CAP-S02');
    return current;
  }

  onChange(listener: () => void, options: Options): void {
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
  async load(offered: readonly PolicyBundleTexts[], options: Options): Promise<void> {
    const context = this.#context();
    const { chosen, problems } = chooseBundle(this.#verifier.verify(offered), context);
    if (chosen === undefined) throw policyBundleInvalid(problems);
    if (chosen.digest !== this.#inForce.current?.digest) await this.#prepare(chosen, context, options);
    this.#takeUp(chosen, problems.length === 0 ? undefined : formatFailure(policyBundleInvalid(problems)));
  }

  /**
   * As `load`, while the server runs: what is wrong is reported and changes nothing.
   * @returns `again` when the store of the rollback state was away: the same may be accepted later.
   */
  async reload(read: () => Promise<readonly PolicyBundleTexts[]>, options: Options): Promise<'decided' | 'again'> {
    try {
      await this.load(await read(), options);
    } catch (error) {
      if (options.signal.aborted) return 'decided';
      this.refuse(error);
      if (error instanceof AuthorityError && error.code === 'dependency_unavailable') return 'again';
    }
    return 'decided';
  }

  /** What was offered may not come in force, or nothing could be had: the last good one stays. The same problem is reported once. */
  refuse(error: unknown): void {
    this.#inForce.refuse(formatFailure(error));
  }

  /** What is in force is the newest there is. */
  confirm(): void {
    this.#inForce.confirm();
  }

  /** Writes the time every minute, warns every hour, and does both when the clock is set, until the signal aborts. */
  async watchTime(options: Options): Promise<void> {
    void this.#noteTime(options);
    const { clock } = this.#parts;
    for (let first = true; !options.signal.aborted; first = false) {
      if (!first) this.#warnOfExpiry();
      await clock.sleepUntil(clock.nowMs() + HOUR_MS, options).catch(() => undefined);
    }
  }

  async #noteTime(options: Options): Promise<void> {
    const { clock } = this.#parts;
    while (!options.signal.aborted) {
      const setBack = await this.#guard.noteTime(options).catch((error: unknown) => this.#reportStateProblem(error));
      if (setBack === true) this.#listeners.notify();
      await clock.sleepUntil(clock.nowMs() + NOTE_EVERY_MS, options).catch(() => undefined);
    }
  }

  timeMs(): number {
    return this.#guard.timeMs();
  }

  /** See RollbackGuard.setTimeBack. */
  async setTimeBack(expectedMs: number, record: RecordSetBack, options: Options): Promise<TimeSetBack | undefined> {
    const done = await this.#guard.setTimeBack(expectedMs, record, options);
    if (done === undefined) return undefined;
    this.#parts.events.policyTimeSetBack(done);
    this.#listeners.notify();
    return done;
  }

  /**
   * The rollback state first: a server that is killed in between accepts the new one at its next start, and never the old
   * one. Accepted once more by the state as it is then: another replica may have accepted a newer one meanwhile.
   */
  async #prepare(chosen: VerifiedCandidate, context: AcceptanceContext, options: Options): Promise<void> {
    const { name, sequence } = chosen.bundle;
    await this.#parts.beforeUse?.(chosen, options);
    const check = (remembered: AcceptanceContext['remembered']): void => {
      const problem = acceptanceProblem(chosen, { ...context, ...(remembered && { remembered }) });
      if (problem !== undefined) throw policyBundleInvalid([problem]);
    };
    await this.#guard.advance({ name, sequence, digest: chosen.digest }, check, options);
  }

  #takeUp({ bundle, digest, place, signedBy }: VerifiedCandidate, problem: string | undefined): void {
    const isFirst = this.#inForce.current === undefined;
    if (isFirst && 'unsigned' in this.#settings.trust) this.#parts.events.policyBundleUnsigned({ place });
    if (!this.#inForce.accept({ bundle, digest, place, signedBy }, problem)) return;
    this.#warnOfExpiry();
    this.#listeners.notify();
  }

  #context(): AcceptanceContext {
    const { clusterId } = this.#settings;
    const { current } = this.#inForce;
    const remembered = this.#guard.state;
    return {
      clusterId,
      nowMs: this.#guard.timeMs(),
      statePlace: this.#guard.place,
      ...(remembered !== undefined && { remembered }),
      ...(current !== undefined && { current }),
    };
  }

  #warnOfExpiry(): void {
    const { name, sequence, validity } = this.current().bundle;
    if (this.#guard.timeMs() < validity.softExpiryMs) return;
    const facts = { policyBundle: `${name}@${sequence}`, hardExpiryMs: validity.hardExpiryMs };
    this.#parts.events.policyBundleExpiring(facts);
  }

  /** Going on is safe: the rollback state was written before the bundle came in force. An abort while waiting is the end. */
  #reportStateProblem(error: unknown): void {
    if (error instanceof AuthorityError)
      this.#parts.events.reloadFailed({ source: 'policy-bundle', problem: formatFailure(error) });
  }
}
