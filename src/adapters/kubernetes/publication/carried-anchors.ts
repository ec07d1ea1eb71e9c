// Objects that have the trust anchors beside something else: istiod's Secret by which it verifies peers, and the webhook configuration
// by which the API server knows us. They are asked for by name when somebody wants to know, for nobody follows them.
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import type { TrustDomain } from '../../../domain/identity/trust-domain.ts';
import { heldIn, type PublishedPlace } from '../../../domain/trust/rotation/published-place.ts';
import { WEBHOOK_CONFIGURATION } from '../admission/webhook-trust.ts';
import { SECRET } from '../api/kinds.ts';
import { KubernetesApiError, type ApiKind, type CallOptions, type KubernetesApi } from '../api/kubernetes-api.ts';

export interface Carrier {
  readonly kind: ApiKind;
  readonly name: string;
  readonly namespace?: string;
  /** The texts in it, PEM; each must have the anchors. */
  readonly texts: (object: KubernetesObject) => readonly string[];
}

const decoded = (text: string | undefined): string => Buffer.from(text ?? '', 'base64').toString('utf8');

export function secretCarrier(namespace: string, name: string): Carrier {
  const texts = (secret: KubernetesObject): readonly string[] => {
    const data = (secret['data'] ?? {}) as Readonly<Record<string, string>>;
    return [decoded(data['ca.crt'])];
  };
  return { kind: SECRET, namespace, name, texts };
}

export function webhookCarrier(name: string): Carrier {
  interface Webhook {
    readonly clientConfig?: { readonly caBundle?: string };
  }
  const texts = (object: KubernetesObject): readonly string[] =>
    ((object['webhooks'] ?? []) as readonly Webhook[]).map(({ clientConfig }) => decoded(clientConfig?.caBundle));
  return { kind: WEBHOOK_CONFIGURATION, name, texts };
}

/** @returns those that are there; nothing when one cannot be looked at. */
export async function carriedAnchors(
  api: Pick<KubernetesApi, 'get'>,
  carriers: readonly Carrier[],
  trustDomain: TrustDomain,
  options: CallOptions,
): Promise<readonly PublishedPlace[] | undefined> {
  const places: PublishedPlace[] = [];
  for (const carrier of carriers) {
    try {
      const object = await api.get(carrier.kind, carrier, options);
      if (object !== undefined) places.push(...placesIn(carrier, object, trustDomain));
    } catch (error) {
      if (!(error instanceof KubernetesApiError)) throw error;
      return undefined;
    }
  }
  return places;
}

function placesIn(
  { kind, name, namespace, texts }: Carrier,
  object: KubernetesObject,
  trustDomain: TrustDomain,
): readonly PublishedPlace[] {
  const place = namespace === undefined ? name : `${namespace}/${name}`;
  const version = object.metadata.resourceVersion;
  return [...new Set(texts(object))].map((text) => ({
    kind: kind.kind,
    name: place,
    version,
    ...heldIn(text, trustDomain),
  }));
}
