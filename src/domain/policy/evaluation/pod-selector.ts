// Whether an object's selector selects a pod: Services spell `spec.selector` as a plain map, NetworkPolicies
// `spec.podSelector` and most others `spec.selector` as a label selector (Kubernetes API, LabelSelector).
import type { Labels } from '../documents.ts';
import type { KubernetesObject } from '../../cluster/snapshot.ts';

export function selectorSelects(object: KubernetesObject, pod: KubernetesObject): boolean {
  const spec = asRecord(object['spec']);
  const selector = asRecord(spec?.['podSelector'] ?? spec?.['selector']);
  if (selector === undefined) return false;
  const labels = pod.metadata.labels ?? {};
  if (object.kind === 'Service' || object.kind === 'ReplicationController') return selectsByMap(selector, labels);
  return isLabelSelector(selector) && selectsByLabels(selector, labels);
}

/** An empty map selects nothing: such a Service has its endpoints elsewhere. */
function selectsByMap(selector: Readonly<Record<string, unknown>>, labels: Labels): boolean {
  const wanted = Object.entries(selector);
  return wanted.length > 0 && wanted.every(([name, value]) => labels[name] === value);
}

/** An empty label selector selects every pod of its namespace. */
function selectsByLabels(selector: Readonly<Record<string, unknown>>, labels: Labels): boolean {
  const matchLabels = asRecord(selector['matchLabels'] ?? {});
  const expressions = selector['matchExpressions'] ?? [];
  return (
    matchLabels !== undefined &&
    Object.entries(matchLabels).every(([name, value]) => labels[name] === value) &&
    Array.isArray(expressions) &&
    expressions.every((expression) => holds(asRecord(expression), labels))
  );
}

/** A requirement that is not one of Kubernetes' four, or not spelled as they are, selects nothing. */
function holds(requirement: Readonly<Record<string, unknown>> | undefined, labels: Labels): boolean {
  const name = requirement?.['key'];
  if (requirement === undefined || typeof name !== 'string') return false;
  const value = Object.hasOwn(labels, name) ? labels[name] : undefined;
  const values: unknown = requirement['values'];
  switch (requirement['operator']) {
    case 'In':
      return Array.isArray(values) && value !== undefined && values.includes(value);
    case 'NotIn':
      return Array.isArray(values) && (value === undefined || !values.includes(value));
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return false;
  }
}

function isLabelSelector(selector: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(selector).every((name) => name === 'matchLabels' || name === 'matchExpressions');
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}
