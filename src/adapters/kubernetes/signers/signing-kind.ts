// What the two kinds of objects that wait for a signer have in common, and what tells them apart.
import type { AuthorityError } from '../../../domain/errors.ts';
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import type { ApiKind } from '../api/kubernetes-api.ts';
import type { InvolvedObject } from '../../../ports/policy/refusal-reporter.ts';
import { answerTo } from './answers.ts';

/** Signers are called `capstan.dev/<name of the issuer>` (Kubernetes, certificate signing requests, signers). */
const SIGNER_DOMAIN = 'capstan.dev';

export function signerName(issuerName: string): string {
  return `${SIGNER_DOMAIN}/${issuerName}`;
}

/** What is added to a request's status and ends its wait. It is written once, and nothing changes it afterwards. */
export interface Status extends Readonly<Record<string, unknown>> {
  readonly conditions?: readonly Condition[];
}

/** An answer with a certificate in it. */
export interface Signed {
  readonly status: Status;
  /** How long from now on it is worth writing. */
  readonly usefulForMs: number;
}

export interface SigningKind {
  readonly kind: ApiKind;
  /** Whether it waits for its signer, and for nobody else before. */
  isPending(object: KubernetesObject): boolean;
  /** Whose turn it takes among those that wait. */
  ownerOf(object: KubernetesObject): string;
  /** Whom it concerns, where its owners look: in a namespace that the API server has vouched for. */
  waiterOf(object: KubernetesObject): InvolvedObject | undefined;
  /** Has it judged and signed. @throws AuthorityError */
  sign(object: KubernetesObject, issuerName: string, options: { readonly signal: AbortSignal }): Promise<Signed>;
  /** What is said to one that is refused for good. */
  refuse(refusal: Refusal): Status;
}

/** A refusal in the words of a condition (Kubernetes API conventions, conditions). */
export interface Refusal {
  /** CamelCase. */
  readonly reason: string;
  readonly message: string;
  /** RFC 3339, whole seconds. */
  readonly time: string;
}

export function refusalOf(error: AuthorityError, nowMs: number): Refusal {
  const { reason, message } = answerTo(error);
  const { decisionId } = error;
  return {
    reason,
    message: decisionId === undefined ? message : `${message} id=${decisionId}`,
    time: timeOf(nowMs),
  };
}

/** @returns whole seconds, as the API server spells them. */
export function timeOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

interface Condition extends Readonly<Record<string, unknown>> {
  readonly type?: unknown;
  readonly status?: unknown;
}

interface StatusWithConditions {
  readonly conditions?: readonly Condition[];
}

function conditionsOf({ status }: KubernetesObject): readonly Condition[] {
  return (status as StatusWithConditions | undefined)?.conditions ?? [];
}

/** @returns the object with an answer in it, and whatever others have said of it meanwhile. */
export function answered(object: KubernetesObject, answer: Status): KubernetesObject {
  const conditions = [...conditionsOf(object), ...(answer.conditions ?? [])];
  return { ...object, status: { ...(object['status'] ?? {}), ...answer, conditions } };
}

export function hasCondition(object: KubernetesObject, ...types: readonly string[]): boolean {
  return conditionsOf(object).some(({ type, status }) => types.includes(String(type)) && status === 'True');
}
