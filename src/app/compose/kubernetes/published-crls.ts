// The revocation lists of whole chains in the cluster, once they are judged for the first time: before that nothing is known of
// them, and what is there stays.
import { CONFIG_MAP } from '../../../adapters/kubernetes/api/kinds.ts';
import {
  CRL_FIELD,
  CrlConfigMaps,
  MAX_CRL_TEXT_BYTES,
} from '../../../adapters/kubernetes/publication/crl-config-maps.ts';
import { ObjectKeeper } from '../../../adapters/kubernetes/publication/object-keeper.ts';
import { RemovedObjects } from '../../../adapters/kubernetes/publication/removed-objects.ts';
import { SeenNamespaces } from '../../../adapters/kubernetes/publication/seen-namespaces.ts';
import { publish } from '../../../authority/chores/publish.ts';
import type { CrlsInForce } from '../../../authority/revocation/crls-in-force.ts';
import type { Config } from '../../../config/schema.ts';
import type { Published, Publisher } from '../../../ports/issuing/publication.ts';
import { degradedBy } from '../../../ports/platform/health.ts';
import type { Foundation } from '../foundation.ts';
import type { Kubernetes } from './kubernetes.ts';

interface Former {
  readonly kubernetes: Kubernetes | undefined;
  readonly revocation: { readonly inForce: CrlsInForce } | undefined;
}

/** A process that publishes, and what is wrong with it, in words; nothing when all is well. */
interface Keeping {
  readonly published: Published;
  readonly publisher: Publisher;
  problem(): string | undefined;
}

const NONE: Published = { wanted: () => ({ pem: '' }), onChange: () => undefined };

/** Where they are not published any more, those that we wrote are emptied. */
export function composePublishedCrls(config: Config, foundation: Foundation, { kubernetes, revocation }: Former): void {
  if (kubernetes === undefined) return;
  const { clock, events, health, startUp, running: signal } = foundation;
  const { enabled } = config.cluster.kubernetes.publish.crlConfigMap;
  const keeping =
    enabled && revocation !== undefined
      ? kept(config, foundation, kubernetes, revocation.inForce)
      : emptied(config, foundation, kubernetes);
  const failed = (cause: unknown): void => events.unexpected({ where: 'publication of revocation lists', cause });
  startUp.at('listen', () => {
    const parts = { published: keeping.published, publishers: [keeping.publisher], lease: kubernetes.lease, clock };
    void publish(parts, { signal }).catch(failed);
  });
  health.report('published revocation lists', () => degradedBy(keeping.problem()));
}

function kept(
  { cluster }: Config,
  foundation: Foundation,
  { api, clusters, namespace }: Kubernetes,
  inForce: CrlsInForce,
): Keeping {
  const { clock, random, events, startUp, running: signal } = foundation;
  const { name, namespaceSelector: selector, excludedNamespaces: excluded } = cluster.kubernetes.publish.crlConfigMap;
  const mark = { namespace, leaseName: cluster.kubernetes.leaseName };
  const parts = { api, clock, random, events, cluster: cluster.id };
  const seen = new SeenNamespaces(parts, clusters.own.caches.namespaces, { name, field: CRL_FIELD });
  const plan = new CrlConfigMaps(seen, { name, selector, excluded, mark });
  const publisher = new ObjectKeeper({ api, plan, clock, events });
  startUp.at('load', () => seen.start({ signal }));
  const pem = (): string => inForce.pemOf('chain')?.pem ?? '';
  const published = {
    wanted: () => ({ pem: pem().length > MAX_CRL_TEXT_BYTES ? '' : pem() }),
    onChange: inForce.onChange.bind(inForce),
  };
  return { published, publisher, problem: () => tooLong(pem()) ?? seen.problem ?? publisher.problem() };
}

function emptied({ cluster }: Config, { clock, events }: Foundation, { api, namespace }: Kubernetes): Keeping {
  const { name } = cluster.kubernetes.publish.crlConfigMap;
  const mark = { namespace, leaseName: cluster.kubernetes.leaseName };
  const what = { object: 'crl-config-map', kind: CONFIG_MAP, field: CRL_FIELD, name, emptied: true } as const;
  const publisher = new RemovedObjects({ api, clock, events }, what, mark);
  return { published: NONE, publisher, problem: () => undefined };
}

function tooLong(pem: string): string | undefined {
  return pem.length > MAX_CRL_TEXT_BYTES
    ? `revocation lists of ${pem.length} bytes are withdrawn: a ConfigMap holds ${MAX_CRL_TEXT_BYTES}`
    : undefined;
}
