// Whether Capstan can be reached under the names it is called by, what its chain has left, and whether clocks agree.
import { formatTime } from '../../domain/text/format-time.ts';
import { ifSeen, isCapstan, type Check, type Problem } from './check.ts';
import type { CertificateSummary, Injection, Ztunnel } from '../../adapters/kubernetes/diagnosis/installation.ts';
import type { DoctorFacts } from './facts.ts';

const DAY_MS = 86_400_000;
/** Certificates begin a minute before they are issued, and agents see a token of the future as not valid. */
const MAX_SKEW_MS = 30_000;
/** An issuer that has less left is to be replaced now. */
const SHORT_ISSUER_MS = 30 * DAY_MS;
const SHORT_ANCHOR_MS = 90 * DAY_MS;

export const SERVING_CHECKS: readonly Check[] = [
  {
    id: 'unreachable',
    consequence: 'nobody gets a certificate',
    judge: (facts) => [
      ...ifSeen(facts.served, ({ address, chain, problem = 'nothing answers' }) =>
        chain === undefined
          ? [
              {
                subject: address,
                wrong: `cannot be reached: ${problem}`,
                fix: 'see that the pods are ready (kubectl get pod -l app.kubernetes.io/name=capstan), that listen.tls.address is 0.0.0.0:15012, and that no NetworkPolicy of the callers or of Capstan closes the port',
              },
            ]
          : [],
      ),
      ...ifSeen(facts.endpoints, (ready) =>
        ready > 0
          ? []
          : [
              {
                subject: `Service ${facts.settings.namespace}/${facts.settings.name}`,
                wrong: 'has no endpoint that is ready',
                fix: 'look at kubectl describe of the pods, which do not start without their Secret and ConfigMaps, then at /readyz and their log',
              },
            ],
      ),
      ...ifSeen(facts.closingPolicies, (policies) =>
        policies.map((policy) => ({
          subject: `NetworkPolicy ${policy}`,
          wrong: `selects Capstan's pods, and nothing lets callers in at its TLS port`,
          fix: 'allow ingress at port 15012 from all namespaces, as the chart does',
        })),
      ),
    ],
  },
  {
    id: 'mounted-config-map',
    consequence: 'pods of Capstan do not start, or lack the file',
    judge: ({ missingMounts }) =>
      ifSeen(missingMounts, (missing) =>
        missing.map(({ configMap, key }) => ({
          subject: `ConfigMap ${configMap}`,
          wrong:
            key === undefined
              ? 'is mounted by the pods, and is not there'
              : `has no key ${key}, which the configuration names`,
          fix: 'make it as docs/kubernetes.md, Install, says: capstan-anchors has root-cert.pem, capstan-policy-bundle has bundle.yaml and bundle.yaml.sig',
        })),
      ),
  },
  {
    id: 'health',
    consequence: 'the server itself says what it lacks',
    judge: ({ health }) =>
      ifSeen(health, ({ unready, degraded }) => [
        ...unready.map(({ part, why }) => ({
          subject: part,
          wrong: `keeps Capstan from serving: ${why}`,
          fix: 'mend what it names; it goes on by itself',
        })),
        ...degraded.map(({ part, why }) => ({
          subject: part,
          wrong: `is degraded: ${why}`,
          fix: 'mend what it names; it goes on by itself',
          severity: 'warning' as const,
        })),
      ]),
  },
  {
    id: 'serving-name',
    consequence: 'agents end the TLS handshake with Capstan',
    judge: (facts) =>
      ifSeen(facts.served, ({ chain, address }) => {
        const [leaf] = chain ?? [];
        return leaf === undefined ? [] : hostsInUse(facts).flatMap((host) => nameProblem(host, leaf, address));
      }),
  },
  {
    id: 'clock-skew',
    consequence: 'certificates and tokens are not valid yet, or no more',
    judge: ({ clocks }) =>
      ifSeen(clocks, (all) =>
        all
          .filter(({ aheadMs }) => Math.abs(aheadMs) > MAX_SKEW_MS)
          .map(({ of, aheadMs }) => ({
            subject: of,
            wrong: `is ${Math.round(Math.abs(aheadMs) / 1_000)} s ${aheadMs > 0 ? 'ahead of' : 'behind'} this machine`,
            fix: 'synchronise the clocks (chrony, systemd-timesyncd) of this machine and of the nodes',
          })),
      ),
  },
  {
    id: 'issuer-end',
    consequence: 'certificates get shorter and shorter, and then there are none',
    judge: ({ served, nowMs, settings }) =>
      ifSeen(served, ({ chain = [] }) =>
        chain
          .filter(({ ca }) => ca)
          .flatMap((issuer) =>
            endProblem(
              `issuer ${issuer.subject}`,
              issuer,
              nowMs,
              Math.max(SHORT_ISSUER_MS, 2 * settings.longestLeafMs),
              {
                fix: 'have the security team sign a new intermediate, and replace issuer.chainFile and issuer.keyFile; it is followed',
              },
            ),
          ),
      ),
  },
  {
    id: 'anchor-end',
    consequence: 'every handshake of the mesh fails when it ends',
    judge: ({ anchors, nowMs }) =>
      ifSeen(anchors, (all) =>
        all.flatMap((anchor) =>
          endProblem(`trust anchor ${anchor.subject}`, anchor, nowMs, SHORT_ANCHOR_MS, {
            fix: 'put its successor beside it in trustAnchors.file, wait one lifetime, then take it out',
          }),
        ),
      ),
  },
];

/** Each name by which agents or ztunnels are told to dial Capstan. */
function hostsInUse({ injections, ztunnels, settings }: DoctorFacts): readonly string[] {
  const dialling: readonly (Injection | Ztunnel)[] = [
    ...('known' in injections ? injections.known : []),
    ...('known' in ztunnels ? ztunnels.known : []),
  ];
  const hosts = dialling.flatMap(({ caAddress }) => (caAddress ?? '').replace(/^https:\/\//, '').split(':')[0] || []);
  return [...new Set(hosts)].filter((host) => isCapstan(host, settings));
}

function nameProblem(host: string, { dnsNames }: CertificateSummary, address: string): readonly Problem[] {
  // The agent checks any name that contains "localhost" as istiod's.
  const name = host.includes('localhost') ? 'istiod.istio-system.svc' : host;
  if (dnsNames.some((own) => own === name || (own.startsWith('*.') && name.endsWith(own.slice(1))))) return [];
  return [
    {
      subject: address,
      wrong: `its certificate has ${dnsNames.join(', ') || 'no DNS name'}, and not ${name}, which caAddress names`,
      fix: `add ${name} to serving.dnsNames`,
    },
  ];
}

function endProblem(
  subject: string,
  { notAfterMs }: CertificateSummary,
  nowMs: number,
  shortMs: number,
  { fix }: { readonly fix: string },
): readonly Problem[] {
  const leftMs = notAfterMs - nowMs;
  if (leftMs > shortMs) return [];
  if (leftMs <= 0) return [{ subject, wrong: `is past its end, ${formatTime(notAfterMs)}`, fix }];
  return [
    {
      subject,
      wrong: `ends ${formatTime(notAfterMs)}, in ${Math.floor(leftMs / DAY_MS)} days`,
      fix,
      severity: 'warning',
    },
  ];
}
