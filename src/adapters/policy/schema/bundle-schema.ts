// The central bundle as the security team writes it.
import { z } from 'zod';
import {
  GUARDED_OPERATIONS,
  type BundleIssuer,
  type ClassAssignment,
  type LocalCeiling,
  type PolicyBundle,
} from '../../../domain/policy/documents.ts';
import { rule } from './rule-schema.ts';
import { look, unique } from './checks.ts';
import {
  accountPattern,
  clusterPattern,
  duration,
  EVERYBODY,
  label,
  listOf,
  moment,
  namespacePattern,
  sentence,
  someOf,
  text,
  wait,
} from './scalar-schemas.ts';
import {
  apiVersion,
  contact,
  metadataFields,
  namespaceSelector,
  onRenew,
  podsByLabel,
  quotas,
} from './shared-schemas.ts';

const MAX_RULES = 1_000;
const LONGEST_WAIT = '10s';

const issuerName = text(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/, "must be an issuer's name");

const validity = z
  .strictObject({
    notBefore: moment.optional().describe('When it comes in force. Absent, it always has been.'),
    softExpiry: moment.optional().describe('From here on Capstan warns that it ends. Absent, never.'),
    hardExpiry: moment.optional().describe('From here on nobody new gets an identity. Absent, never.'),
    renewAfterHardExpiry: z
      .boolean()
      .prefault(false)
      .describe('Whether those who have a certificate may renew it after `hardExpiry`.'),
  })
  .superRefine(
    ...look(({ notBefore, softExpiry, hardExpiry }, complain) => {
      if (isAfter(notBefore, softExpiry)) complain(['notBefore'], 'is not before softExpiry');
      if (isAfter(notBefore, hardExpiry)) complain(['notBefore'], 'is not before hardExpiry');
      if (typeof softExpiry === 'number' && typeof hardExpiry === 'number' && softExpiry > hardExpiry) {
        complain(['softExpiry'], 'is after hardExpiry');
      }
    }),
  )
  .prefault({})
  .transform(({ notBefore = 0, softExpiry = Infinity, hardExpiry = Infinity, renewAfterHardExpiry }) => ({
    notBeforeMs: notBefore,
    softExpiryMs: softExpiry,
    hardExpiryMs: hardExpiry,
    renewAfterHardExpiry,
  }));

function isAfter(begin: unknown, end: unknown): boolean {
  return typeof begin === 'number' && typeof end === 'number' && begin >= end;
}

/** Deeper than any hierarchy of a mesh. */
const MAX_PATH_LENGTH = 10;

const issuer = z
  .strictObject({
    name: issuerName.describe("The issuer's name in the server's configuration."),
    anchor: text(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 lower-case hex digits')
      .optional()
      .describe('SHA-256 digest of the trust anchor that it must chain to. Absent, any.'),
    minRemaining: duration.optional().describe('How long the issuer must still be able to sign. Absent, at all.'),
    maxPathLength: z
      .int()
      .min(0)
      .max(MAX_PATH_LENGTH)
      .optional()
      .describe(
        'Most CAs that its certificate may allow below it (pathLenConstraint); one that sets none is refused then. Absent, any.',
      ),
  })
  .transform(({ name, anchor, minRemaining = 0, maxPathLength }): BundleIssuer => ({
    name,
    minRemainingMs: minRemaining,
    ...(anchor !== undefined && { anchor: anchor.slice('sha256:'.length) }),
    ...(maxPathLength !== undefined && { maxPathLength }),
  }));

const classAssignment = z
  .strictObject({
    class: z.enum(['gateway', 'waypoint', 'control-plane']).describe('The class that they are.'),
    namespaces: someOf(namespacePattern).describe('Where they run.'),
    serviceAccounts: someOf(accountPattern).prefault(EVERYBODY).describe('Their service accounts.'),
    pods: podsByLabel
      .optional()
      .describe(
        'Their pods. With it the class is added to `workload` and can only take away: whoever may make a pod may label it.',
      ),
  })
  .transform(({ pods: selected, ...rest }): ClassAssignment => ({
    ...rest,
    ...(selected !== undefined && { pods: selected }),
  }));

const auditSelector = namespaceSelector.refine(
  ({ names, labels: wanted }) => names !== undefined || Object.keys(wanted ?? {}).length > 0,
  'must have names or labels; write names: ["*"] for all namespaces',
);

const ceiling = z
  .strictObject({
    requireLocal: z
      .boolean()
      .prefault(false)
      .describe('Whether a namespace needs a policy of its own to get anything.'),
    maxLocalWait: wait(LONGEST_WAIT).prefault(LONGEST_WAIT).describe('Longest `waitFor` that has effect.'),
    onRenew: onRenew
      .prefault('warn')
      .describe('The gentlest `onRenew` that has effect in local policies: `enforce`, `{ grace: 2h }` or `warn`.'),
    quotas: quotas.describe('How many certificates any namespace and identity may get.'),
    audit: listOf(auditSelector)
      .prefault([])
      .describe('Namespaces in which rules that are not `locked` are audited only.'),
  })
  .prefault({})
  .transform(({ maxLocalWait, ...rest }): LocalCeiling => ({ ...rest, maxWaitMs: maxLocalWait }));

export const policyBundle = z
  .strictObject({
    apiVersion,
    kind: z.literal('PolicyBundle'),
    metadata: z
      .strictObject({
        name: label.describe('Names the bundle in decisions, as `name@sequence`.'),
        sequence: z.int().min(1).describe('Greater with every change. A server takes no step back.'),
        ...metadataFields,
      })
      .describe('What it is called.'),
    validity: validity.describe('When it is in force.'),
    audience: z
      .strictObject({ clusters: someOf(clusterPattern).describe('Ids of clusters.') })
      .optional()
      .describe('Which clusters it is meant for. Absent, every one.'),
    owner: z
      .strictObject({
        team: sentence(200).describe('Who writes the bundle.'),
        contact: contact.describe('Whom to ask; refused workloads read it.'),
      })
      .describe('Whose it is.'),
    issuers: listOf(issuer)
      .superRefine(...unique('name'))
      .prefault([])
      .describe('What issuers must be like.'),
    classes: listOf(classAssignment).prefault([]).describe('Which workloads are of another class than `workload`.'),
    rules: z
      .array(rule)
      .max(MAX_RULES)
      .superRefine(...unique('id'))
      .describe('Who gets what. Nobody gets anything else.'),
    namespaces: ceiling.describe('What local policies may choose.'),
    twoPersons: listOf(z.enum(GUARDED_OPERATIONS))
      .prefault([])
      .describe('Operations that wait until another person than who asked for them approves.'),
  })
  .transform(({ kind, metadata: { name, sequence }, audience, ...rest }): PolicyBundle => ({
    kind,
    name,
    sequence,
    audience: audience?.clusters ?? EVERYBODY,
    validity: rest.validity,
    owner: rest.owner,
    issuers: rest.issuers,
    classes: rest.classes,
    rules: rest.rules,
    namespaces: rest.namespaces,
    twoPersons: rest.twoPersons,
  }))
  .meta({
    id: 'PolicyBundle',
    title: 'PolicyBundle',
    description: "The security team's central policy, one signed document.",
  });
