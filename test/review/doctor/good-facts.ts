// An installation with which nothing is wrong, as the doctor sees it.
import type { CertificateSummary } from '../../../src/adapters/kubernetes/diagnosis/installation.ts';
import { parsePolicyBundle } from '../../../src/adapters/policy/source/policy-bundle-document.ts';
import type { DoctorFacts } from '../../../src/review/doctor/facts.ts';
import type { PolicyBundle } from '../../../src/domain/policy/documents.ts';

export const NOW_MS = Date.parse('2026-11-28T12:00:00Z');
const DAY_MS = 86_400_000;

export function certificate(subject: string, changes: Partial<CertificateSummary> = {}): CertificateSummary {
  return {
    subject,
    sha256: `${subject}:AA`,
    dnsNames: [],
    notBeforeMs: NOW_MS - DAY_MS,
    notAfterMs: NOW_MS + 365 * DAY_MS,
    ca: true,
    ...changes,
  };
}

export const ROOT = certificate('CN=Corporate Root');
export const leaf = (changes: Partial<CertificateSummary> = {}): CertificateSummary =>
  certificate('(no subject)', {
    dnsNames: ['capstan.istio-system.svc', 'istiod.istio-system.svc'],
    ca: false,
    notAfterMs: NOW_MS + DAY_MS,
    ...changes,
  });

export function bundleWith(yaml: Readonly<Record<string, unknown>>): PolicyBundle {
  const parsed = parsePolicyBundle(
    JSON.stringify({
      apiVersion: 'capstan.dev/v1alpha1',
      kind: 'PolicyBundle',
      metadata: { name: 'corp-mesh', sequence: 42 },
      validity: {
        notBefore: '2026-11-01T00:00:00Z',
        softExpiry: '2026-12-20T00:00:00Z',
        hardExpiry: '2027-01-20T00:00:00Z',
      },
      audience: { clusters: ['prod-*'] },
      owner: { team: 'pki', contact: 'pki@corp.example' },
      rules: [
        {
          id: 'mesh',
          match: { classes: ['workload'], namespaces: { names: ['shop', 'istio-system'] } },
          bounds: {
            trustDomains: ['corp.example'],
            spiffeId: 'spiffe://{trustDomain}/ns/{namespace}/sa/{serviceAccount}',
            ttl: { max: '24h' },
            keys: ['ec-p256'],
            usages: ['digitalSignature', 'serverAuth', 'clientAuth'],
          },
        },
      ],
      ...yaml,
    }),
    'bundle.yaml',
  );
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
  return parsed.document;
}

export function goodFacts(): DoctorFacts {
  return {
    nowMs: NOW_MS,
    settings: {
      namespace: 'istio-system',
      name: 'capstan',
      serviceAccount: 'capstan',
      namespaces: {
        own: 'istio-system',
        istiod: 'istio-system',
        remote: 'istio-system',
        bundle: 'istio-system',
        certManager: [],
      },
      trustDomain: 'corp.example',
      clusterId: 'prod-eu-1',
      dnsNames: ['capstan.istio-system.svc', 'istiod.istio-system.svc'],
      tlsPort: 15012,
      tokenIssuers: [],
      apiServerAudiences: ['istio-ca'],
      trustedNodeAccounts: ['istio-system/ztunnel'],
      features: ['attestation', 'leader'],
      names: {
        lease: ['capstan'],
        roots: ['istio-ca-root-cert'],
        crls: ['istio-ca-crl'],
        trustBundleSigners: [],
        signers: ['capstan.dev/default'],
        webhook: ['capstan'],
        bundleConfigMap: ['capstan-policy-bundle'],
        bundleSecret: [],
      },
      longestLeafMs: DAY_MS,
    },
    served: { known: { address: 'localhost:15012', chain: [leaf(), certificate('CN=Mesh Issuer')] } },
    health: { known: { unready: [], degraded: [] } },
    anchors: { known: [ROOT] },
    bundle: { known: { bundle: bundleWith({}), problems: [] } },
    missingMounts: { known: [] },
    clocks: { known: [{ of: 'the API server', aheadMs: 700 }] },
    apiServerIssuer: { known: 'https://kubernetes.default.svc.cluster.local' },
    istiods: {
      known: [{ namespace: 'istio-system', name: 'istiod', revision: '', env: { ENABLE_CA_SERVER: 'false' } }],
    },
    injections: {
      known: [
        {
          namespace: 'istio-system',
          revision: '',
          caAddress: 'capstan.istio-system.svc:15012',
          pilotCertProvider: 'istiod',
          tokenAudience: 'istio-ca',
        },
      ],
    },
    meshes: { known: [{ namespace: 'istio-system', revision: '', trustDomain: 'corp.example' }] },
    ztunnels: {
      known: [
        {
          namespace: 'istio-system',
          name: 'ztunnel',
          serviceAccount: 'ztunnel',
          caAddress: 'https://capstan.istio-system.svc:15012',
        },
      ],
    },
    istiodTls: { known: [{ namespace: 'istio-system', chain: [leaf()], roots: [ROOT.sha256] }] },
    rootConfigMaps: {
      known: ['istio-system', 'shop'].map((namespace) => ({ namespace, roots: [ROOT.sha256], writers: ['capstan'] })),
    },
    crlConfigMaps: {
      known: [
        { namespace: 'istio-system', untilMs: NOW_MS + 3_600_000, writers: ['capstan'] },
        { namespace: 'shop', writers: ['capstan'] },
      ],
    },
    meshNamespaces: { known: [{ name: 'shop', labels: { 'istio-injection': 'enabled' } }] },
    webhooks: {
      known: [
        {
          kind: 'MutatingWebhookConfiguration',
          name: 'istio-sidecar-injector',
          service: 'istio-system/istiod',
          roots: [ROOT.sha256],
        },
      ],
    },
    rights: { known: [{ feature: 'attestation', verb: 'get', group: '', resource: 'pods', allowed: true }] },
    closingPolicies: { known: [] },
    endpoints: { known: 1 },
  };
}
