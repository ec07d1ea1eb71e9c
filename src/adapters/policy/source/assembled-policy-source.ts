// The policies in force: the bundle, which is believed already, and the local policies of a directory, as one
// revision. Either may change at any moment; of each owner of local policies a revision has all of the last edit
// that was good, and never a part of one. It imports much because both meet here.
import { AuthorityError } from '../../../domain/errors.ts';
import type { ClusterFacts } from '../../../domain/policy/documents.ts';
import { PolicySet } from '../../../domain/policy/policy-set.ts';
import { LastGood } from '../../../live/last-good.ts';
import { Listeners } from '../../../live/listeners.ts';
import { ReportEachOnce } from '../../../live/report-once.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { DocumentSource } from '../../../ports/platform/document-source.ts';
import type { Events } from '../../../ports/platform/events.ts';
import type { PolicyChange, PolicySource } from '../../../ports/policy/policy-source.ts';
import { localPoliciesOf } from './assemble-policies.ts';
import type { PolicyBundleSource } from '../bundle/sources/bundle-source.ts';
import type { KeptRevisions } from './kept-revisions.ts';
import { LocalPolicies, type OwnerTrouble } from './local-policies.ts';
import { parsePolicyObject } from '../objects/parse-objects.ts';
import type { OwnersTexts } from './read-owners.ts';

export interface AssembledPolicyParts {
  /** Started already. */
  readonly bundles: PolicyBundleSource;
  /** Local policies by owner; absent where there are none. */
  readonly documents?: DocumentSource<OwnersTexts>;
  /**
   * They are objects of somebody else, who may not be there when the server starts: nobody is served until then. Who has none
   * by his word has none.
   */
  readonly objects?: boolean;
  /** Last good revisions of an earlier run; absent, a start without a good one refuses its owner. */
  readonly kept?: KeptRevisions;
  readonly clock: Clock;
  readonly events: Pick<Events, 'reloaded' | 'reloadFailed' | 'policyMissing' | 'policyNotKept'>;
}

export interface AssembledPolicySettings {
  readonly cluster: ClusterFacts;
}

/** Problems of one look that are logged; `troubles` has all. */
const MAX_REPORTED = 100;

export class AssembledPolicySource implements PolicySource {
  readonly #parts: AssembledPolicyParts;
  readonly #settings: AssembledPolicySettings;
  readonly #listeners = new Listeners<[PolicyChange]>();
  readonly #local: LocalPolicies;
  readonly #inForce: LastGood<PolicySet>;
  /** What the last look found wrong, by owner. */
  readonly #failures = new ReportEachOnce();
  /** One look at a time; whatever changes during it makes for one more, however often it does. */
  #looking: Promise<void> | undefined;
  #changed = false;
  /** Somebody waits to look again. */
  #unsure = false;

  constructor(parts: AssembledPolicyParts, settings: AssembledPolicySettings) {
    this.#parts = parts;
    this.#settings = settings;
    const { kept, documents, events } = parts;
    const placeOf = (name: string): string => documents?.placeOf(name) ?? name;
    const objects = parts.objects === true && { parse: parsePolicyObject, believedGoneMs: 0 };
    this.#local = new LocalPolicies({ placeOf, ...objects, ...(kept !== undefined && { kept }) });
    this.#inForce = new LastGood({
      revisionOf: ({ revision }) => revision,
      applied: ({ revision }) => events.reloaded({ source: 'policy', revision }),
      failed: (problem) => events.reloadFailed({ source: 'policy', problem }),
    });
  }

  /**
   * Loads once, then follows bundle and local policies until the signal aborts. What is wrong with an owner's policies
   * is reported.
   * @throws AuthorityError CAP-X03 when the directory cannot be read and nothing good is known of what was in it; of objects,
   *   which may come later, never.
   */
  async start({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { bundles, documents } = this.#parts;
    bundles.onChange(() => void this.#follow(signal), { signal });
    await this.#look(signal, true);
    documents?.onChange(async () => this.#follow(signal), { signal });
  }

  current(): PolicySet {
    const { current } = this.#inForce;
    if (current === undefined) throw new AuthorityError('CAP-S02');
    return current;
  }

  policyBundleTimeMs(): number {
    return this.#parts.bundles.timeMs();
  }

  /** Owners whose files are not what is in force. */
  get troubles(): readonly OwnerTrouble[] {
    return this.#local.troubles;
  }

  onChange(listener: (change: PolicyChange) => void, options: { readonly signal: AbortSignal }): void {
    this.#listeners.add(listener, options);
  }

  /** @returns once a look that began after this call has ended. */
  async #follow(signal: AbortSignal): Promise<void> {
    // The first load asks for the bundle last of all, so that nothing is missed before there is a revision.
    if (this.#inForce.current === undefined || signal.aborted) return;
    this.#changed = true;
    await (this.#looking ??= this.#catchUp(signal));
  }

  async #catchUp(signal: AbortSignal): Promise<void> {
    try {
      while (this.#changed) {
        this.#changed = false;
        await this.#look(signal);
      }
    } finally {
      this.#looking = undefined;
    }
  }

  async #look(signal: AbortSignal, isFirst = false): Promise<void> {
    const { bundles, documents, clock } = this.#parts;
    if (documents !== undefined) {
      const looked = this.#local.look(async () => documents.read(), clock.monotonicMs());
      // Later it is reported as the problem of every owner.
      await (isFirst && this.#parts.objects !== true ? looked : looked.catch(() => undefined));
    }
    const { bundle, digest: bundleDigest } = bundles.current();
    const local = localPoliciesOf(this.#local.documents);
    this.#accept(PolicySet.of({ bundle, bundleDigest, local, missing: this.#local.missing, ...this.#settings }));
    const { unsureUntilMs } = this.#local;
    if (unsureUntilMs !== undefined) void this.#lookAgain(unsureUntilMs - clock.monotonicMs(), signal);
  }

  async #lookAgain(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#unsure) return;
    this.#unsure = true;
    await this.#parts.clock.sleep(Math.max(0, ms), { signal }).catch(() => undefined);
    this.#unsure = false;
    await this.#follow(signal);
  }

  /** A broken edit that is taken back is reported too; to those who listen nothing has changed. */
  #accept(policies: PolicySet): void {
    const mended = this.#report();
    const former = this.#inForce.current;
    const change: PolicyChange = (namespace) => former?.versionFor(namespace) !== policies.versionFor(namespace);
    if (this.#inForce.accept(policies)) this.#listeners.notify(change);
    else if (mended) this.#parts.events.reloaded({ source: 'policy', revision: policies.revision });
  }

  /** What many owners share, such as a directory that is away, is reported once. @returns whether an owner's problem is over. */
  #report(): boolean {
    const { events } = this.#parts;
    const words = new Map(this.troubles.map(({ owner, state, problem }) => [owner, `${state}: ${problem}`]));
    const { fresh, mended } = this.#failures.look(words);
    const unreported = this.troubles.filter(({ owner }) => fresh.has(owner));
    const groups = [...Map.groupBy(unreported, ({ owner }) => words.get(owner)).values()];
    for (const [first, ...others] of groups.slice(0, MAX_REPORTED)) {
      if (first === undefined) continue;
      const { state, problem } = first;
      const owner = others.length === 0 ? first.owner : `${first.owner} and ${others.length} more`;
      if (state === 'refused') events.policyMissing({ owner, problem });
      else if (state === 'not kept') events.policyNotKept({ owner, problem });
      else events.reloadFailed({ source: 'policy', problem });
    }
    return mended;
  }
}
