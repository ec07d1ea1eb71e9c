// The trust anchors as ClusterTrustBundles, which pods mount as a projected volume (KEP-3257; certificates.k8s.io/v1). The
// object's name begins with its signer's, with a colon for the slash, as the API server demands; to write it the role needs
// `attest` on that signer.
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import type { TrustDomain } from '../../../domain/identity/trust-domain.ts';
import type { PublishedPlace } from '../../../domain/trust/rotation/published-place.ts';
import type { PublishedText } from '../../../ports/issuing/publication.ts';
import type { ApiKind } from '../api/kubernetes-api.ts';
import { followObjects, type CacheParts, type FollowedObjects } from '../api/object-cache.ts';
import { HeldTexts } from './held-texts.ts';
import type { ObjectPlan, Planned } from './object-plan.ts';
import {
  cutTo,
  interning,
  isManaged,
  isOurs,
  labelsOf,
  textOf,
  type Mark,
  type TextField,
} from './published-object.ts';

export const CLUSTER_TRUST_BUNDLE: ApiKind = {
  apiVersion: 'certificates.k8s.io/v1',
  kind: 'ClusterTrustBundle',
  plural: 'clustertrustbundles',
  namespaced: false,
};

export interface TrustBundleName {
  /** `capstan.dev/mesh`. */
  readonly signerName: string;
  /** The rest of the object's name: `roots`. */
  readonly name: string;
}

function objectNameOf({ signerName, name }: TrustBundleName): string {
  return `${signerName.replace('/', ':')}:${name}`;
}

export const BUNDLE_FIELD: TextField = ['spec', 'trustBundle'];
const MAX_TEXTS = 16;

export class ClusterTrustBundles implements ObjectPlan {
  readonly what = 'cluster-trust-bundle';
  readonly kind = CLUSTER_TRUST_BUNDLE;
  readonly advice =
    'let one of them write it, or give it another name in `cluster.kubernetes.publish.clusterTrustBundles`';
  readonly #mark: Mark;
  /** By the object's name. */
  readonly #wanted: ReadonlyMap<string, TrustBundleName>;
  readonly #seen: FollowedObjects;
  readonly #held = new HeldTexts();

  constructor(
    parts: CacheParts,
    { bundles, mark }: { readonly bundles: readonly TrustBundleName[]; readonly mark: Mark },
  ) {
    this.#mark = mark;
    this.#wanted = new Map(bundles.map((bundle) => [objectNameOf(bundle), bundle]));
    const keep = cutTo(BUNDLE_FIELD, interning(MAX_TEXTS));
    this.#seen = followObjects(parts, CLUSTER_TRUST_BUNDLE, {}, { keep });
  }

  start(options: { readonly signal: AbortSignal }): void {
    this.#seen.start(options);
  }

  /** Why they cannot be followed now, in words; nothing when they can. */
  get problem(): string | undefined {
    return this.#seen.problem;
  }

  /** As AnchorPlaces, of these objects. */
  places(trustDomain: TrustDomain): readonly PublishedPlace[] | undefined {
    if (!this.#seen.synced) return undefined;
    const { kind } = CLUSTER_TRUST_BUNDLE;
    return [...this.#wanted.keys()].map((name) => this.#held.place({ kind, name }, this.current(name), trustDomain));
  }

  *keys(): Iterable<string> {
    yield* this.#wanted.keys();
    for (const seen of this.#seen.list()) if (this.isOurs(seen)) yield seen.metadata.name;
  }

  planned(key: string, { pem }: PublishedText): Planned {
    if (!this.#seen.synced) return 'left';
    const bundle = this.#wanted.get(key);
    if (bundle === undefined) return 'removed';
    const { apiVersion, kind } = CLUSTER_TRUST_BUNDLE;
    const metadata = { name: key, labels: labelsOf(this.#mark) };
    const spec = { signerName: bundle.signerName, trustBundle: pem };
    return { text: pem, apply: { apiVersion, kind, metadata, spec } };
  }

  current(key: string): KubernetesObject | undefined {
    return this.#seen.get(undefined, key);
  }

  isOurs(current: KubernetesObject): boolean {
    return isOurs(current, this.#mark);
  }

  isAsPlanned(current: KubernetesObject, { text }: { readonly text: string }): boolean {
    return textOf(current) === text && isManaged(current);
  }

  onChange(listener: (key?: string) => void, options: { readonly signal: AbortSignal }): void {
    this.#seen.onChange(({ before, after }) => listener((after ?? before)?.metadata.name), options);
    this.#seen.onSync(() => listener(), options);
  }
}
