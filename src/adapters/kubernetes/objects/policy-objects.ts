// The local policies that are objects of the cluster: IssuancePolicy of each namespace and ClusterIssuancePolicy, each
// kind followed by a watch. What is known of them stays while the API server is away; before it is known for the first
// time nothing is said, for an empty answer would let in whom a policy refuses.
import { AuthorityError } from '../../../domain/errors.ts';
import { abortable } from '../../../live/abortable.ts';
import { Listeners } from '../../../live/listeners.ts';
import type { LocalPolicyObject, LocalPolicyObjects } from '../../../ports/policy/local-policy-objects.ts';
import { KubernetesApiError, type ApiKind, type KubernetesApi } from '../api/kubernetes-api.ts';
import { followObjects, type CacheParts, type FollowedObjects } from '../api/object-cache.ts';
import { PolicyKeeper, policyText, type KeptPolicy, type PolicyBounds } from './kept-policy.ts';
import { PolicyCrds, type ExpectedCrds } from './policy-crds.ts';
import { CLUSTER_ISSUANCE_POLICY, ISSUANCE_POLICY } from './policy-kinds.ts';

export interface PolicyObjectsParts extends Omit<CacheParts, 'api'> {
  readonly api: Pick<KubernetesApi, 'get' | 'raw' | 'pages' | 'watch'>;
}

export interface PolicyObjectsSettings {
  /** Of the texts that are kept of one namespace, and of the cluster layer. */
  readonly bounds: { readonly namespace: PolicyBounds; readonly cluster: PolicyBounds };
  readonly crds: ExpectedCrds;
}

interface Followed {
  readonly kind: ApiKind;
  readonly objects: FollowedObjects;
  readonly keeper: PolicyKeeper;
}

export class PolicyObjects implements LocalPolicyObjects {
  readonly #api: PolicyObjectsParts['api'];
  readonly #kinds: readonly Followed[];
  readonly #crds: PolicyCrds;
  readonly #changes = new Listeners<[namespace: string | undefined]>();
  readonly #statuses = new Listeners<[KeptPolicy]>();

  constructor(parts: PolicyObjectsParts, { bounds, crds }: PolicyObjectsSettings) {
    this.#api = parts.api;
    const follow = (kind: ApiKind, within: PolicyBounds): Followed => {
      const keeper = new PolicyKeeper(within);
      return { kind, keeper, objects: followObjects(parts, kind, {}, { keep: keeper.keep }) };
    };
    this.#kinds = [follow(ISSUANCE_POLICY, bounds.namespace), follow(CLUSTER_ISSUANCE_POLICY, bounds.cluster)];
    this.#crds = new PolicyCrds(parts, crds);
  }

  /** Begins to follow, until the signal aborts. */
  start(options: { readonly signal: AbortSignal }): void {
    for (const { objects, keeper } of this.#kinds) {
      objects.onChange(({ before, after }) => {
        if (after === undefined && before !== undefined) keeper.forget(before);
        this.#tell(before as KeptPolicy | undefined, after as KeptPolicy | undefined);
      }, options);
      objects.onSync(() => this.#changes.notify(undefined), options);
      objects.start(options);
    }
    this.#crds.onChange(() => this.#changes.notify(undefined), options);
    void this.#crds.follow(
      () => this.#kinds.filter(({ objects }) => !objects.synced || objects.problem !== undefined),
      options,
    );
  }

  /** Resolves once it is known which policies there are. @throws the signal's reason when it aborts first. */
  async known(options: { readonly signal: AbortSignal }): Promise<void> {
    await abortable<undefined>(options.signal, ({ resolve }) => {
      const over = new AbortController();
      const look = (): void => {
        if (this.#unknown === undefined) resolve(undefined);
      };
      this.#changes.add(look, { signal: over.signal });
      look();
      return () => over.abort();
    });
  }

  /** What keeps policies from being as the cluster has them, in words for an operator; nothing when they are. */
  get problem(): string | undefined {
    const { problem } = this.#crds;
    if (problem !== undefined) return problem;
    return this.#kinds.find(({ objects }) => objects.problem !== undefined)?.objects.problem;
  }

  all(): readonly LocalPolicyObject[] {
    const unknown = this.#unknown;
    if (unknown !== undefined) throw new AuthorityError('CAP-S12', { detail: unknown });
    return this.kept().map(({ metadata: { name, namespace }, bytes, text }) => ({
      name,
      bytes,
      ...(namespace !== undefined && { namespace }),
      ...(text !== undefined && { text }),
    }));
  }

  /** All that are known, also before all are. */
  kept(): readonly KeptPolicy[] {
    return this.#kinds.flatMap(({ objects }) => [...objects.list()] as KeptPolicy[]);
  }

  find(namespace: string | undefined, name: string): KeptPolicy | undefined {
    const { objects } = this.#kinds.find(({ kind }) => kind === kindOf(namespace)) ?? {};
    return objects?.get(namespace, name) as KeptPolicy | undefined;
  }

  async read(
    { namespace, name }: LocalPolicyObject,
    options: { readonly signal: AbortSignal },
  ): Promise<string | undefined> {
    try {
      const found = await this.#api.get(
        kindOf(namespace),
        { name, ...(namespace !== undefined && { namespace }) },
        options,
      );
      return found === undefined ? undefined : policyText(found);
    } catch (cause) {
      if (!(cause instanceof KubernetesApiError)) throw cause;
      throw new AuthorityError('CAP-S12', { detail: `${this.placeOf({ namespace, name })}: ${cause.message}`, cause });
    }
  }

  placeOf({ namespace, name }: { readonly namespace?: string | undefined; readonly name: string }): string {
    return namespace === undefined ? `clusterissuancepolicies/${name}` : `issuancepolicies/${namespace}/${name}`;
  }

  onChange(listener: (namespace: string | undefined) => void, options: { readonly signal: AbortSignal }): void {
    this.#changes.add(listener, options);
  }

  /** As `onChange` with the object that is there, also when nothing but its status is another. */
  onObject(listener: (object: KeptPolicy) => void, options: { readonly signal: AbortSignal }): void {
    this.#statuses.add(listener, options);
  }

  /** Only what somebody wrote is a change: our own writing of a status would have everybody look for nothing. */
  #tell(before: KeptPolicy | undefined, after: KeptPolicy | undefined): void {
    if (after !== undefined) this.#statuses.notify(after);
    if (before !== undefined && after !== undefined && isAsWritten(before, after)) return;
    this.#changes.notify((after ?? before)?.metadata.namespace);
  }

  /** Why it is not known which there are. */
  get #unknown(): string | undefined {
    const unknown = this.#kinds.find(({ kind, objects }) => !objects.synced && !this.#crds.areAbsent(kind));
    if (unknown === undefined) return undefined;
    const why = unknown.objects.problem;
    return `the policies of the cluster are not known yet${why === undefined ? '' : `: ${why}`}`;
  }
}

function kindOf(namespace: string | undefined): ApiKind {
  return namespace === undefined ? CLUSTER_ISSUANCE_POLICY : ISSUANCE_POLICY;
}

function isAsWritten(a: KeptPolicy, b: KeptPolicy): boolean {
  return a.metadata.uid === b.metadata.uid && a.metadata.generation === b.metadata.generation && a.text === b.text;
}
