// The local policies of all owners, each with its own last good revision: what one of them breaks is that one's
// alone. Nobody gets more than before by it: whose policies were never good, as far as anybody remembers, is refused.
import { AuthorityError } from '../../../domain/errors.ts';
import { compareText } from '../../../domain/text/compare-text.ts';
import type { MissingPolicies } from '../../../domain/policy/policy-set.ts';
import type { LocalDocument } from './assemble-policies.ts';
import { formatFailure } from '../bundle/bundle-invalid.ts';
import type { KeptRevisions } from './kept-revisions.ts';
import { CLUSTER_LAYER, formatOwner } from './owner.ts';
import { OwnerPolicies, type OwnerPoliciesParts } from './owner-policies.ts';
import type { OwnersTexts } from './read-owners.ts';

export interface OwnerTrouble {
  /** `namespace shop` or `the cluster layer`. */
  readonly owner: string;
  /** What is in force of it: what was good last, nothing at all and so nobody is served, or what stands in the files. */
  readonly state: 'last good' | 'refused' | 'not kept';
  /** With the file that is to blame. */
  readonly problem: string;
}

/** Owners that are looked at at once: each may wait for its copy to be durable. */
const BATCH = 16;
/** Longest problem that a refused caller reads. */
const MAX_REPORTED = 200;

export class LocalPolicies {
  readonly #parts: OwnerPoliciesParts;
  readonly #owners = new Map<string, OwnerPolicies>();
  /** Owners of an earlier run are known. */
  #recalled = false;
  #recallProblem: string | undefined;

  constructor(parts: Omit<OwnerPoliciesParts, 'kept'> & { readonly kept?: KeptRevisions }) {
    this.#parts = { ...parts, kept: parts.kept };
  }

  /** All that is in force. */
  get documents(): readonly LocalDocument[] {
    return this.#owners
      .values()
      .flatMap(({ documents }) => documents ?? [])
      .toArray();
  }

  /** Whose policies are not known. */
  get missing(): MissingPolicies {
    const missing = this.#owners
      .entries()
      .filter(([, { documents }]) => documents === undefined)
      .toArray();
    const cluster = missing.find(([owner]) => owner === CLUSTER_LAYER);
    const namespaces = missing.filter(([owner]) => owner !== CLUSTER_LAYER);
    return {
      ...(cluster !== undefined && { cluster: `the cluster layer is broken at ${fileOf(cluster[1].problem)}` }),
      namespaces: new Map(namespaces.map(([owner, { problem }]) => [owner, forCallers(owner, problem)])),
    };
  }

  /** When somebody has to look again, by the monotonic clock: a folder that is gone may come back. Absent when none is. */
  get unsureUntilMs(): number | undefined {
    const moments = this.#owners.values().flatMap(({ goneAtMs }) => (goneAtMs === undefined ? [] : [goneAtMs]));
    return moments.reduce<number | undefined>((first, next) => Math.min(first ?? next, next), undefined);
  }

  /** By owner, the cluster layer first. */
  get troubles(): readonly OwnerTrouble[] {
    const sorted = [...this.#owners].sort(([a], [b]) => compareText(a, b));
    const owners = sorted.flatMap(([owner, { documents, problem, keepProblem }]): readonly OwnerTrouble[] => {
      const words = formatOwner(owner);
      if (documents === undefined) return [{ owner: words, state: 'refused', problem: problem ?? '' }];
      if (problem !== undefined) return [{ owner: words, state: 'last good', problem }];
      return keepProblem === undefined ? [] : [{ owner: words, state: 'not kept', problem: keepProblem }];
    });
    if (this.#recallProblem === undefined) return owners;
    return [...owners, { owner: 'who had policies before the start', state: 'not kept', problem: this.#recallProblem }];
  }

  /**
   * Looks at everybody's files once more.
   * @throws AuthorityError CAP-X03 when it cannot be known who has any, and nothing good is known of anybody.
   */
  async look(read: () => Promise<OwnersTexts>, monotonicMs: number): Promise<void> {
    await this.#recall();
    const found = await read().catch((error: unknown) => asProblem(error));
    if (found instanceof AuthorityError) return this.#lookWithout(found);
    const all = [...found];
    for (let first = 0; first < all.length; first += BATCH) {
      const batch = all.slice(first, first + BATCH);
      await Promise.all(batch.map(async ([owner, texts]) => this.#ownerOf(owner).look(texts)));
    }
    for (const [owner, policies] of this.#owners) {
      if (!found.has(owner) && (await policies.lookForGone(monotonicMs))) this.#owners.delete(owner);
    }
  }

  /** Who has a folder is not known, so everybody who had one is taken to have it. */
  async #lookWithout(problem: AuthorityError): Promise<void> {
    for (const owner of [CLUSTER_LAYER, ...this.#owners.keys()]) await this.#ownerOf(owner).look({ problem });
    if (this.#owners.values().every(({ documents }) => documents === undefined)) throw problem;
  }

  async #recall(): Promise<void> {
    if (this.#recalled) return;
    try {
      for (const owner of (await this.#parts.kept?.owners()) ?? []) this.#ownerOf(owner);
      this.#recalled = true;
      this.#recallProblem = undefined;
    } catch (error) {
      this.#recallProblem = formatFailure(error);
    }
  }

  #ownerOf(owner: string): OwnerPolicies {
    const known = this.#owners.get(owner);
    if (known !== undefined) return known;
    const policies = new OwnerPolicies(owner, this.#parts);
    this.#owners.set(owner, policies);
    return policies;
  }
}

function asProblem(error: unknown): AuthorityError {
  return error instanceof AuthorityError ? error : new AuthorityError('CAP-X03', { cause: error });
}

/** Everybody reads this, so it has the file and not what stands in it: `emergency.yaml:1:9`. */
function fileOf(problem = ''): string {
  const [place = ''] = problem.split(' ');
  return place.slice(place.lastIndexOf('/') + 1);
}

/** The namespace's own read this; where the directory lies is no business of theirs. */
function forCallers(owner: string, problem = ''): string {
  const [first = ''] = problem.split('; ');
  return first.replaceAll(new RegExp(`\\S*/(?=${owner}(/|\\s|$))`, 'g'), '').slice(0, MAX_REPORTED);
}
