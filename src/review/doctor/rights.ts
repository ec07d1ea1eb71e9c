// What Capstan's service account may do, right by right, and what needs it. The chart's roles grant exactly these
// (a test compares), and the doctor asks the API server for each.
import type { CapstanSettings, Feature } from './facts.ts';

export interface Right {
  readonly feature: Feature;
  readonly group: string;
  /** Plural, with the subresource: `certificatesigningrequests/status`. */
  readonly resource: string;
  readonly verbs: readonly string[];
  /** The only object that it is for. */
  readonly name?: string;
  /** In Capstan's own namespace only, by a Role. */
  readonly ownNamespace?: true;
  /** What it is for, in a few words. */
  readonly why: string;
}

const READ = ['get', 'list', 'watch'] as const;
const WRITE = ['get', 'update', 'patch'] as const;

export const RIGHTS: readonly Right[] = [
  {
    feature: 'attestation',
    group: '',
    resource: 'pods',
    verbs: READ,
    why: 'whether the pod of a token still runs, and where',
  },
  {
    feature: 'attestation',
    group: '',
    resource: 'serviceaccounts',
    verbs: READ,
    why: 'whether the account of a token is still the same',
  },
  {
    feature: 'attestation',
    group: '',
    resource: 'namespaces',
    verbs: READ,
    why: 'labels that policies name; which namespaces end',
  },
  {
    feature: 'attestation',
    group: 'authentication.k8s.io',
    resource: 'tokenreviews',
    verbs: ['create'],
    why: 'a token is confirmed when it is first seen',
  },
  {
    feature: 'leader',
    group: 'coordination.k8s.io',
    resource: 'leases',
    verbs: ['create'],
    ownNamespace: true,
    why: 'one replica writes at a time',
  },
  {
    feature: 'leader',
    group: 'coordination.k8s.io',
    resource: 'leases',
    verbs: WRITE,
    name: 'capstan',
    ownNamespace: true,
    why: 'one replica writes at a time',
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

/** @returns one for each verb, of all that the configuration switches on. */
export function rightsOf({
  features,
  namespace,
}: Pick<CapstanSettings, 'features' | 'namespace'>): readonly WantedRight[] {
  return RIGHTS.filter(({ feature }) => features.includes(feature)).flatMap(
    ({ feature, group, resource, verbs, name, ownNamespace }) =>
      verbs.map((verb) => ({
        ...{ feature, verb, group, resource },
        ...(name !== undefined && { name }),
        ...(ownNamespace === true && { namespace }),
      })),
  );
}
