// The ConfigMap `istio-ca-root-cert` of each namespace: every pod of the mesh mounts it, and its agent knows this CA and istiod
// by it.
import type { TrustDomain } from '../../../domain/identity/trust-domain.ts';
import { TrustBundle } from '../../../domain/trust/bundle.ts';
import type { PublishedRoots } from '../../../ports/issuing/root-publication.ts';
import { NamespaceConfigMaps, type NamespaceConfigMapSettings } from './namespace-config-maps.ts';
import { textOf, type TextField } from './published-object.ts';
import type { SeenNamespaces } from './seen-namespaces.ts';

export const ROOT_FIELD: TextField = ['data', 'root-cert.pem'];
/** Different texts in all namespaces that are remembered: one, and during a change two. */
const MAX_TEXTS = 16;
const KIND = {
  what: 'root-config-map',
  field: ROOT_FIELD,
  advice:
    'istiod stops with `pilot.env.ENABLE_CA_SERVER: "false"`; ' +
    'or leave its namespaces out with `cluster.kubernetes.publish.rootConfigMap.namespaceSelector`',
  elsewhere: 'removed',
} as const;

export class RootConfigMaps extends NamespaceConfigMaps implements PublishedRoots {
  /** Digests of the anchors in a text that was seen; a handful at a time. */
  readonly #texts = new Map<string, ReadonlySet<string>>();

  constructor(seen: SeenNamespaces, settings: NamespaceConfigMapSettings) {
    super(KIND, seen, settings);
  }

  /** As PublishedRoots: whoever wrote them. */
  lacking({ anchors, trustDomain }: TrustBundle): number | undefined {
    if (!this.seen.synced) return undefined;
    let lacking = 0;
    for (const facts of this.seen.namespaces()) {
      if (facts.terminating || !this.selects(facts)) continue;
      const found = this.#anchorsIn(textOf(this.current(facts.name)) ?? '', trustDomain);
      if (!anchors.every(({ sha256 }) => found.has(sha256))) lacking += 1;
    }
    return lacking;
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
