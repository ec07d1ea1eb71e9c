// The CustomResourceDefinitions of local policies, made of the schemas that the parser reads with: the same document is
// a policy as a file and as an object.
import { hash } from 'node:crypto';
import { stringify } from 'yaml';
import { policyJsonSchema } from '../schema/json-schema.ts';
import { STATUS } from './status-schema.ts';
import { structuralSchema, type StructuralSchema } from './structural-schema.ts';

export const POLICY_GROUP = 'capstan.dev';
export const POLICY_VERSION = 'v1alpha1';
/** On a CRD: which schema it has. */
export const SCHEMA_ANNOTATION = 'capstan.dev/schema';

/** The kinds of local policies that Kubernetes keeps. */
export const POLICY_KINDS = [
  {
    kind: 'IssuancePolicy',
    plural: 'issuancepolicies',
    singular: 'issuancepolicy',
    shortName: 'issp',
    scope: 'Namespaced',
  },
  {
    kind: 'ClusterIssuancePolicy',
    plural: 'clusterissuancepolicies',
    singular: 'clusterissuancepolicy',
    shortName: 'cissp',
    scope: 'Cluster',
  },
] as const;
type PolicyKind = (typeof POLICY_KINDS)[number];

export interface PolicyCrd {
  readonly apiVersion: 'apiextensions.k8s.io/v1';
  readonly kind: 'CustomResourceDefinition';
  readonly metadata: { readonly name: string; readonly annotations: Readonly<Record<string, string>> };
  readonly spec: object;
}

const COLUMNS = [
  { name: 'Mode', type: 'string', jsonPath: '.spec.mode', description: 'Absent, enforce.' },
  { name: 'Max TTL', type: 'string', jsonPath: '.spec.narrow.ttl.max' },
  column('Accepted', 'Accepted'),
  column('Exceeds', 'ExceedsCentral'),
  { name: 'Refused', type: 'integer', jsonPath: '.status.lastDay.refused', description: 'In the last 24 hours.' },
  { name: 'Issued', type: 'integer', jsonPath: '.status.lastDay.issued', priority: 1 },
  { name: 'Contact', type: 'string', jsonPath: '.spec.contact', priority: 1 },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
];

/** @returns the CRD of each kind, in the order of POLICY_KINDS; the same for the same program. */
export function policyCrds(): readonly PolicyCrd[] {
  return POLICY_KINDS.map(crdOf);
}

const HEAD =
  '# Local policies as objects of Kubernetes. Made by `capstan policy schema --crds`; change src/adapters/policy instead.\n';

/** @returns the same as YAML documents. */
export function policyCrdText(): string {
  const documents = policyCrds().map((crd) => stringify(crd, { lineWidth: 0, aliasDuplicateObjects: false }));
  return HEAD + documents.join('---\n');
}

function crdOf(names: PolicyKind): PolicyCrd {
  const { kind, plural, singular, shortName, scope } = names;
  const spec = {
    group: POLICY_GROUP,
    scope,
    names: { kind, listKind: `${kind}List`, plural, singular, shortNames: [shortName], categories: ['capstan'] },
    versions: [
      {
        name: POLICY_VERSION,
        served: true,
        storage: true,
        schema: { openAPIV3Schema: objectSchema(kind) },
        subresources: { status: {} },
        additionalPrinterColumns: COLUMNS,
      },
    ],
  };
  const digest = hash('sha256', JSON.stringify(spec), 'hex').slice(0, 16);
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${POLICY_GROUP}`, annotations: { [SCHEMA_ANNOTATION]: digest } },
    spec,
  };
}

/** Of an object, metadata are the API server's own, whatever they say. */
function objectSchema(kind: PolicyKind['kind']): StructuralSchema {
  const { $defs = {} } = policyJsonSchema();
  const { description, properties = {} } = $defs[kind] ?? {};
  return {
    type: 'object',
    description,
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      spec: structuralSchema(properties['spec'] ?? {}, $defs, 'spec'),
      status: STATUS,
    },
  };
}

function column(name: string, condition: string): object {
  return { name, type: 'string', jsonPath: `.status.conditions[?(@.type=="${condition}")].status` };
}
