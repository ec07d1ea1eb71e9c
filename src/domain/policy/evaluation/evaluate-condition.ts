// Whether one condition holds: a pure function over the snapshot and the request.
import type { Condition, ConditionCheck, Expression, ExpressionInput } from '../condition.ts';
import { matchesAny } from '../name-patterns.ts';
import type { PolicyRequest } from '../request.ts';
import { podNamesOf, type PodName } from '../subject-pods.ts';
import { selectorSelects } from './pod-selector.ts';
import { hasLabels, formatLabels, type SnapshotReader } from './snapshot-reader.ts';
import type { KubernetesObject } from '../../cluster/snapshot.ts';

/** What a condition is judged against. */
export interface Circumstances {
  readonly input: Omit<ExpressionInput, 'object'>;
  readonly reader: SnapshotReader;
}

export type ConditionVerdict =
  | { readonly holds: true }
  | { readonly holds: false; readonly actual: string; readonly allowed: string; readonly mayPassLater: boolean };

/**
 * Most objects that are looked at one by one; a condition with more candidates must select them more exactly, by
 * `names` or `labels`. Fewer where each is asked an expression: who writes the objects must not be able to
 * make a decision slow.
 */
const MAX_CANDIDATES = 1_000;
const MAX_ASKED = 100;
const HOLDS: ConditionVerdict = { holds: true };

export function evaluateCondition({ check }: Condition, circumstances: Circumstances): ConditionVerdict {
  switch (check.kind) {
    case 'exists':
      return exists(check, circumstances);
    case 'matches':
      return matches(check, circumstances);
    case 'claim':
      return claims(check, circumstances);
    case 'expression':
      return expressed(check.expression, circumstances);
  }
}

type Exists = Extract<ConditionCheck, { kind: 'exists' }>;

function exists(check: Exists, { input, reader }: Circumstances): ConditionVerdict {
  const { namespace } = input.request.subject;
  const where = namespaceOf(check, namespace);
  const candidates = candidatesOf(check, where, reader);
  const refuse = (actual: string): ConditionVerdict =>
    no(actual, `${check.objectKind} in ${where ?? 'the cluster'}${detailsOf(check)}`);
  const most = check.where === undefined ? MAX_CANDIDATES : MAX_ASKED;
  if (candidates.length > most) return refuse(`${candidates.length} candidates, more than ${most}`);
  const pods = check.selectsPod ? podsOf(input.request, reader) : [];
  if (pods === undefined) return refuse('the pod is not known');
  let problem: string | undefined;
  for (const object of candidates) {
    reader.note(object);
    if (!pods.every((pod) => selectorSelects(object, pod))) continue;
    const answer = fits(check.where, object, { input, reader });
    if (answer === true) {
      reader.recordAsDecisive(object);
      return HOLDS;
    }
    if (answer !== false) problem ??= `${object.metadata.name}: ${answer.problem}`;
  }
  reader.foundNothing();
  return refuse(problem ?? (candidates.length === 0 ? 'there is none' : `none of ${candidates.length} fits`));
}

/** Once a decision has asked too much, whatever is left to ask does not fit. */
function fits(where: Expression | undefined, object: KubernetesObject, { input, reader }: Circumstances) {
  if (where === undefined) return true;
  if (!reader.mayAsk()) return { problem: 'too many objects were asked in one decision' };
  const answer = where.evaluate(inputOf(where, { input, reader }, object));
  if (typeof answer !== 'boolean') reader.gotNoAnswer();
  return answer;
}

function candidatesOf(
  check: Exists,
  namespace: string | undefined,
  reader: SnapshotReader,
): readonly KubernetesObject[] {
  const { objectKind: kind, apiVersion, names, labels } = check;
  const all = reader.list({
    kind,
    ...(apiVersion !== undefined && { apiVersion }),
    ...(namespace !== undefined && { namespace }),
  });
  if (names === undefined && labels === undefined) return all;
  return all.filter(
    ({ metadata }) => (names === undefined || matchesAny(names, metadata.name)) && hasLabels(labels, metadata.labels),
  );
}

function namespaceOf({ inNamespace }: Exists, own: string): string | undefined {
  if (inNamespace.in === 'named') return inNamespace.namespace;
  return inNamespace.in === 'self' ? own : undefined;
}

/** @returns every pod that the certificate is for; nothing where one of them is not known, or it is for none. */
function podsOf(request: PolicyRequest, reader: SnapshotReader): readonly KubernetesObject[] | undefined {
  const names = podNamesOf(request);
  const { namespace } = request.subject;
  const pods = names.map(({ name }) => reader.find({ kind: 'Pod', namespace, name }));
  const known = pods.filter((pod, index) => pod !== undefined && isOf(names[index], pod));
  return names.length > 0 && known.length === names.length ? (known as readonly KubernetesObject[]) : undefined;
}

function isOf(name: PodName | undefined, { metadata }: KubernetesObject): boolean {
  return name?.uid === undefined || name.uid === metadata.uid;
}

/** Only what the expression reads is looked at. */
function inputOf(
  { readsPods, readsNamespace }: Expression,
  { input, reader }: Circumstances,
  object?: KubernetesObject,
): ExpressionInput {
  const { namespace } = input.request.subject;
  return {
    ...input,
    ...(readsPods && { pods: reader.pods() }),
    ...(readsNamespace && { namespaceLabels: reader.labelsOfNamespace(namespace) }),
    ...(object !== undefined && { object }),
  };
}

function detailsOf({ names, labels, selectsPod, where }: Exists): string {
  return [
    names === undefined ? '' : ` named ${names.join(' or ')}`,
    labels === undefined || Object.keys(labels).length === 0 ? '' : ` with labels ${formatLabels(labels)}`,
    selectsPod ? ' that selects the pod' : '',
    where === undefined ? '' : ` where ${where.source}`,
  ].join('');
}

type Matches = Extract<ConditionCheck, { kind: 'matches' }>;

function matches(check: Matches, { input, reader }: Circumstances): ConditionVerdict {
  const objects = targetsOf(check, input, reader);
  const allowed = [
    `the ${check.target}`,
    check.labels === undefined ? '' : ` with labels ${formatLabels(check.labels)}`,
    check.annotations === undefined ? '' : ` with annotations ${formatLabels(check.annotations)}`,
    check.where === undefined ? '' : ` where ${check.where.source}`,
  ].join('');
  if (objects === undefined) return no(`the ${check.target} is not known`, allowed);
  return (
    objects.map((object) => fitsAs(check, object, allowed, { input, reader })).find(({ holds }) => !holds) ?? HOLDS
  );
}

function fitsAs(
  check: Matches,
  object: KubernetesObject,
  allowed: string,
  { input, reader }: Circumstances,
): ConditionVerdict {
  const { labels, annotations } = object.metadata;
  if (!hasLabels(check.labels, labels)) return no(`labels ${chosen(check.labels, labels)}`, allowed);
  if (!hasLabels(check.annotations, annotations))
    return no(`annotations ${chosen(check.annotations, annotations)}`, allowed);
  const answer = fits(check.where, object, { input, reader });
  return answer === true ? HOLDS : no(answer === false ? 'it does not fit' : answer.problem, allowed);
}

/** One object, or the pods that share the certificate: every one of them must fit. */
function targetsOf(
  { target }: Matches,
  { request }: Circumstances['input'],
  reader: SnapshotReader,
): readonly KubernetesObject[] | undefined {
  const { namespace, serviceAccount } = request.subject;
  if (target === 'pod') return podsOf(request, reader);
  const object =
    target === 'namespace'
      ? reader.find({ kind: 'Namespace', name: namespace })
      : reader.find({ kind: 'ServiceAccount', namespace, name: serviceAccount });
  return object && [object];
}

/** Of what is there, only what was asked for. */
function chosen(wanted: Readonly<Record<string, string>> | undefined, actual: Readonly<Record<string, string>> = {}) {
  const names = Object.keys(wanted ?? {});
  return formatLabels(Object.fromEntries(names.map((name) => [name, actual[name] ?? '(absent)'])));
}

function claims(
  { claim, in: allowed }: Extract<ConditionCheck, { kind: 'claim' }>,
  { input }: Circumstances,
): ConditionVerdict {
  const actual = input.request.claims[claim];
  if (actual !== undefined && matchesAny(allowed, actual)) return HOLDS;
  const words = `${claim} ${allowed.join(' or ')}`;
  return { holds: false, actual: actual ?? 'absent', allowed: words, mayPassLater: false };
}

function expressed(expression: Expression, circumstances: Circumstances): ConditionVerdict {
  const answer = expression.evaluate(inputOf(expression, circumstances));
  if (answer === true) return HOLDS;
  const actual = answer === false ? 'false' : answer.problem;
  const mayPassLater = expression.readsPods || expression.readsNamespace;
  return { holds: false, actual, allowed: expression.source, mayPassLater };
}

/** Of the cluster: it may change. */
function no(actual: string, allowed: string): ConditionVerdict {
  return { holds: false, actual, allowed, mayPassLater: true };
}
