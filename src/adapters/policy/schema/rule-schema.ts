// Central rules as the security team writes them: of whom a rule speaks, and what it grants, denies or asks for.
import { z } from 'zod';
import type { CentralRule } from '../../../domain/policy/documents.ts';
import type { IssuanceClass } from '../../../domain/policy/request.ts';
import { bounds } from './bounds-schema.ts';
import { conditions } from './condition-schema.ts';
import { accountPattern, clusterPattern, EVERYBODY, label, labels, limitOf, someOf } from './scalar-schemas.ts';
import { classes, contact, deny, mode, namespaceSelector, pods } from './shared-schemas.ts';

const DEFAULT_CLASSES: IssuanceClass[] = ['workload'];

const clusterSelector = z
  .strictObject({
    ids: someOf(clusterPattern).optional().describe('Ids of clusters. Absent, any.'),
    labels: labels.optional().describe("Labels in the cluster's configuration, each with this value."),
  })
  .prefault({})
  .transform(({ ids, labels: wanted }) => ({
    ...(ids !== undefined && { ids }),
    ...(wanted !== undefined && { labels: wanted }),
  }));

const match = z
  .strictObject({
    classes: classes.prefault(DEFAULT_CLASSES).describe('Classes of workloads.'),
    namespaces: namespaceSelector.prefault({}).describe('Namespaces. Absent, all.'),
    serviceAccounts: someOf(accountPattern).prefault(EVERYBODY).transform(limitOf).describe('Service accounts.'),
    pods: pods.optional().describe('Pods. Absent, all, and workloads that are none.'),
    clusters: clusterSelector.describe('Clusters. Absent, all.'),
  })
  .prefault({})
  .transform(({ pods: selected, ...rest }): CentralRule['match'] => ({
    ...rest,
    ...(selected !== undefined && { pods: selected }),
  }));

export const rule = z
  .strictObject({
    id: label.describe('Names the rule in decisions. Unique in the bundle.'),
    match: match.describe('Of whom the rule speaks. Every part that is present must hold.'),
    bounds: bounds
      .optional()
      .describe(
        'What it grants. Absent, the rule only denies or adds conditions; nobody has an identity without any rule that grants one.',
      ),
    deny: deny.prefault({}).describe('Who is refused, whatever else allows them.'),
    conditions: conditions.describe('What must hold besides.'),
    mode,
    locked: z.boolean().prefault(false).describe('Whether it stays enforced in namespaces that are audited only.'),
    contact: contact.optional().describe("Whom a refused workload's owner asks. Absent, `owner.contact`."),
  })
  .transform(({ bounds: granted, contact: whom, ...rest }): CentralRule => ({
    ...rest,
    ...(granted !== undefined && { bounds: granted }),
    ...(whom !== undefined && { contact: whom }),
  }))
  .meta({ id: 'Rule', description: 'One central rule. All rules that apply to a workload must hold.' });
