// What a survey of a cluster comes to: certificates with their places, and issuers of cert-manager that nobody can judge or that sign
// whatever signs itself.
import type { EstateIssuer, EstateObject } from '../../adapters/kubernetes/estate/estate-object.ts';
import type { SurveyEvent } from '../../adapters/kubernetes/estate/survey.ts';
import type { PlaceKind } from '../../review/rogue/found.ts';
import type { Gathered } from '../../review/rogue/gathered.ts';
import type { LookedInCluster } from './look-through.ts';

export class ClusterLook {
  readonly #gathered: Gathered;
  readonly #issuers: EstateIssuer[] = [];
  /** Namespaces whose Secrets were all seen; `undefined` among them where it was everywhere. */
  readonly #secretsListed = new Set<string | undefined>();
  /** What was to be listed and was not, or not to its end, with why: a line for each kind, or for each kind and namespace. */
  readonly #missed: string[] = [];
  #objects = 0;

  constructor(gathered: Gathered) {
    this.#gathered = gathered;
  }

  take(event: Exclude<SurveyEvent, { readonly type: 'progress' }>): void {
    if (event.type === 'object') this.#read(event.object);
    else if (event.type === 'issuer') this.#issuers.push(event.issuer);
    else if (event.type === 'unlisted') this.#pass(event);
    else if (event.resource === 'secrets') this.#secretsListed.add(event.namespace);
  }

  /** What signs with a Secret that was seen was judged with it; of the others nobody knows whose CA they are. */
  end(): Pick<LookedInCluster, 'objects' | 'issuers' | 'missed'> {
    for (const { name, secret, does } of this.#issuers) {
      if (secret === undefined || this.#secretsListed.has(undefined)) continue;
      if (this.#secretsListed.has(secret.split('/')[0])) continue;
      this.#gathered.skip(name, `${does}, and the Secret was not looked at: nobody knows under whom its CA is`);
    }
    const issuers = this.#issuers.filter(({ does }) => does === 'signs itself');
    return {
      objects: this.#objects,
      issuers: issuers.map(({ name, madeBy, usedBy }) => ({ name, madeBy, usedBy })),
      missed: this.#missed,
    };
  }

  #pass({ what, why, chosen }: Extract<SurveyEvent, { readonly type: 'unlisted' }>): void {
    this.#gathered.skip(what, why);
    if (chosen !== true) this.#missed.push(`${what} ${why}`);
  }

  #read({ kind, namespace, name, madeBy, usedBy, texts }: EstateObject): void {
    this.#objects += 1;
    const title = `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
    const place = this.#gathered.open({ kind: placeKindOf(kind, name), name: title, madeBy, usedBy });
    for (const text of texts) place.add(text);
    place.end();
  }
}

const PLACES: Readonly<Record<string, PlaceKind>> = {
  MutatingWebhookConfiguration: 'webhook',
  ValidatingWebhookConfiguration: 'webhook',
  CustomResourceDefinition: 'crd',
  APIService: 'api-service',
  ClusterTrustBundle: 'trust-bundle',
  ConfigMap: 'config-map',
  Issuer: 'issuer',
  ClusterIssuer: 'issuer',
};

/** By the names that Istio gives its own (https://istio.io/latest/docs/tasks/security/cert-management/plugin-ca-cert/). */
function placeKindOf(kind: string, name: string): PlaceKind {
  if (kind === 'Secret') return ['cacerts', 'istio-ca-secret', 'istiod-tls'].includes(name) ? 'istio-secret' : 'secret';
  if (kind === 'ConfigMap' && name.startsWith('istio-ca-root-cert')) return 'istio-roots';
  return PLACES[kind] ?? 'config-map';
}
