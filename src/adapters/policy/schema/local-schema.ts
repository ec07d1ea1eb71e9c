// Local policies as platform teams and owners of namespaces write them. They can only say less than the bundle.
import { z } from 'zod';
import { type ClusterIssuancePolicy, type IssuancePolicy } from '../../../domain/policy/documents.ts';
import { ANY_NAME } from '../../../domain/policy/name-patterns.ts';
import { ISSUANCE_CLASSES } from '../../../domain/policy/request.ts';
import { narrowing } from './bounds-schema.ts';
import { conditions } from './condition-schema.ts';
import { accountPattern, label, limitOf, objectName, someOf } from './scalar-schemas.ts';
import {
  apiVersion,
  classes,
  contact,
  deniedAccounts,
  deny,
  metadataFields,
  mode,
  namespaceSelector,
  quotas,
} from './shared-schemas.ts';

const EMPTY_NARROWING = {};
const NO_DENY = {};

const name = objectName.describe('Names the policy in decisions.');

const specFields = {
  mode,
  subjects: z
    .strictObject({ serviceAccounts: someOf(accountPattern).optional().describe('Service accounts. Absent, all.') })
    .optional()
    .describe('Of whom the policy speaks. Absent, of all.'),
  classes: classes.optional().describe('Classes of workloads that it applies to. Absent, all.'),
  narrow: narrowing.prefault(EMPTY_NARROWING).describe('What certificates may be, within the bounds of the bundle.'),
  conditions: conditions.describe('What must hold besides.'),
  quotas: quotas.describe('How many certificates may be issued, within the quotas of the bundle.'),
  contact: contact.optional().describe("Whom a refused workload's owner asks."),
};

const clusterSpec = z
  .strictObject({
    namespaces: namespaceSelector.prefault({}).describe('Namespaces that it applies to. Absent, all.'),
    ...specFields,
    deny: deny.prefault(NO_DENY).describe('Who is refused, whatever else allows them.'),
  })
  .transform(({ namespaces, deny: denied, ...spec }) => ({ namespaces, deny: denied, ...common(spec) }));

const namespacedSpec = z
  .strictObject({
    ...specFields,
    deny: z
      .strictObject({ serviceAccounts: deniedAccounts })
      .prefault(NO_DENY)
      .describe('Who is refused, whatever else allows them.'),
  })
  .transform(({ deny: denied, ...spec }) => ({ deny: { namespaces: [], ...denied }, ...common(spec) }));

type CommonSpec = z.output<z.ZodObject<typeof specFields>>;

function common({ subjects, classes: applicable, contact: whom, ...rest }: CommonSpec) {
  return {
    ...rest,
    serviceAccounts: subjects?.serviceAccounts === undefined ? ANY_NAME : limitOf(subjects.serviceAccounts),
    classes: applicable ?? ISSUANCE_CLASSES,
    ...(whom !== undefined && { contact: whom }),
  };
}

export const clusterIssuancePolicy = z
  .strictObject({
    apiVersion,
    kind: z.literal('ClusterIssuancePolicy'),
    metadata: z.strictObject({ name, ...metadataFields }).describe('What it is called.'),
    spec: clusterSpec.describe('What it says.'),
  })
  .transform(({ kind, metadata, spec }): ClusterIssuancePolicy => ({ kind, name: metadata.name, ...spec }))
  .meta({
    id: 'ClusterIssuancePolicy',
    title: 'ClusterIssuancePolicy',
    description: "A platform team's policy for all namespaces of a cluster, or some.",
  });

export const issuancePolicy = z
  .strictObject({
    apiVersion,
    kind: z.literal('IssuancePolicy'),
    metadata: z
      .strictObject({ name, namespace: label.describe('The one namespace that it applies to.'), ...metadataFields })
      .describe('What it is called, and where it belongs.'),
    spec: namespacedSpec.describe('What it says.'),
  })
  .transform(({ kind, metadata: { name: own, namespace }, spec }): IssuancePolicy => ({
    kind,
    name: own,
    namespace,
    ...spec,
  }))
  .meta({
    id: 'IssuancePolicy',
    title: 'IssuancePolicy',
    description: 'The policy of one namespace, written by its owners.',
  });
