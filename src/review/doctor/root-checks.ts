// Whether the roots are everywhere they must be: the ConfigMap of each namespace, istiod's own certificate, the webhooks; and
// whether the revocation lists beside them are in their time.
import { formatTime } from '../../domain/text/format-time.ts';
import { ifBothSeen, ifSeen, type Check, type Problem } from './check.ts';
import type {
  CertificateSummary,
  CrlConfigMap,
  Istiod,
  IstiodTls,
  RootConfigMap,
  Webhook,
} from '../../adapters/kubernetes/diagnosis/installation.ts';
import type { DoctorFacts } from './facts.ts';

const OURS = 'capstan';
const ROOTS = 'istio-ca-root-cert';
const CRLS = 'istio-ca-crl';

export const ROOT_CHECKS: readonly Check[] = [
  {
    id: 'root-config-map',
    consequence: 'agents of that namespace cannot start, or do not trust Capstan',
    judge: ({ rootConfigMaps, anchors }) =>
      ifBothSeen(rootConfigMaps, anchors, (maps, ours) => maps.flatMap((map) => rootMapProblems(map, ours))),
  },
  {
    id: 'root-config-map-writers',
    consequence: 'the roots change back and forth, and agents with them',
    judge: ({ rootConfigMaps }) =>
      ifSeen(rootConfigMaps, (maps) =>
        maps
          .filter(({ writers }) => writers.length > 1 || writers.some((writer) => !writer.startsWith(OURS)))
          .map(({ namespace, writers }) => ({
            subject: `ConfigMap ${namespace}/${ROOTS}`,
            wrong: `is written by ${writers.join(' and ')}`,
            fix: 'let one of them write it: ENABLE_CA_SERVER: "false" stops istiod (pilot-discovery), no replicas stop istio-csr, and cluster.kubernetes.publish stops Capstan',
            // Who wrote it before may stand there for as long as nobody writes it anew.
            severity: writers.length > 1 ? ('error' as const) : ('warning' as const),
          })),
      ),
  },
  {
    id: 'crl-config-map',
    consequence: 'proxies of that namespace refuse every peer',
    judge: ({ crlConfigMaps, nowMs }) =>
      ifSeen(crlConfigMaps, (maps) => maps.flatMap((map) => crlMapProblems(map, nowMs))),
  },
  {
    id: 'istiod-tls-absent',
    consequence: 'istiod serves nothing at 15012, and injects nothing',
    judge: (facts) =>
      ifSeen(needed(facts), (all) =>
        all
          .filter(({ chain }) => chain === undefined)
          .map(({ namespace }) => ({
            subject: `Secret ${namespace}/istiod-tls`,
            wrong: 'is not there, and istiod is no CA that could sign its own certificate',
            fix: `switch on cluster.kubernetes.publish.istiodTls, then kubectl -n ${namespace} rollout restart deployment/istiod`,
          })),
      ),
  },
  {
    id: 'istiod-tls-expired',
    consequence: 'no proxy connects to istiod, no pod is injected',
    judge: (facts) =>
      ifSeen(needed(facts), (all) =>
        all.flatMap(({ namespace, chain: [leaf] = [] }) =>
          leaf === undefined || leaf.notAfterMs > facts.nowMs
            ? []
            : [
                {
                  subject: `Secret ${namespace}/istiod-tls`,
                  wrong: `expired ${formatTime(leaf.notAfterMs)}`,
                  fix: 'see in /readyz and the log of Capstan why it was not renewed: a right that is missing, or the leader',
                },
              ],
        ),
      ),
  },
  {
    id: 'istiod-tls-root',
    consequence: 'proxies do not trust istiod',
    judge: (facts) =>
      ifBothSeen(needed(facts), facts.anchors, (all, ours) => all.flatMap((tls) => istiodRootProblems(tls, ours))),
  },
  {
    id: 'webhook-ca-bundle',
    consequence: 'the API server cannot call it: no pod is injected, no policy judged at apply',
    judge: (facts) =>
      ifBothSeen(facts.webhooks, facts.anchors, (all, ours) =>
        all.filter((webhook) => isOfOurs(webhook, facts)).flatMap((webhook) => webhookProblems(webhook, ours)),
      ),
  },
];

/** Namespaces whose istiods are no CA. */
function withoutCa(istiods: readonly Istiod[]): readonly string[] {
  const ownCa = istiods.filter(({ env }) => env['ENABLE_CA_SERVER'] !== 'false').map(({ namespace }) => namespace);
  return istiods.map(({ namespace }) => namespace).filter((namespace) => !ownCa.includes(namespace));
}

/** An istiod that is a CA calls by its own root, also in the midst of a migration. */
function isOfOurs({ service }: Webhook, { istiods }: DoctorFacts): boolean {
  const [namespace = '', name = ''] = service.split('/');
  return !name.startsWith('istiod') || !('known' in istiods) || withoutCa(istiods.known).includes(namespace);
}

/** The Secret matters where istiod has no CA of its own. */
function needed({ istiodTls, istiods }: DoctorFacts): DoctorFacts['istiodTls'] {
  if (!('known' in istiodTls) || !('known' in istiods)) return istiodTls;
  const external = withoutCa(istiods.known);
  return { known: istiodTls.known.filter(({ namespace }) => external.includes(namespace)) };
}

/** One without a list is as it should be: nobody is refused for it. */
function crlMapProblems({ namespace, untilMs, problem, writers }: CrlConfigMap, nowMs: number): readonly Problem[] {
  const lapsed = untilMs !== undefined && untilMs <= nowMs;
  const others = writers.length > 1 ? `is written by ${writers.join(' and ')}` : undefined;
  const wrong = problem ?? (lapsed ? `has a list that lapsed ${formatTime(untilMs)}` : others);
  if (wrong === undefined) return [];
  const fix =
    'empty its key ca-crl.pem now; where cluster.kubernetes.publish.crlConfigMap is on, /readyz of Capstan says what keeps it ' +
    'from writing, and PILOT_ENABLE_CA_CRL: "false" stops istiod';
  return [{ subject: `ConfigMap ${namespace}/${CRLS}`, wrong, fix }];
}

function rootMapProblems({ namespace, roots }: RootConfigMap, ours: readonly CertificateSummary[]): readonly Problem[] {
  const subject = `ConfigMap ${namespace}/${ROOTS}`;
  const fix =
    'switch on cluster.kubernetes.publish.rootConfigMap; where it is on, /readyz of Capstan says what keeps it from writing';
  if (roots === undefined) return [{ subject, wrong: 'is not there', fix }];
  const missing = ours.filter(({ sha256 }) => !roots.includes(sha256));
  return missing.length === 0
    ? []
    : [
        {
          subject,
          wrong: `lacks ${missing.map(({ subject: name }) => name).join(', ')}, a trust anchor of Capstan's`,
          fix,
        },
      ];
}

function istiodRootProblems(
  { namespace, chain, roots, chainProblem }: IstiodTls,
  ours: readonly CertificateSummary[],
): readonly Problem[] {
  const subject = `Secret ${namespace}/istiod-tls`;
  const fix =
    'let Capstan write it (cluster.kubernetes.publish.istiodTls), and put its root into istio-ca-root-cert first';
  if (chain === undefined) return [];
  const foreign = roots.length > 0 && !ours.some(({ sha256 }) => roots.includes(sha256));
  return [
    ...(chainProblem === undefined
      ? []
      : [{ subject, wrong: `leads to no trust anchor of Capstan's: ${chainProblem}`, fix }]),
    ...(foreign ? [{ subject, wrong: "has another root in ca.crt than Capstan's trust anchors", fix }] : []),
  ];
}

function webhookProblems(
  { kind, name, service, roots }: Webhook,
  ours: readonly CertificateSummary[],
): readonly Problem[] {
  if (ours.some(({ sha256 }) => roots.includes(sha256))) return [];
  return [
    {
      subject: `${kind} ${name}`,
      wrong:
        roots.length === 0
          ? 'has no caBundle'
          : `has a caBundle without a trust anchor of Capstan's, and calls ${service}`,
      fix: service.includes('/istiod')
        ? 'restart istiod, which patches it from istiod-tls at its start: kubectl -n istio-system rollout restart deployment/istiod'
        : 'see in /readyz of Capstan why the leader does not patch it',
    },
  ];
}
