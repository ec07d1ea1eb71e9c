// What a policy test may expect of a decision: each field of the expectation by the part of the decision that
// it is compared with. The first failed clause is the one in the answer to a refused caller.
import { canonicalJson } from '../../domain/text/canonical-json.ts';
import type { PolicyDecision } from '../../domain/policy/policy-decision.ts';
import type { ObjectReference } from '../../domain/cluster/snapshot.ts';
import type { Expectation } from './policy-test-schema.ts';
import { formatDuration } from '../../domain/text/duration.ts';

type Field = keyof Expectation;

const ACTUAL: Readonly<Record<Field, (decision: PolicyDecision) => unknown>> = {
  outcome: ({ outcome }) => outcome,
  reason: ({ unavailable, failures }) => unavailable?.reason ?? failures[0]?.reason,
  failures: ({ failures }) => failures.map(({ reason }) => reason),
  policy: ({ failures }) => failures[0]?.policy,
  field: ({ failures }) => failures[0]?.field,
  contact: ({ failures }) => failures[0]?.contact,
  mayPassLater: ({ failures }) => failures[0]?.mayPassLater,
  wait: ({ waitMs }) => waitMs,
  audits: ({ audits }) => audits.map(({ reason }) => reason),
  waived: ({ waived }) => waived.map(({ key }) => key),
  class: (decision) => decision.class,
  applied: ({ applied }) => applied,
  objects: ({ objects }) => objects.map(nameOf),
  ttlMin: ({ grant }) => grant.ttl.minMs,
  ttlMax: ({ grant }) => limit(grant.ttl.maxMs),
  ttlDefault: ({ grant }) => limit(grant.ttl.defaultMs),
  usages: ({ grant }) => grant.usages,
  quotas: ({ grant: { quotas } }) => ({
    perNamespacePerMinute: limit(quotas.perNamespacePerMinute),
    perIdentityPerMinute: limit(quotas.perIdentityPerMinute),
  }),
};

export interface Mismatch {
  readonly field: Field;
  readonly expected: string;
  readonly actual: string;
}

/** @returns every field that is expected to be something else, in the order of the table above. */
export function mismatches(expected: Expectation, decision: PolicyDecision): readonly Mismatch[] {
  return (Object.keys(ACTUAL) as Field[]).flatMap((field) => {
    const wanted = expected[field];
    if (wanted === undefined) return [];
    const actual = ACTUAL[field](decision);
    const [one, other] = [format(wanted), format(actual === undefined ? null : chosen(actual, wanted))];
    return one === other ? [] : [{ field, expected: one, actual: other }];
  });
}

/** Of a mapping, only what the expectation names. */
function chosen(actual: unknown, wanted: unknown): unknown {
  if (typeof wanted !== 'object' || wanted === null || Array.isArray(wanted)) return actual;
  return Object.fromEntries(Object.keys(wanted).map((name) => [name, (actual as Record<string, unknown>)[name]]));
}

/** No limit at all is written `null`. */
function limit(value: number): number | null {
  return value === Infinity ? null : value;
}

function nameOf({ kind, namespace, name }: ObjectReference): string {
  return namespace === undefined ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
}

/** Every plain number is a length of time. */
function format(value: unknown): string {
  if (typeof value === 'number') return formatDuration(value);
  return typeof value === 'string' ? value : canonicalJson(value);
}
