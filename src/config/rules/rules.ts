// Rules between keys. Each is asked only when all the keys it reads are sound, so that one mistake
// is not reported twice.
import { kubernetesIdentity } from '../../domain/identity/kubernetes-identity.ts';
import { isOnThisMachine } from '../shapes/journal-store.ts';
import type { Config } from '../schema.ts';
import { ADMINISTRATION_RULES } from './administration-rules.ts';
import { AUDIT_RULES } from './audit-rules.ts';
import { ISSUER_RULES } from './issuer-rules.ts';
import { LISTENER_RULES } from './listener-rules.ts';
import { POLICY_OBJECT_RULES } from './policy-object-rules.ts';
import { PUBLICATION_RULES } from './publication-rules.ts';
import { ROGUE_RULES } from './rogue-rules.ts';
import { SIGNER_RULES } from './signer-rules.ts';

export interface Rule {
  /** Paths of the keys that the rule reads; the first is the one to change. */
  readonly reads: readonly [string, ...string[]];
  /** @returns what is wrong, each with the rest of the path within the first key. */
  readonly check: (
    config: Config,
  ) => readonly { readonly within?: readonly (string | number)[]; readonly problem: string }[];
}

/** Backdating beyond this share of a lifetime would have half-life renewal start at once. */
const MAX_BACKDATE_SHARE = 1 / 4;

const MAX_PROOF_AGE = 'authentication.maxProofAge';
const PROOF_AGES = ['workload', 'gateway', 'waypoint', 'controlPlane'].map((name) => `${MAX_PROOF_AGE}.${name}`);

const PUBLISH = 'cluster.kubernetes.publish';

const NEEDS_OWN_CLUSTER = 'needs cluster.kubernetes.from: further clusters stand beside the own one';

const when = (wrong: boolean, problem: string): ReturnType<Rule['check']> => (wrong ? [{ problem }] : []);

const ISTIOD_TTL = `${PUBLISH}.istiodTls.ttl`;

/** Each lifetime that is configured, by its key. */
function lifetimesOf({ lifetimes, sds, serving, cluster }: Config): Readonly<Record<string, number>> {
  return {
    'lifetimes.default': lifetimes.default,
    'sds.ttl': sds.ttl,
    'serving.ttl': serving.ttl,
    [ISTIOD_TTL]: cluster.kubernetes.publish.istiodTls.ttl,
  };
}

export const RULES: readonly Rule[] = [
  ...ISSUER_RULES,
  ...AUDIT_RULES,
  ...ROGUE_RULES,
  {
    reads: ['lifetimes.default', 'lifetimes.max'],
    check: ({ lifetimes }) => when(lifetimes.default > lifetimes.max, 'must not be longer than lifetimes.max'),
  },
  {
    reads: ['lifetimes.min', 'lifetimes.default', 'sds.ttl', 'serving.ttl', ISTIOD_TTL],
    check: (config) => {
      const { lifetimes } = config;
      const lifetimesMs = lifetimesOf(config);
      return Object.entries(lifetimesMs)
        .filter(([, ttlMs]) => lifetimes.min > ttlMs)
        .map(([path]) => ({ problem: `must not be longer than ${path}` }));
    },
  },
  {
    reads: ['sds.ttl', 'lifetimes.max'],
    check: ({ sds, lifetimes }) => when(sds.ttl > lifetimes.max, 'must not be longer than lifetimes.max'),
  },
  {
    reads: ['lifetimes.backdate', 'lifetimes.default', 'sds.ttl', 'serving.ttl', ISTIOD_TTL],
    check: (config) => {
      const { lifetimes } = config;
      const lifetimesMs = lifetimesOf(config);
      return Object.entries(lifetimesMs)
        .filter(([, ttlMs]) => lifetimes.backdate >= ttlMs * MAX_BACKDATE_SHARE)
        .map(([path]) => ({ problem: `must be less than a quarter of ${path}` }));
    },
  },
  {
    reads: ['policy.bundle.file', 'policy.bundle.url', 'policy.bundle.from.name'],
    check: ({ policy: { bundle } }) =>
      when(
        [bundle.file, bundle.url, bundle.from.name].filter((place) => place !== undefined).length !== 1,
        'one of a file, a URL and an object of the cluster must say where the bundle is',
      ),
  },
  {
    reads: ['policy.bundle.keys', 'policy.bundle.unsigned'],
    check: ({ policy: { bundle } }) =>
      when(bundle.keys.length === 0 && !bundle.unsigned, 'must name one: unsigned bundles are for `serve --dev` alone'),
  },
  {
    reads: ['policy.bundle.threshold', 'policy.bundle.keys'],
    check: ({ policy: { bundle } }) =>
      when(bundle.keys.length > 0 && bundle.threshold > bundle.keys.length, 'is more than there are keys'),
  },
  {
    reads: ['policy.bundle.stateFile', 'policy.bundle.keys'],
    check: ({ policy: { bundle } }) =>
      when(bundle.stateFile === undefined && bundle.keys.length > 0, 'is required, so that an older bundle is refused'),
  },
  {
    reads: ['policy.bundle.caFile', 'policy.bundle.url'],
    check: ({ policy: { bundle } }) =>
      when(bundle.url !== undefined && bundle.caFile === undefined, 'is required with policy.bundle.url'),
  },
  {
    reads: ['serving.dnsNames', 'serving.ipAddresses'],
    check: ({ serving }) =>
      when(
        serving.dnsNames.length + serving.ipAddresses.length === 0,
        'must name one host, here or in serving.ipAddresses: clients verify it',
      ),
  },
  {
    reads: ['authentication.tokens.issuers'],
    check: ({ authentication }) =>
      repeated(authentication.tokens.issuers.map(({ issuer }) => issuer)).map((index) => ({
        within: [index, 'issuer'],
        problem: 'is listed twice',
      })),
  },
  {
    reads: ['authentication.tokens.issuers', 'authentication.clientCertificates', 'sds.sockets', 'sds.socketDirectory'],
    check: ({ authentication, sds }) =>
      when(
        authentication.tokens.issuers.length + sds.sockets.length === 0 &&
          !authentication.clientCertificates &&
          sds.socketDirectory === undefined,
        'must name an issuer: with client certificates off and no SDS socket, no caller can be authenticated',
      ),
  },
  {
    reads: ['journal.retention', 'lifetimes.max', ...PROOF_AGES],
    check: ({ journal, lifetimes, authentication: { clientCertificates, maxProofAge } }) => {
      const needed = Object.entries(maxProofAge).map(([name, ms]) => [`${MAX_PROOF_AGE}.${name}`, ms] as const);
      const shorter = [['lifetimes.max', lifetimes.max] as const, ...needed].filter(
        ([, leastMs]) => clientCertificates && leastMs < Infinity && journal.retention < leastMs,
      );
      return shorter.map(([path]) => ({
        problem: `must not be shorter than ${path}: a renewal by certificate is judged by the records in the journal`,
      }));
    },
  },
  {
    reads: ['journal.postgres.caFile', 'journal.store'],
    check: ({ journal: { store, postgres } }) =>
      when(
        store.kind === 'postgres' && !isOnThisMachine(store) && postgres.caFile === undefined,
        'is required: what is said to a PostgreSQL on another machine goes over TLS, verified with this CA',
      ),
  },
  {
    reads: ['journal.postgres.statementTimeout', 'journal.store', 'listen.requestTimeout'],
    check: ({ journal: { store, postgres }, listen }) =>
      when(
        store.kind === 'postgres' && 2 * postgres.statementTimeout >= listen.requestTimeout,
        'must be less than half of listen.requestTimeout: a record that was lost on its way is sent once more',
      ),
  },
  ...ADMINISTRATION_RULES,
  {
    reads: ['authentication.furtherIssuersFile', ...PROOF_AGES],
    check: ({ authentication: { furtherIssuersFile, maxProofAge } }) =>
      when(
        furtherIssuersFile !== undefined && !Object.values(maxProofAge).includes(Infinity),
        `has no effect while every ${MAX_PROOF_AGE} is limited: what others issued is in no journal here`,
      ),
  },
  {
    reads: ['additionalIssuers', 'issuer.name', 'lifetimes.min'],
    check: ({ issuer, additionalIssuers, lifetimes }) => {
      const again = repeated([issuer.name, ...additionalIssuers.map(({ name }) => name)]);
      const short = additionalIssuers.flatMap(({ maxTtl = Infinity }, index) =>
        maxTtl < lifetimes.min ? [index] : [],
      );
      return [
        ...again.map((index) => ({ within: [index - 1, 'name'], problem: 'is the name of another issuer too' })),
        ...short.map((index) => ({ within: [index, 'maxTtl'], problem: 'is shorter than lifetimes.min' })),
      ];
    },
  },
  {
    reads: ['trustAnchors.federated', 'trustDomain'],
    check: ({ trustAnchors: { federated }, trustDomain }) => {
      const names = federated.map((entry) => entry.trustDomain);
      const again = repeated(names).map((index) => ({ within: [index, 'trustDomain'], problem: 'is listed twice' }));
      const own = names.flatMap((name, index) =>
        name === trustDomain
          ? [{ within: [index, 'trustDomain'], problem: "is this mesh's own; its anchors are in trustAnchors.file" }]
          : [],
      );
      return [...again, ...own];
    },
  },
  {
    reads: ['cluster.manifests', 'cluster.kubernetes.from'],
    check: ({ cluster: { manifests, kubernetes } }) =>
      when(
        manifests !== undefined && kubernetes.from !== undefined,
        'must be absent with cluster.kubernetes.from: the cluster is described in one place',
      ),
  },
  ...POLICY_OBJECT_RULES,
  {
    reads: ['cluster.remote.directory', 'cluster.kubernetes.from'],
    check: ({ cluster: { remote, kubernetes } }) =>
      when(remote.directory !== undefined && kubernetes.from === undefined, NEEDS_OWN_CLUSTER),
  },
  {
    reads: ['cluster.remote.secrets.namespace', 'cluster.kubernetes.from'],
    check: ({ cluster: { remote, kubernetes } }) =>
      when(remote.secrets.namespace !== undefined && kubernetes.from === undefined, NEEDS_OWN_CLUSTER),
  },
  {
    reads: ['cluster.kubernetes.kubeconfig', 'cluster.kubernetes.from'],
    check: ({ cluster: { kubernetes } }) =>
      kubernetes.from === 'kubeconfig'
        ? when(kubernetes.kubeconfig === undefined, 'is required with from: kubeconfig')
        : when(kubernetes.kubeconfig !== undefined, 'must be absent unless cluster.kubernetes.from is kubeconfig'),
  },
  {
    reads: ['cluster.kubernetes.context', 'cluster.kubernetes.from'],
    check: ({ cluster: { kubernetes } }) =>
      when(
        kubernetes.context !== undefined && kubernetes.from !== 'kubeconfig',
        'must be absent unless cluster.kubernetes.from is kubeconfig',
      ),
  },
  ...PUBLICATION_RULES,
  ...SIGNER_RULES,
  {
    reads: ['sds.sockets', 'trustDomain'],
    check: ({ sds, trustDomain }) =>
      sds.sockets.flatMap(({ namespace, serviceAccount }, index) => {
        const identity = kubernetesIdentity(trustDomain, namespace, serviceAccount);
        return 'problem' in identity ? [{ within: [index], problem: identity.problem }] : [];
      }),
  },
  {
    reads: ['sds.sockets'],
    check: ({ sds }) =>
      repeated(sds.sockets.map(({ path }) => path)).map((index) => ({
        within: [index, 'path'],
        problem: 'is the path of another socket too',
      })),
  },
  ...LISTENER_RULES,
];

/** @returns the indices of entries that an earlier entry equals. */
function repeated(list: readonly string[]): readonly number[] {
  return list.flatMap((entry, index) => (list.indexOf(entry) < index ? [index] : []));
}
