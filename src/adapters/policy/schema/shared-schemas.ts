// Parts that bundles and local policies write alike: modes, selectors, deny lists, quotas, contacts.
import { z } from 'zod';
import { MODES, type NamespaceSelector, type OnRenew, type Quotas } from '../../../domain/policy/documents.ts';
import { ISSUANCE_CLASSES } from '../../../domain/policy/request.ts';
import type { PodSelector } from '../../../domain/policy/subject-pods.ts';
import { NO_QUOTAS } from '../../../domain/policy/evaluation/statement.ts';
import {
  accountPattern,
  annotations,
  duration,
  labels,
  listOf,
  namespacePattern,
  sentence,
  someOf,
  text,
} from './scalar-schemas.ts';

/** A minute. */
const MAX_QUOTA = 1_000_000;

export const apiVersion = z.literal('capstan.dev/v1alpha1').describe('The version of these documents.');

export const mode = z
  .enum(MODES)
  .prefault('enforce')
  .describe('`enforce` refuses, `audit` issues and records what it would have refused, `off` is as if absent.');

export const classes = someOf(z.enum(ISSUANCE_CLASSES));

export const contact = sentence(200);

/** What tools that handle manifests add; it decides nothing. */
export const metadataFields = {
  labels: labels.optional().describe('Labels for your own use. They decide nothing.'),
  annotations: annotations.optional().describe('Annotations for your own use. They decide nothing.'),
};

export const namespaceSelector = z
  .strictObject({
    names: someOf(namespacePattern).optional().describe('Names of namespaces.'),
    labels: labels.optional().describe('Labels that the Namespace object must have, each with this value.'),
  })
  .transform(({ names, labels: wanted }): NamespaceSelector => ({
    ...(names !== undefined && { names }),
    ...(wanted !== undefined && { labels: wanted }),
  }))
  .meta({ id: 'NamespaceSelector', description: 'Every part that is present must hold.' });

const podSelector = {
  // A label's value cannot be a star.
  labels: labels
    .optional()
    .describe(
      'Labels that the pod must have, each with this value; `*` is any value. Whoever makes a pod writes them.',
    ),
};

/** Of who has no pod, nothing is selected. */
export const podsByLabel = z
  .strictObject(podSelector)
  .refine(({ labels: wanted = {} }) => Object.keys(wanted).length > 0, 'must name a label')
  .transform(({ labels: wanted = {} }): PodSelector => ({ labels: wanted }));

export const pods = z
  .strictObject({
    ...podSelector,
    images: someOf(text(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 lower-case hex digits'))
      .optional()
      .describe('Digests of images: every container of the pod, sidecars included, runs one of them.'),
  })
  .refine(
    ({ labels: wanted = {}, images }) => Object.keys(wanted).length > 0 || images !== undefined,
    'must have labels or images',
  )
  .transform(({ labels: wanted, images }): PodSelector => ({
    ...(wanted !== undefined && { labels: wanted }),
    ...(images !== undefined && { images }),
  }))
  .meta({
    id: 'PodSelector',
    description: 'Every part that is present must hold for every pod that shares the identity.',
  });

export const deniedAccounts = listOf(accountPattern).prefault([]).describe('Service accounts that get nothing.');

export const deny = z.strictObject({
  namespaces: listOf(namespacePattern).prefault([]).describe('Namespaces that get nothing.'),
  serviceAccounts: deniedAccounts,
});

const quota = z.int().min(1).max(MAX_QUOTA).optional();

export const quotas = z
  .strictObject({
    perNamespacePerMinute: quota.describe('Most certificates a minute for a namespace. Absent, no limit.'),
    perIdentityPerMinute: quota.describe('Most certificates a minute for one identity. Absent, no limit.'),
  })
  .prefault({})
  .transform((written): Quotas => ({
    perNamespacePerMinute: written.perNamespacePerMinute ?? NO_QUOTAS.perNamespacePerMinute,
    perIdentityPerMinute: written.perIdentityPerMinute ?? NO_QUOTAS.perIdentityPerMinute,
  }));

export const onRenew = z
  .union(
    [z.enum(['enforce', 'warn']), z.strictObject({ grace: duration.describe('How long after it last held.') })],
    'must be enforce, warn, or a grace such as { grace: 2h }',
  )
  .transform((written): OnRenew =>
    typeof written === 'string' ? { kind: written } : { kind: 'grace', graceMs: written.grace },
  );
