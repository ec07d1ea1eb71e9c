// The policies in force: the bundle, which is believed already, and the local policies of a directory, as one
// revision. Either may change at any moment; the local policies of a revision are all of the last edit that was
// good, and never a part of one.
import { AuthorityError } from '../../domain/errors.ts';
import type { ClusterFacts } from '../../domain/policy/documents.ts';
import { PolicySet } from '../../domain/policy/policy-set.ts';
import type { DocumentSource } from '../../ports/document-source.ts';
import type { Events } from '../../ports/events.ts';
import type { PolicySource } from '../../ports/policy-source.ts';
import { assemble } from './assemble-policies.ts';
import { failureInWords } from './bundle/bundle-invalid.ts';
import type { BundleSource } from './bundle/bundle-source.ts';
import { LocalFiles } from './local-files.ts';
import { policiesInvalid } from './policies-invalid.ts';

export interface AssembledPolicyParts {
  /** Started already. */
  readonly bundles: BundleSource;
  /** Local policies by path; absent where there are none. */
  readonly documents?: DocumentSource;
  readonly events: Pick<Events, 'reloaded' | 'reloadFailed'>;
}

export interface AssembledPolicySettings {
  readonly cluster: ClusterFacts;
}

export class AssembledPolicySource implements PolicySource {
  readonly #parts: AssembledPolicyParts;
  readonly #settings: AssembledPolicySettings;
  readonly #listeners = new Set<() => void>();
  readonly #files = new LocalFiles();
  #policies: PolicySet | undefined;
  /** What the last look complained of: the same problems are told once. */
  #problem: string | undefined;
  /** One look at a time; whatever changes during it makes for one more, however often it does. */
  #looking: Promise<void> | undefined;
  #changed = false;

  constructor(parts: AssembledPolicyParts, settings: AssembledPolicySettings) {
    this.#parts = parts;
    this.#settings = settings;
  }

  /**
   * Loads once, then follows bundle and local policies until the signal aborts.
   * @throws AuthorityError CAP-X03 with every problem as a violation when the first load fails.
   */
  async start({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { bundles, documents } = this.#parts;
    bundles.onChange(() => void this.#follow(), { signal });
    this.#accept(await this.#load());
    documents?.onChange(async () => this.#follow(), { signal });
  }

  current(): PolicySet {
    if (this.#policies === undefined) throw new AuthorityError('CAP-S02');
    return this.#policies;
  }

  onChange(listener: () => void, { signal }: { readonly signal: AbortSignal }): void {
    if (signal.aborted) return;
    this.#listeners.add(listener);
    signal.addEventListener('abort', () => this.#listeners.delete(listener), { once: true });
  }

  /** @returns once a look that began after this call has ended. */
  async #follow(): Promise<void> {
    // The first load asks for the bundle last of all, so that nothing is missed before there is a revision.
    if (this.#policies === undefined) return;
    this.#changed = true;
    await (this.#looking ??= this.#catchUp());
  }

  async #catchUp(): Promise<void> {
    try {
      while (this.#changed) {
        this.#changed = false;
        await this.#look();
      }
    } finally {
      this.#looking = undefined;
    }
  }

  async #look(): Promise<void> {
    const loaded = await this.#load().catch((error: unknown) => failureInWords(error));
    if (typeof loaded === 'string') this.#refuse(loaded);
    else this.#accept(loaded);
  }

  async #load(): Promise<PolicySet> {
    const { bundles, documents: source } = this.#parts;
    const { documents, problems } = source === undefined ? NO_FILES : await this.#files.read(source);
    if (problems.length > 0) throw policiesInvalid(problems);
    const { bundle, digest: bundleDigest } = bundles.current();
    const policies = assemble({ bundle, bundleDigest, documents, ...this.#settings });
    if ('problems' in policies) throw policiesInvalid(policies.problems);
    return policies;
  }

  /**
   * One team's broken file must not hold up what the holders of the bundle decide: a new bundle comes in force
   * with the local policies of the last good revision.
   */
  #refuse(problem: string): void {
    if (problem !== this.#problem) this.#parts.events.reloadFailed({ source: 'policy', problem });
    this.#problem = problem;
    const { bundle, digest: bundleDigest } = this.#parts.bundles.current();
    const { local } = this.current();
    this.#replace(PolicySet.of({ bundle, bundleDigest, local, ...this.#settings }));
  }

  /** A broken edit that is taken back is worth telling; to those who listen nothing has changed. */
  #accept(policies: PolicySet): void {
    const mended = this.#problem !== undefined;
    this.#problem = undefined;
    if (this.#replace(policies) || !mended) return;
    this.#parts.events.reloaded({ source: 'policy', revision: policies.revision });
  }

  /** @returns whether this is another revision than the one in force. */
  #replace(policies: PolicySet): boolean {
    const { revision } = policies;
    if (revision === this.#policies?.revision) return false;
    this.#policies = policies;
    this.#parts.events.reloaded({ source: 'policy', revision });
    for (const listener of this.#listeners) listener();
    return true;
  }
}

const NO_FILES = { documents: [], problems: [] };
