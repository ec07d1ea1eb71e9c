// The ConfigMap `istio-ca-root-cert` of each namespace: every pod of the mesh mounts it, and its agent knows this CA and istiod
// by it.
import type { TrustDomain } from '../../../domain/identity/trust-domain.ts';
import type { TrustBundle } from '../../../domain/trust/bundle.ts';
import type { PublishedPlace } from '../../../domain/trust/rotation/published-place.ts';
import type { PublishedRoots } from '../../../ports/issuing/root-publication.ts';
import { CONFIG_MAP } from '../api/kinds.ts';
import { HeldTexts } from './held-texts.ts';
import { NamespaceConfigMaps, type NamespaceConfigMapSettings } from './namespace-config-maps.ts';
import { textOf, type TextField } from './published-object.ts';
import type { SeenNamespaces } from './seen-namespaces.ts';

export const ROOT_FIELD: TextField = ['data', 'root-cert.pem'];
const KIND = {
  what: 'root-config-map',
  field: ROOT_FIELD,
  advice:
    'istiod stops with `pilot.env.ENABLE_CA_SERVER: "false"`; ' +
    'or leave its namespaces out with `cluster.kubernetes.publish.rootConfigMap.namespaceSelector`',
  elsewhere: 'removed',
} as const;

export class RootConfigMaps extends NamespaceConfigMaps implements PublishedRoots {
  readonly #name: string;
  readonly #held = new HeldTexts();

  constructor(seen: SeenNamespaces, settings: NamespaceConfigMapSettings) {
    super(KIND, seen, settings);
    this.#name = settings.name;
  }

  /** As PublishedRoots: whoever wrote them. */
  lacking({ anchors, trustDomain }: TrustBundle): number | undefined {
    if (!this.seen.synced) return undefined;
    let lacking = 0;
    for (const name of this.#selected()) {
      const found = this.#held.of(textOf(this.current(name)), trustDomain).anchors;
      if (!anchors.every(({ sha256 }) => found.includes(sha256))) lacking += 1;
    }
    return lacking;
  }

  /** As AnchorPlaces, of these objects. */
  places(trustDomain: TrustDomain): readonly PublishedPlace[] | undefined {
    if (!this.seen.synced) return undefined;
    return [...this.#selected()].map((namespace) => {
      const name = `${namespace}/${this.#name}`;
      return this.#held.place({ kind: CONFIG_MAP.kind, name }, this.current(namespace), trustDomain);
    });
  }

  *#selected(): Iterable<string> {
    for (const facts of this.seen.namespaces()) if (!facts.terminating && this.selects(facts)) yield facts.name;
  }
}
