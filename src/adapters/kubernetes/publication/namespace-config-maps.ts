// A ConfigMap of one name in each namespace, with one text, which pods of the mesh mount. Names, keys and label are istiod's own
// (istio, pilot/pkg/serviceregistry/kube/controller/namespacecontroller.go), which keeps them where istiod is the CA and leaves
// them to others where it is not.
import { selectsLabels, type LabelSelector } from '../../../domain/cluster/label-selector.ts';
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import type { PublishedText } from '../../../ports/issuing/publication.ts';
import type { PublishedKind } from '../../../ports/platform/events.ts';
import { CONFIG_MAP } from '../api/kinds.ts';
import type { ObjectPlan, Planned } from './object-plan.ts';
import { isManaged, isOurs, labelsOf, textOf, type Mark, type TextField } from './published-object.ts';
import type { NamespaceFacts, SeenNamespaces } from './seen-namespaces.ts';

const ISTIO_LABEL = { 'istio.io/config': 'true' } as const;

export interface NamespaceConfigMapSettings {
  readonly name: string;
  readonly selector: LabelSelector;
  /** Names of namespaces that are left out, whatever their labels. */
  readonly excluded: readonly string[];
  readonly mark: Mark;
}

/** What tells one kind of them from another. */
export interface NamespaceConfigMapKind {
  readonly what: PublishedKind;
  readonly field: TextField;
  readonly advice: string;
  /** What becomes of ours in a namespace that is none of the selected any more. */
  readonly elsewhere: 'removed' | 'emptied';
}

export class NamespaceConfigMaps implements ObjectPlan {
  readonly what: PublishedKind;
  readonly advice: string;
  readonly kind = CONFIG_MAP;
  protected readonly seen: SeenNamespaces;
  readonly #of: NamespaceConfigMapKind;
  readonly #settings: NamespaceConfigMapSettings;

  constructor(of: NamespaceConfigMapKind, seen: SeenNamespaces, settings: NamespaceConfigMapSettings) {
    this.what = of.what;
    this.advice = of.advice;
    this.#of = of;
    this.seen = seen;
    this.#settings = settings;
  }

  *keys(): Iterable<string> {
    for (const { name } of this.seen.namespaces()) yield name;
  }

  planned(namespace: string, { pem }: PublishedText): Planned {
    const facts = this.seen.namespace(namespace);
    // Before both lists have come, what is not seen may be there.
    if (!this.seen.synced) return 'left';
    // Nothing can be created in a namespace that ends, and what is in it goes with it.
    if (facts === undefined || facts.terminating) return 'left';
    if (this.selects(facts)) return this.#with(namespace, pem);
    if (this.#of.elsewhere === 'removed') return 'removed';
    const current = this.current(namespace);
    return current !== undefined && this.isOurs(current) ? this.#with(namespace, '') : 'left';
  }

  current(namespace: string): KubernetesObject | undefined {
    return this.seen.configMap(namespace);
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
    this.seen.onChange(listener, options);
  }

  protected selects({ name, labels }: NamespaceFacts): boolean {
    const { selector, excluded } = this.#settings;
    return !excluded.includes(name) && selectsLabels(selector, labels);
  }

  #with(namespace: string, text: string): Planned {
    const { name, mark } = this.#settings;
    const { apiVersion, kind } = CONFIG_MAP;
    const metadata = { name, namespace, labels: { ...ISTIO_LABEL, ...labelsOf(mark) } };
    return { text, apply: { apiVersion, kind, metadata, data: { [this.#of.field[1]]: text } } };
  }
}
