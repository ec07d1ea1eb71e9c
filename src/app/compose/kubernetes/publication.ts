// What is written into the cluster, in this order: trust anchors where agents look for them, then istiod's certificate, then
// we let callers in.
import { IstiodSecret } from '../../../adapters/kubernetes/publication/istiod-secret.ts';
import { lookAtPlaced } from '../../../authority/trust/look-at-placed.ts';
import type { OwnCertificates } from '../../../authority/trust/own-certificates.ts';
import { PlacedCertificateKeeper } from '../../../authority/chores/keep-placed-certificate.ts';
import { publish } from '../../../authority/chores/publish.ts';
import type { Config } from '../../../config/schema.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import { kubernetesIdentity } from '../../../domain/identity/kubernetes-identity.ts';
import { degradedBy } from '../../../ports/platform/health.ts';
import type { Cluster } from '../cluster.ts';
import type { Foundation } from '../foundation.ts';
import type { Issuing } from '../issuing.ts';
import type { Kubernetes } from './kubernetes.ts';
import { ISTIOD_SECRET, type PublishedTrust } from './published-roots.ts';

interface Former {
  readonly cluster: Cluster;
  readonly published: PublishedTrust | undefined;
  readonly issuing: Issuing;
  readonly ownCertificates: OwnCertificates;
}

export function composePublication(config: Config, foundation: Foundation, former: Former): void {
  const { published, issuing } = former;
  const { kubernetes } = former.cluster;
  if (kubernetes === undefined || published === undefined) return;
  const { clock, events, health, startUp, running: signal } = foundation;
  const { anchors } = issuing.parts;
  const { roots, publishers } = published;
  const { lease } = kubernetes;
  // A fault of ours in what is published must not end what is issued.
  const failed = (where: string) => (cause: unknown) => events.unexpected({ where, cause });
  const keeper = istiodKeeper(config, foundation, kubernetes, former);
  startUp.at('load', () => {
    roots.follow(anchors, { signal });
    void publish({ published: roots, publishers, lease, clock }, { signal }).catch(failed('publication of roots'));
  });
  // Before the listeners, which are composed later.
  startUp.at('listen', async (options) => {
    await roots.atStart(options);
    void keeper?.keep({ signal }).catch(failed('certificate of istiod'));
  });
  health.report('published roots', () => degradedBy(published.problem()));
  health.report('istiod certificate', () => degradedBy(keeper?.problem()));
}

function istiodKeeper(
  { cluster, trustDomain }: Config,
  { clock }: Foundation,
  { api, lease, namespace: own }: Kubernetes,
  { issuing: { parts, lifetimes }, ownCertificates: moves }: Former,
): PlacedCertificateKeeper | undefined {
  const { namespace, revisions, serviceAccount, dnsNames, ttl } = cluster.kubernetes.publish.istiodTls;
  if (namespace === undefined) return undefined;
  const identity = kubernetesIdentity(trustDomain, namespace, serviceAccount);
  if ('problem' in identity) throw new AuthorityError('CAP-X03', { detail: `istiod's identity ${identity.problem}` });
  const mark = { namespace: own, leaseName: cluster.kubernetes.leaseName };
  const secret = { namespace, name: ISTIOD_SECRET, mark };
  const place = new IstiodSecret({ api, clock }, secret);
  // Every process looks; what one remembers of its writes is the other's that leads.
  const seen = new IstiodSecret({ api, clock }, secret);
  moves.include(
    lookAtPlaced({ place: seen, anchors: parts.anchors, clock }, `the certificate of istiod (${ISTIOD_SECRET})`),
  );
  return new PlacedCertificateKeeper(
    { ...parts, place, lease, moves },
    {
      identity,
      dnsNames: [...new Set([...istiodNames(namespace, revisions), ...dnsNames])],
      lifetimes: { ...lifetimes, defaultMs: ttl, maxMs: ttl },
      askedBy: 'cluster.kubernetes.publish.istiodTls',
    },
  );
}

/** What istiod would put into its own (istio, pilot/pkg/bootstrap/server.go, getDNSNames). */
function istiodNames(namespace: string, revisions: readonly string[]): readonly string[] {
  const others = revisions.filter((revision) => revision !== 'default').map((revision) => `istiod-${revision}`);
  return ['istiod', ...others, 'istiod-remote', 'istio-pilot'].map((host) => `${host}.${namespace}.svc`);
}
