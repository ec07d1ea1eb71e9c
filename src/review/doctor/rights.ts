// What Capstan's service account may do, right by right, and what needs it. The chart's roles grant exactly these
// (a test compares), and the doctor asks the API server for each.
import type { CapstanSettings, Feature, ObjectNames } from './facts.ts';

export interface Right {
  readonly feature: Feature;
  readonly group: string;
  /** Plural, with the subresource: `certificatesigningrequests/status`. */
  readonly resource: string;
  readonly verbs: readonly string[];
  /** The only object that it is for, as it is called unless the configuration says otherwise. */
  readonly name?: string;
  /** Where the configuration says otherwise. */
  readonly nameFrom?: keyof ObjectNames;
  /** By a Role: in Capstan's own namespace, istiod's, or that of `cluster.remote.secrets`, `policy.bundle.from` or an upstream. In the whole cluster when absent. */
  readonly within?: keyof CapstanSettings['namespaces'];
  /** What it is for, in a few words. */
  readonly why: string;
}

const READ = ['get', 'list', 'watch'] as const;
const CERTIFICATES = 'certificates.k8s.io';
const POLICIES = 'capstan.dev';
const CRDS = { group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions', verbs: ['get'] } as const;
const ROOTS = 'istio-ca-root-cert';
const CRLS = 'istio-ca-crl';
const CRLS_WHY = 'the revocation lists in each namespace';

/** Listed for rogue CAs: what may hold one, and what names it. */
const ROGUES_LIST: readonly (readonly [group: string, ...resources: string[]])[] = [
  ['', 'configmaps'],
  ['cert-manager.io', 'issuers', 'clusterissuers', 'certificates'],
  ['networking.istio.io', 'gateways'],
  ['gateway.networking.k8s.io', 'gateways'],
  ['networking.k8s.io', 'ingresses'],
  ['admissionregistration.k8s.io', 'mutatingwebhookconfigurations', 'validatingwebhookconfigurations'],
  ['apiextensions.k8s.io', 'customresourcedefinitions'],
  ['apiregistration.k8s.io', 'apiservices'],
  [CERTIFICATES, 'clustertrustbundles'],
];
const CLUSTER_CAS = ['kube-root-ca.crt', 'extension-apiserver-authentication'];

const [LEASES, SIGNERS] = ['leases', 'signers'];
const ONE_WRITER = 'one replica writes at a time';
const BUNDLE = 'capstan-policy-bundle';
const OUR_SIGNER = 'capstan.dev/default';

export const RIGHTS: readonly Right[] = [
  {
    ...{ feature: 'attestation', group: '', resource: 'pods', verbs: READ },
    why: 'whether the pod of a token still runs, and on which node',
  },
  {
    ...{ feature: 'attestation', group: '', resource: 'serviceaccounts', verbs: READ },
    why: 'whether the account of a token is still the same',
  },
  {
    ...{ feature: 'attestation', group: '', resource: 'namespaces', verbs: READ },
    why: 'labels that policies name; which namespaces there are, and which end',
  },
  {
    ...{ feature: 'attestation', group: 'authentication.k8s.io', resource: 'tokenreviews', verbs: ['create'] },
    why: 'a token is confirmed when it is first seen',
  },
  {
    ...{ feature: 'leader', group: 'coordination.k8s.io', resource: LEASES, verbs: ['create'], within: 'own' },
    why: ONE_WRITER,
  },
  {
    ...{ feature: 'leader', group: 'coordination.k8s.io', resource: LEASES, verbs: ['get', 'update'], within: 'own' },
    ...{ name: 'capstan', nameFrom: 'lease', why: ONE_WRITER },
  },
  {
    ...{
      feature: 'leader',
      group: '',
      resource: 'configmaps',
      verbs: ['list', 'delete'],
      name: ROOTS,
      nameFrom: 'roots',
    },
    why: 'those that Capstan wrote are removed when that is switched off; those of others are left alone',
  },
  {
    ...{ feature: 'leader', group: '', resource: 'configmaps', verbs: ['list', 'patch'], name: CRLS, nameFrom: 'crls' },
    why: 'those that Capstan wrote are emptied when that is switched off; those of others are left alone',
  },
  {
    ...{ feature: 'rootConfigMap', group: '', resource: 'configmaps', verbs: ['create'] },
    why: 'the roots in each namespace; RBAC cannot name what does not exist yet',
  },
  {
    ...{ feature: 'rootConfigMap', group: '', resource: 'configmaps', verbs: ['list', 'watch', 'patch', 'delete'] },
    ...{ name: ROOTS, nameFrom: 'roots', why: 'the roots in each namespace' },
  },
  {
    ...{ feature: 'crlConfigMap', group: '', resource: 'configmaps', verbs: ['create'] },
    why: `${CRLS_WHY}; RBAC cannot name what does not exist yet`,
  },
  {
    ...{ feature: 'crlConfigMap', group: '', resource: 'configmaps', verbs: ['list', 'watch', 'patch'] },
    ...{ name: CRLS, nameFrom: 'crls', why: `${CRLS_WHY}, never deleted` },
  },
  {
    ...{ feature: 'clusterTrustBundle', group: CERTIFICATES, resource: 'clustertrustbundles' },
    ...{ verbs: ['list', 'watch', 'create', 'patch', 'delete'], why: 'the roots as an object of the cluster' },
  },
  {
    ...{ feature: 'clusterTrustBundle', group: CERTIFICATES, resource: SIGNERS, verbs: ['attest'] },
    ...{ name: OUR_SIGNER, nameFrom: 'trustBundleSigners' },
    why: 'the API server asks for it beside the verbs above',
  },
  {
    ...{ feature: 'istiodTls', group: '', resource: 'secrets', verbs: ['create'], within: 'istiod' },
    why: "istiod's serving certificate; RBAC cannot name what does not exist yet",
  },
  {
    ...{ feature: 'istiodTls', group: '', resource: 'secrets', verbs: ['get', 'patch'], within: 'istiod' },
    ...{ name: 'istiod-tls', why: "istiod's serving certificate. No Secret is listed, and no other is read" },
  },
  {
    ...{ feature: 'policies', group: POLICIES, resource: 'issuancepolicies', verbs: READ },
    why: 'policies of namespaces',
  },
  {
    ...{ feature: 'policies', group: POLICIES, resource: 'clusterissuancepolicies', verbs: READ },
    why: 'policies of the platform team',
  },
  {
    ...{ feature: 'policies', group: POLICIES, resource: 'issuancepolicies/status', verbs: ['patch'] },
    why: 'what became of a policy, where its author looks',
  },
  {
    ...{ feature: 'policies', group: POLICIES, resource: 'clusterissuancepolicies/status', verbs: ['patch'] },
    why: 'what became of a policy, where its author looks',
  },
  {
    ...{ feature: 'policies', ...CRDS, name: 'issuancepolicies.capstan.dev' },
    why: 'whether the CRDs are of this version',
  },
  {
    ...{ feature: 'policies', ...CRDS, name: 'clusterissuancepolicies.capstan.dev' },
    why: 'whether the CRDs are of this version',
  },
  {
    ...{ feature: 'events', group: '', resource: 'events', verbs: ['create', 'patch'] },
    why: 'refusals, on the service account and the pod',
  },
  {
    ...{ feature: 'certificateSigningRequests', group: CERTIFICATES, resource: 'certificatesigningrequests' },
    ...{ verbs: READ, why: 'requests for our signers' },
  },
  {
    ...{ feature: 'certificateSigningRequests', group: CERTIFICATES, resource: 'certificatesigningrequests/status' },
    ...{ verbs: ['update'], why: 'the certificate, or why there is none' },
  },
  {
    ...{ feature: 'certificateSigningRequests', group: CERTIFICATES, resource: SIGNERS, verbs: ['sign'] },
    ...{ name: OUR_SIGNER, nameFrom: 'signers', why: 'for no signer but our own' },
  },
  {
    ...{ feature: 'podCertificates', group: CERTIFICATES, resource: 'podcertificaterequests', verbs: READ },
    why: 'requests that kubelets make for pods',
  },
  {
    ...{ feature: 'podCertificates', group: CERTIFICATES, resource: 'podcertificaterequests/status' },
    ...{ verbs: ['update'], why: 'the certificate, or why there is none' },
  },
  {
    ...{ feature: 'podCertificates', group: CERTIFICATES, resource: SIGNERS, verbs: ['sign'], name: OUR_SIGNER },
    ...{ nameFrom: 'signers', why: 'for no signer but our own' },
  },
  {
    ...{ feature: 'remoteSecrets', group: '', resource: 'secrets', verbs: ['list', 'watch'], within: 'remote' },
    why: 'kubeconfigs of further clusters, where they are Secrets rather than mounted files: the one place where Secrets are listed',
  },
  {
    ...{ feature: 'policyBundle', group: '', resource: 'configmaps', verbs: READ, within: 'bundle' },
    ...{
      name: BUNDLE,
      nameFrom: 'bundleConfigMap',
      why: 'the policy bundle, where it is an object rather than a file',
    },
  },
  {
    ...{ feature: 'policyBundle', group: '', resource: 'secrets', verbs: READ, within: 'bundle' },
    ...{
      name: BUNDLE,
      nameFrom: 'bundleSecret',
      why: 'the same, where `policy.bundle.from.kind` is `Secret`: this one alone',
    },
  },
  {
    ...{ feature: 'certManager', group: 'cert-manager.io', resource: 'certificaterequests', within: 'certManager' },
    ...{
      verbs: ['create', 'get', 'list', 'watch', 'delete'],
      why: 'intermediates are asked for, and old requests deleted',
    },
  },
  {
    ...{ feature: 'admission', group: 'admissionregistration.k8s.io', resource: 'validatingwebhookconfigurations' },
    ...{ verbs: ['get', 'update'], name: 'capstan', nameFrom: 'webhook' },
    ...{ why: 'the roots by which the API server knows our webhook' },
  },
  ...ROGUES_LIST.flatMap(([group, ...resources]) =>
    resources.map((resource): Right => ({
      ...{ feature: 'rogues', group, resource, verbs: ['list'] },
      why: 'CAs that should not be there, and who uses them',
    })),
  ),
  ...CLUSTER_CAS.map((name): Right => ({
    ...{ feature: 'rogues', group: '', resource: 'configmaps', verbs: ['get'], name },
    why: "the cluster's own CAs, which are none of these",
  })),
  {
    ...{ feature: 'rogueSecrets', group: '', resource: 'secrets', verbs: ['list'] },
    why: 'the same in Secrets, where `rogue.cluster` is `all`: with their private keys, for Kubernetes gives no part of a Secret',
  },
];

/** A right as the API server is asked about it. */
export interface WantedRight {
  readonly feature: Feature;
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly namespace?: string;
  readonly name?: string;
}

/** As messages and pages name it. */
export function formatResource({ resource, group }: Pick<WantedRight, 'resource' | 'group'>): string {
  return group === '' ? resource : `${resource}.${group}`;
}

/** @returns one for each verb and object, of all that the configuration switches on. */
export function rightsOf(settings: Pick<CapstanSettings, 'features' | 'namespaces' | 'names'>): readonly WantedRight[] {
  return RIGHTS.filter(({ feature }) => settings.features.includes(feature)).flatMap((right) =>
    right.verbs.flatMap((verb) => namesOf(right, settings).flatMap((name) => wantedOf(right, verb, name, settings))),
  );
}

function namesOf(
  { name, nameFrom }: Right,
  { names }: Pick<CapstanSettings, 'names'>,
): readonly (string | undefined)[] {
  return nameFrom === undefined ? [name] : names[nameFrom];
}

function wantedOf(
  { feature, group, resource, within }: Right,
  verb: string,
  name: string | undefined,
  { namespaces }: Pick<CapstanSettings, 'namespaces'>,
): readonly WantedRight[] {
  const right = { feature, verb, group, resource, ...(name !== undefined && { name }) };
  return within === undefined ? [right] : [namespaces[within]].flat().map((namespace) => ({ ...right, namespace }));
}
