// The ConfigMap `istio-ca-root-cert` of each namespace: every pod of the mesh mounts it, and its agent knows this CA and istiod
// by it. Name, key and label are istiod's own (istio, pilot/pkg/serviceregistry/kube/controller/namespacecontroller.go), which
// keeps it where istiod is the CA and leaves it to others where it is not.
import { selectsLabels, type LabelSelector } from '../../../domain/cluster/label-selector.ts';
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import type { TrustDomain } from '../../../domain/identity/trust-domain.ts';
import { TrustBundle } from '../../../domain/trust/bundle.ts';
import type { PublishedRoots } from '../../../ports/issuing/root-publication.ts';
import { CONFIG_MAP } from '../api/kinds.ts';
import type { ObjectPlan, Planned } from './object-plan.ts';
import type { NamespaceFacts, SeenNamespaces } from './seen-namespaces.ts';
import { isManaged, isOurs, labelsOf, textOf, type Mark, type TextField } from './published-object.ts';

export const ROOT_FIELD: TextField = ['data', 'root-cert.pem'];
/** Different texts in all namespaces that are remembered: one, and during a change two. */
const MAX_TEXTS = 16;
const ISTIO_LABEL = { 'istio.io/config': 'true' } as const;

export interface RootConfigMapSettings {
  readonly name: string;
  readonly selector: LabelSelector;
  /** Names of namespaces that are left out, whatever their labels. */
  readonly excluded: readonly string[];
  readonly mark: Mark;
}

export class RootConfigMaps implements ObjectPlan, PublishedRoots {
  readonly what = 'root-config-map';
  readonly kind = CONFIG_MAP;
  readonly advice =
    'istiod stops with `pilot.env.ENABLE_CA_SERVER: "false"`; ' +
    'or leave its namespaces out with `cluster.kubernetes.publish.rootConfigMap.namespaceSelector`';
  readonly #seen: SeenNamespaces;
  readonly #settings: RootConfigMapSettings;
  /** Digests of the anchors in a text that was seen; a handful at a time. */
  readonly #texts = new Map<string, ReadonlySet<string>>();

  constructor(seen: SeenNamespaces, settings: RootConfigMapSettings) {
    this.#seen = seen;
    this.#settings = settings;
  }

  *keys(): Iterable<string> {
    for (const { name } of this.#seen.namespaces()) yield name;
  }

  planned(namespace: string, { pem }: Pick<TrustBundle, 'pem'>): Planned {
    const facts = this.#seen.namespace(namespace);
    // Before both lists have come, what is not seen may be there.
    if (!this.#seen.synced) return 'left';
    // Nothing can be created in a namespace that ends, and what is in it goes with it.
    if (facts === undefined || facts.terminating) return 'left';
    if (!this.#selects(facts)) return 'removed';
    const { apiVersion, kind } = CONFIG_MAP;
    const metadata = { name: this.#settings.name, namespace, labels: this.#labels };
    return { text: pem, apply: { apiVersion, kind, metadata, data: { [ROOT_FIELD[1]]: pem } } };
  }

  current(namespace: string): KubernetesObject | undefined {
    return this.#seen.configMap(namespace);
  }

  isOurs(current: KubernetesObject): boolean {
    return isOurs(current, this.#settings.mark);
  }

  isAsPlanned(current: KubernetesObject, { text }: { readonly text: string }): boolean {
    const { labels = {} } = current.metadata;
    const hasLabels = Object.entries(ISTIO_LABEL).every(([key, value]) => labels[key] === value);
    return textOf(current) === text && hasLabels && isManaged(current);
  }

  onChange(listener: (namespace?: string) => void, options: { readonly signal: AbortSignal }): void {
    this.#seen.onChange(listener, options);
  }

  /** As PublishedRoots: whoever wrote them. */
  lacking({ anchors, trustDomain }: TrustBundle): number | undefined {
    if (!this.#seen.synced) return undefined;
    let lacking = 0;
    for (const facts of this.#seen.namespaces()) {
      if (facts.terminating || !this.#selects(facts)) continue;
      const found = this.#anchorsIn(textOf(this.current(facts.name)) ?? '', trustDomain);
      if (!anchors.every(({ sha256 }) => found.has(sha256))) lacking += 1;
    }
    return lacking;
  }

  #selects({ name, labels }: NamespaceFacts): boolean {
    const { selector, excluded } = this.#settings;
    return !excluded.includes(name) && selectsLabels(selector, labels);
  }

  get #labels(): Readonly<Record<string, string>> {
    return { ...ISTIO_LABEL, ...labelsOf(this.#settings.mark) };
  }

  #anchorsIn(text: string, trustDomain: TrustDomain): ReadonlySet<string> {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    if (this.#texts.size >= MAX_TEXTS) this.#texts.clear();
    const bundle = TrustBundle.fromPem(trustDomain, text);
    const found = new Set('problem' in bundle ? [] : bundle.anchors.map(({ sha256 }) => sha256));
    this.#texts.set(text, found);
    return found;
  }
}
