// The AdmissionReview exchange (admission.k8s.io/v1) for local policies: what the API server is about to store is held
// against the bundle in force, and what exceeds it is refused with its field. A courtesy: the evaluator is the boundary, so
// what cannot be judged here and now is let pass.
import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import { policyText } from '../objects/kept-policy.ts';
import type { JudgedPolicy } from '../objects/status/policy-status.ts';

/** How an object would stand; the bundle's name is absent before one is in force. */
export type Standing = Pick<JudgedPolicy, 'problems' | 'exceeding' | 'warnings' | 'bundle'>;

export interface AdmissionAnswer {
  readonly uid: string;
  readonly allowed: boolean;
  /** As kubectl shows it. */
  readonly status?: {
    readonly code: number;
    readonly reason: string;
    readonly message: string;
    readonly details: {
      readonly causes: readonly { readonly reason: string; readonly field: string; readonly message: string }[];
    };
  };
  readonly warnings?: readonly string[];
}

interface Request {
  readonly uid: string;
  readonly object: KubernetesObject;
  readonly oldObject?: KubernetesObject | undefined;
}

/** Causes that an answer lists. */
const MAX_CAUSES = 50;
/** The API server cuts a warning at 256 characters. */
const MAX_WARNING = 250;
const UNPROCESSABLE = 422;

/** @returns what is asked; nothing for what is no AdmissionReview of an object. */
export function admissionRequest(body: unknown): Request | undefined {
  const request = fieldOf(body, 'request');
  const [uid, object, oldObject] = ['uid', 'object', 'oldObject'].map((name) => fieldOf(request, name));
  if (fieldOf(body, 'kind') !== 'AdmissionReview' || typeof uid !== 'string' || !isObject(object)) return undefined;
  return { uid, object, oldObject: isObject(oldObject) ? oldObject : undefined };
}

/** @param judge is handed the policy as JSON text. */
export function admit(
  { uid, object, oldObject }: Request,
  judge: (text: string, at: KubernetesObject['metadata']) => Standing,
): AdmissionAnswer {
  const { problems, exceeding, warnings, bundle = '' } = judge(policyText(object), object.metadata);
  const causes = [
    ...problems.map(({ field, problem }) => ({ field, message: problem })),
    ...exceeding.map(({ field, actual, allowed }) => ({ field, message: `is ${actual}, ${bundle} gives ${allowed}` })),
  ].slice(0, MAX_CAUSES);
  const lines = causes.map(({ field, message }) => (field === '' ? message : `${field} ${message}`));
  // Whoever edits something else of it should not have to mend what a later bundle made of it.
  const isAsBefore = oldObject !== undefined && isDeepStrictEqual(object['spec'], oldObject['spec']);
  if (causes.length === 0 || isAsBefore) return allowed(uid, [...lines, ...warnings]);
  return {
    uid,
    allowed: false,
    status: {
      code: UNPROCESSABLE,
      reason: 'Invalid',
      message: lines.join('; '),
      details: { causes: causes.map((cause) => ({ reason: 'FieldValueInvalid', ...cause })) },
    },
  };
}

/** Lets pass what was not judged. @param warning is shown to whoever applies it. */
export function allowed(uid: string, warnings: readonly string[]): AdmissionAnswer {
  return {
    uid,
    allowed: true,
    ...(warnings.length > 0 && { warnings: warnings.map((one) => one.slice(0, MAX_WARNING)) }),
  };
}

/** @returns the body of the answer. */
export function admissionReview(response: AdmissionAnswer): object {
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response };
}

function isObject(value: unknown): value is KubernetesObject {
  return typeof fieldOf(fieldOf(value, 'metadata'), 'name') === 'string' && typeof fieldOf(value, 'kind') === 'string';
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}
