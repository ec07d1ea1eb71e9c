// The doctor over facts: silent about an installation that is well, and one finding for each thing that is often set up wrong.
import assert from 'node:assert/strict';
import { CHECKS, diagnose } from '../../../src/review/doctor/diagnose.ts';
import type { DoctorFacts } from '../../../src/review/doctor/facts.ts';
import { bundleWith, certificate, goodFacts, leaf, NOW_MS } from './good-facts.ts';

const DAY_MS = 86_400_000;

interface Ill {
  readonly title: string;
  readonly check: string;
  readonly change: (facts: DoctorFacts) => Partial<DoctorFacts>;
  /** Of the message. */
  readonly says: RegExp;
  readonly severity?: 'warning';
}

const first = <T>(seen: { readonly known: readonly T[] } | { readonly unknown: string }): T => {
  if (!('known' in seen)) throw new Error(seen.unknown);
  return seen.known[0]!;
};
const injection = (changes: object) => (facts: DoctorFacts) => ({
  injections: { known: [{ ...first(facts.injections), ...changes }] },
});
const ztunnel = (changes: object) => (facts: DoctorFacts) => ({
  ztunnels: { known: [{ ...first(facts.ztunnels), ...changes }] },
});
const validity = (changes: object): Partial<DoctorFacts> => ({
  bundle: {
    known: {
      problems: [],
      bundle: bundleWith({
        validity: {
          notBefore: '2026-11-01T00:00:00Z',
          softExpiry: '2026-12-20T00:00:00Z',
          hardExpiry: '2027-01-20T00:00:00Z',
          ...changes,
        },
      }),
    },
  },
});

const ILLS: readonly Ill[] = [
  {
    title: 'a port that nobody answers at',
    check: 'unreachable',
    change: () => ({ served: { known: { address: 'localhost:15012', problem: 'nobody listens there' } } }),
    says: /cannot be reached: nobody listens there.*listen\.tls\.address/,
  },
  {
    title: 'a Service without an endpoint',
    check: 'unreachable',
    change: () => ({ endpoints: { known: 0 } }),
    says: /no endpoint/,
  },
  {
    title: 'a NetworkPolicy that lets no caller in',
    check: 'unreachable',
    change: () => ({ closingPolicies: { known: ['istio-system/default-deny'] } }),
    says: /nothing lets callers in.*15012/,
  },
  {
    title: 'a ztunnel of a chart without caAddress, which names istiod then',
    check: 'ztunnel-ca-address',
    change: ztunnel({ caAddress: 'istiod.istio-system.svc:15012' }),
    says: /it is istiod that is asked.*ztunnel chart/,
  },
  {
    title: 'agents that are told to ask istiod by name',
    check: 'ca-address',
    change: injection({ caAddress: 'istiod.istio-system.svc:15012' }),
    says: /it is istiod that is asked/,
  },
  {
    title: 'anchors that nobody made a ConfigMap of',
    check: 'mounted-config-map',
    change: () => ({ missingMounts: { known: [{ configMap: 'istio-system/capstan-anchors' }] } }),
    says: /is mounted by the pods, and is not there.*capstan-anchors has root-cert\.pem/,
  },
  {
    title: 'a mounted ConfigMap that lacks a key',
    check: 'mounted-config-map',
    change: () => ({ missingMounts: { known: [{ configMap: 'istio-system/capstan-anchors', key: 'root-cert.pem' }] } }),
    says: /has no key root-cert\.pem/,
  },
  {
    title: 'a policy bundle whose object is not there',
    check: 'bundle-absent',
    change: () => ({
      missingBundle: 'ConfigMap istio-system/capstan-policy-bundle',
      bundle: { unknown: 'policy bundle: it is not there' },
    }),
    says: /kubectl -n istio-system create configmap capstan-policy-bundle --from-file=bundle\.yaml/,
  },
  {
    title: 'a server that says that it cannot serve',
    check: 'health',
    change: () => ({ health: { known: { unready: [{ part: 'journal', why: 'the disk is full' }], degraded: [] } } }),
    says: /keeps Capstan from serving: the disk is full/,
  },
  {
    title: 'a server that is degraded',
    check: 'health',
    change: () => ({ health: { known: { unready: [], degraded: [{ part: 'policy', why: 'bundle is old' }] } } }),
    says: /degraded: bundle is old/,
    severity: 'warning',
  },
  {
    title: 'a caAddress whose name is not in the certificate',
    check: 'serving-name',
    change: () => ({
      served: { known: { address: 'localhost:15012', chain: [leaf({ dnsNames: ['ca.corp.example'] })] } },
    }),
    says: /has ca\.corp\.example, and not capstan\.istio-system\.svc.*serving\.dnsNames/,
  },
  {
    title: 'a clock that runs ahead',
    check: 'clock-skew',
    change: () => ({ clocks: { known: [{ of: 'the API server', aheadMs: 90_000 }] } }),
    says: /90 s ahead/,
  },
  {
    title: 'an issuer past its end',
    check: 'issuer-end',
    change: () => ({
      served: { known: { address: 'a', chain: [leaf(), certificate('CN=Issuer', { notAfterMs: NOW_MS - 1 })] } },
    }),
    says: /past its end.*issuer\.chainFile/,
  },
  {
    title: 'an issuer that ends soon',
    check: 'issuer-end',
    change: () => ({
      served: {
        known: { address: 'a', chain: [leaf(), certificate('CN=Issuer', { notAfterMs: NOW_MS + 9 * DAY_MS })] },
      },
    }),
    says: /in 9 days/,
    severity: 'warning',
  },
  {
    title: 'a trust anchor past its end',
    check: 'anchor-end',
    change: () => ({ anchors: { known: [certificate('CN=Corporate Root', { notAfterMs: NOW_MS - 1 })] } }),
    says: /past its end.*successor/,
  },
  {
    title: 'no caAddress',
    check: 'ca-address',
    change: injection({ caAddress: '' }),
    says: /agents ask istiod.*set caAddress: capstan\.istio-system\.svc:15012/,
  },
  {
    title: "istiod's caAddress",
    check: 'ca-address',
    change: injection({ caAddress: 'istio-csr.cert-manager.svc:443' }),
    says: /not a name of Capstan's/,
  },
  {
    title: 'a caAddress with another port',
    check: 'ca-address',
    change: injection({ caAddress: 'capstan.istio-system.svc:443' }),
    says: /listens at 15012/,
  },
  {
    title: 'a caAddress at the port without TLS',
    check: 'ca-address',
    change: injection({ caAddress: 'capstan.istio-system.svc:15010' }),
    says: /speak no TLS/,
  },
  {
    title: 'a ztunnel without a caAddress',
    check: 'ztunnel-ca-address',
    change: ztunnel({ caAddress: undefined }),
    says: /asks istiod.*ambient\.yaml/,
  },
  {
    title: 'an istiod that is still a CA',
    check: 'istiod-ca-server',
    change: (facts) => ({ istiods: { known: [{ ...first(facts.istiods), env: {} }] } }),
    says: /still a CA.*ENABLE_CA_SERVER: "false"/,
  },
  {
    title: 'another pilotCertProvider',
    check: 'pilot-cert-provider',
    change: injection({ pilotCertProvider: 'custom' }),
    says: /do not mount.*pilotCertProvider: istiod/,
  },
  {
    title: 'another trust domain in the mesh configuration',
    check: 'trust-domain',
    change: (facts) => ({ meshes: { known: [{ ...first(facts.meshes), trustDomain: 'cluster.local' }] } }),
    says: /has trustDomain cluster\.local, Capstan has corp\.example/,
  },
  {
    title: 'a ztunnel of another namespace',
    check: 'ztunnel-account',
    change: ztunnel({ namespace: 'kube-system' }),
    says: /kube-system\/ztunnel.*trustedNodeAccounts/,
  },
  {
    title: 'tokens for another audience',
    check: 'token-audience',
    change: injection({ tokenAudience: 'vault' }),
    says: /audience vault; Capstan takes istio-ca/,
  },
  {
    title: 'a token issuer that is not known',
    check: 'token-issuer',
    change: ({ settings: { apiServerAudiences: audiences = [], ...settings } }) => ({
      settings: { ...settings, tokenIssuers: [{ issuer: 'https://elsewhere', audiences }] },
    }),
    says: /does not name https:\/\/kubernetes\.default/,
  },
  {
    title: 'a namespace without the root ConfigMap',
    check: 'root-config-map',
    change: () => ({ rootConfigMaps: { known: [{ namespace: 'shop', writers: [] }] } }),
    says: /is not there.*publish\.rootConfigMap/,
  },
  {
    title: 'a root ConfigMap with another root',
    check: 'root-config-map',
    change: () => ({ rootConfigMaps: { known: [{ namespace: 'shop', roots: ['BB'], writers: ['capstan'] }] } }),
    says: /lacks CN=Corporate Root/,
  },
  {
    title: 'two writers of the root ConfigMap',
    check: 'root-config-map-writers',
    change: (facts) => ({
      rootConfigMaps: { known: [{ ...first(facts.rootConfigMaps), writers: ['capstan', 'pilot-discovery'] }] },
    }),
    says: /written by capstan and pilot-discovery/,
  },
  {
    title: 'a revocation list in a namespace that has lapsed',
    check: 'crl-config-map',
    change: ({ nowMs }) => ({
      crlConfigMaps: { known: [{ namespace: 'shop', untilMs: nowMs, writers: ['capstan'] }] },
    }),
    says: /lapsed.*empty its key ca-crl\.pem/,
  },
  {
    title: 'a revocation list in a namespace that does not parse',
    check: 'crl-config-map',
    change: () => ({ crlConfigMaps: { known: [{ namespace: 'shop', problem: 'has no CRL', writers: ['x'] }] } }),
    says: /has no CRL/,
  },
  {
    title: 'two writers of the revocation lists',
    check: 'crl-config-map',
    change: () => ({
      crlConfigMaps: { known: [{ namespace: 'shop', writers: ['capstan', 'pilot-discovery'] }] },
    }),
    says: /written by capstan and pilot-discovery.*PILOT_ENABLE_CA_CRL/,
  },
  {
    title: 'no istiod-tls',
    check: 'istiod-tls-absent',
    change: () => ({ istiodTls: { known: [{ namespace: 'istio-system', roots: [] }] } }),
    says: /is not there.*rollout restart deployment\/istiod/,
  },
  {
    title: 'an istiod-tls that has expired',
    check: 'istiod-tls-expired',
    change: (facts) => ({
      istiodTls: { known: [{ ...first(facts.istiodTls), chain: [leaf({ notAfterMs: NOW_MS - 1 })] }] },
    }),
    says: /expired 2026-11-28/,
  },
  {
    title: 'an istiod-tls of another root',
    check: 'istiod-tls-root',
    change: (facts) => ({
      istiodTls: { known: [{ ...first(facts.istiodTls), chainProblem: 'it is signed by O=cluster.local' }] },
    }),
    says: /no trust anchor.*O=cluster\.local/,
  },
  {
    title: 'a webhook with another caBundle',
    check: 'webhook-ca-bundle',
    change: (facts) => ({ webhooks: { known: [{ ...first(facts.webhooks), roots: ['BB'] }] } }),
    says: /without a trust anchor of Capstan's.*restart istiod/,
  },
  {
    title: 'a policy bundle that nobody signed',
    check: 'bundle-signature',
    change: () => ({
      bundle: { known: { bundle: bundleWith({}), problems: ['does not exist: the bundle is not signed'] } },
    }),
    says: /not signed.*capstan bundle sign/,
  },
  {
    title: 'a policy bundle past its hard expiry',
    check: 'bundle-age',
    change: () => validity({ softExpiry: '2026-11-10T00:00:00Z', hardExpiry: '2026-11-20T00:00:00Z' }),
    says: /past its hard expiry/,
  },
  {
    title: 'a policy bundle past its soft expiry',
    check: 'bundle-age',
    change: () => validity({ softExpiry: '2026-11-20T00:00:00Z' }),
    says: /past its soft expiry/,
    severity: 'warning',
  },
  {
    title: 'a policy bundle that begins later',
    check: 'bundle-age',
    change: () => validity({ notBefore: '2026-12-01T00:00:00Z' }),
    says: /begins only/,
  },
  {
    title: 'a policy bundle for other clusters',
    check: 'bundle-audience',
    change: () => ({
      bundle: { known: { bundle: bundleWith({ audience: { clusters: ['staging-*'] } }), problems: [] } },
    }),
    says: /prod-eu-1/,
  },
  {
    title: 'a namespace of the mesh that no rule names',
    check: 'unnamed-namespace',
    change: () => ({ meshNamespaces: { known: [{ name: 'billing', labels: { 'istio.io/rev': 'capstan' } }] } }),
    says: /no rule of corp-mesh@42/,
    severity: 'warning',
  },
  {
    title: 'a right that the role lacks',
    check: 'rights',
    change: () => ({
      rights: {
        known: [
          {
            feature: 'attestation',
            verb: 'create',
            group: 'authentication.k8s.io',
            resource: 'tokenreviews',
            allowed: false,
          },
        ],
      },
    }),
    says: /may not create tokenreviews\.authentication\.k8s\.io, which attestation needs/,
  },
];

describe('The doctor', () => {
  it('finds nothing on an installation that is well', () => {
    const { cases, notSeen } = diagnose(goodFacts());
    assert.deepEqual(
      cases.flatMap(({ findings }) => findings),
      [],
    );
    assert.deepEqual(notSeen, []);
    assert.equal(cases.length, CHECKS.length);
  });

  for (const { title, check, change, says, severity = 'error' } of ILLS) {
    it(`finds ${title}, and nothing else`, () => {
      const facts = goodFacts();
      const { cases } = diagnose({ ...facts, ...change(facts) });
      const found = cases.filter(({ findings }) => findings.length > 0);
      assert.deepEqual(
        found.map(({ name }) => name),
        [check],
      );
      const [finding] = found[0]!.findings;
      assert.equal(finding?.id, `doctor/${check}`);
      assert.equal(finding.severity, severity);
      assert.match(finding.message, says);
      assert.match(finding.message, /\. Fix: ./, 'each with what mends it');
    });
  }

  it('has a seeded error for each of its checks', () => {
    assert.deepEqual([...new Set(ILLS.map(({ check }) => check))].sort(), CHECKS.map(({ id }) => id).sort());
  });

  it('takes what it could not see for neither well nor wrong, and says so once', () => {
    const { cases, notSeen } = diagnose({ ...goodFacts(), injections: { unknown: 'ConfigMaps: forbidden' } });
    assert.deepEqual(
      cases.flatMap(({ findings }) => findings),
      [],
    );
    assert.deepEqual(notSeen, [
      { why: 'ConfigMaps: forbidden', checks: ['ca-address', 'pilot-cert-provider', 'token-audience'] },
    ]);
  });

  it('lets an istiod that is still a CA be called by its own root', () => {
    const facts = goodFacts();
    const { cases } = diagnose({
      ...facts,
      istiods: { known: [{ ...first(facts.istiods), env: {} }] },
      webhooks: { known: [{ ...first(facts.webhooks), roots: ['BB'] }] },
      istiodTls: { known: [{ namespace: 'istio-system', roots: [] }] },
    });
    const found = cases.filter(({ findings }) => findings.length > 0);
    assert.deepEqual(
      found.map(({ name }) => name),
      ['istiod-ca-server'],
    );
  });

  it('asks no caAddress of agents that ask an istiod in RA mode', () => {
    const facts = goodFacts();
    const env = { EXTERNAL_CA: 'ISTIOD_RA_KUBERNETES_API' };
    const { cases } = diagnose({
      ...facts,
      ...injection({ caAddress: '' })(facts),
      istiods: { known: [{ ...first(facts.istiods), env }] },
    });
    assert.deepEqual(
      cases.flatMap(({ findings }) => findings),
      [],
    );
  });
});
