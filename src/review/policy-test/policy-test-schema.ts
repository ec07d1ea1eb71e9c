// The shape of a policy test: policies, a cluster, and cases of one request and the decision that is expected.
// Strict, so that a word that is misspelled is a problem and not an expectation that never fails.
import { z } from 'zod';
import { parseMoment } from '../../domain/text/moment.ts';
import { parseDuration } from '../../domain/text/duration.ts';
import { USAGES } from '../../domain/policy/bounds.ts';
import { POLICY_REASONS } from '../../domain/policy/policy-decision.ts';
import { CLAIMS, ISSUANCE_CLASSES, type ClaimName } from '../../domain/policy/request.ts';
import { parseKey } from '../requests/assumed-request.ts';

export const MAX_CASES = 1_000;
/** Of paths, inline documents, names and objects in one list. */
const MAX_LISTED = 1_000;

const text = z.string().min(1).max(1_000);
const texts = z.array(text).max(MAX_LISTED);
const labels = z.record(text, z.string());

/** A text with a meaning: its own words say what is wrong with it. */
function meaning<T>(parse: (text: string) => T | { readonly problem: string }) {
  return z.string().transform((written, context): T => {
    const value = parse(written);
    if (!isProblem(value)) return value;
    context.addIssue(value.problem);
    return z.NEVER;
  });
}

function isProblem(value: unknown): value is { readonly problem: string } {
  return typeof value === 'object' && value !== null && 'problem' in value;
}

const duration = meaning(parseDuration);
const moment = meaning(parseMoment);
const key = meaning(parseKey);
const anchor = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 hex digits')
  .transform((written) => written.slice('sha256:'.length));

const claim = z.string().exactOptional();
const claims = Object.fromEntries(CLAIMS.map((name) => [name, claim])) as Record<ClaimName, typeof claim>;

const request = z
  .strictObject({
    namespace: text,
    serviceAccount: text,
    trustDomain: text,
    key,
    ttl: duration,
    dnsNames: texts,
    actor: text,
    /** Names of the pods that the certificate is for, where the actor asks; else `claims.podName` names the one. */
    pods: texts,
    claims: z.strictObject(claims),
    issuer: z.strictObject({ name: text, remaining: duration.optional(), anchors: z.array(anchor).optional() }),
    /** `null` takes back what the requests of the test have in common. */
    currentCertificate: z
      .strictObject({ issued: moment, notAfter: moment, waived: z.record(text, moment).default({}) })
      .nullable(),
    now: moment,
  })
  .partial();

const reasons = z.array(z.enum(POLICY_REASONS)).max(MAX_LISTED);
const quota = z.int().min(0).nullable();

/** Each field says something of the decision; what is left out is not looked at. See mismatches.ts. */
const expectation = z.strictObject({
  outcome: z.enum(['approved', 'refused', 'unavailable']),
  reason: z.enum([...POLICY_REASONS, 'CAP-S01', 'CAP-S10', 'CAP-S11', 'CAP-S14']).optional(),
  failures: reasons.optional(),
  policy: text.optional(),
  field: text.optional(),
  contact: text.optional(),
  mayPassLater: z.boolean().optional(),
  wait: duration.optional(),
  audits: reasons.optional(),
  waived: texts.optional(),
  class: z.enum(ISSUANCE_CLASSES).optional(),
  applied: texts.optional(),
  objects: texts.optional(),
  ttlMin: duration.optional(),
  ttlMax: duration.optional(),
  ttlDefault: duration.optional(),
  usages: z.array(z.enum(USAGES)).optional(),
  quotas: z.strictObject({ perNamespacePerMinute: quota, perIdentityPerMinute: quota }).partial().optional(),
});

/** A path, or a document as it would stand in a file. */
const document = z.union([text, z.looseObject({})], 'must be a path, or a document');
const snapshot = z.union([z.literal('unsynced'), z.array(document).max(MAX_LISTED)], {
  error: 'must be a list of paths and objects, or unsynced',
});

export const policyTestSchema = z.strictObject({
  apiVersion: z.literal('capstan.dev/v1alpha1'),
  kind: z.literal('PolicyTest'),
  metadata: z.strictObject({ name: text }),
  bundle: document,
  policies: z.array(document).max(MAX_LISTED).default([]),
  cluster: z.strictObject({ id: text, labels: labels.default({}) }).default({ id: 'default', labels: {} }),
  /** Of every case that has none of its own. */
  snapshot: snapshot.default([]),
  /** What the requests of all cases have in common. */
  request: request.default({}),
  cases: z
    .array(
      z.strictObject({
        name: text,
        request,
        snapshot: snapshot.optional(),
        expect: expectation,
      }),
    )
    .min(1)
    .max(MAX_CASES),
});

export type WrittenTest = z.infer<typeof policyTestSchema>;
export type Expectation = z.infer<typeof expectation>;
export type WrittenRequest = z.infer<typeof request>;
export type WrittenSnapshot = z.infer<typeof snapshot>;
