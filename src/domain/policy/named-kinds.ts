// Which kinds of objects the policies in force may ask of a cluster: exactly these have to be followed. As evaluation/dependencies.ts,
// it must name whatever evaluate-condition.ts and applicable.ts there ask of a snapshot.
import { kindKey } from '../cluster/followed-snapshot.ts';
import { compareText } from '../text/compare-text.ts';
import type { ConditionCheck } from './condition.ts';
import type { PolicySet } from './policy-set.ts';
import type { PolicyStatement } from './evaluation/statement.ts';

export interface NamedKind {
  readonly kind: string;
  /** Absent where the policy names none: whatever group serves the kind. */
  readonly apiVersion?: string;
  /** A policy that names it, for messages. */
  readonly policy: string;
  /** Whether more is asked of its objects than names and labels. */
  readonly inFull: boolean;
}

export interface NamedKinds {
  /** Each once. */
  readonly kinds: readonly NamedKind[];
  /** How many more are named than can be followed. */
  readonly left: number;
}

/** Most kinds that are followed at once: of more, those that the central bundle and cluster policies name go first. */
const MAX_KINDS = 200;
/** Of those, most that the policies of one namespace add: nobody keeps the kinds of others from being followed. */
const MAX_EACH = 10;

const NAMESPACE = { kind: 'Namespace', apiVersion: 'v1', policy: '', inFull: false };
/** Labels and images are kept of each pod. */
const POD = { kind: 'Pod', apiVersion: 'v1', inFull: false };
const KIND_OF_TARGET = { namespace: 'Namespace', serviceAccount: 'ServiceAccount', pod: 'Pod' } as const;

/** @returns the kinds, namespaces always among them. */
export function kindsNamedBy(policies: PolicySet): NamedKinds {
  const named = new Map<string, NamedKind>([[kindKey(NAMESPACE), NAMESPACE]]);
  const perNamespace = new Map<string, number>();
  let left = 0;
  const add = (one: NamedKind, namespace?: string): void => {
    const known = named.get(kindKey(one));
    if (known === undefined && namespace !== undefined) {
      const added = (perNamespace.get(namespace) ?? 0) + 1;
      perNamespace.set(namespace, added);
      if (added > MAX_EACH) {
        left += 1;
        return;
      }
    }
    named.set(kindKey(one), known === undefined ? one : { ...known, inFull: known.inFull || one.inFull });
  };
  if (policies.bundle.classes.some(({ pods }) => pods !== undefined)) add({ ...POD, policy: policies.bundleName });
  for (const statement of policies.statements()) {
    const [namespace] = statement.layer === 'namespace' ? statement.policy.split('/') : [];
    for (const one of namedBy(statement)) add(one, namespace);
  }
  const kinds = [...named.values()];
  return { kinds: kinds.slice(0, MAX_KINDS), left: left + Math.max(0, kinds.length - MAX_KINDS) };
}

function namedBy({ policy, pods, conditions }: PolicyStatement): readonly NamedKind[] {
  const inConditions = conditions.filter(({ mode }) => mode !== 'off').flatMap(({ check }) => kindsOf(check));
  return [...(pods === undefined ? [] : [POD]), ...inConditions]
    .map((one) => ({ ...one, policy }))
    .sort((a, b) => compareText(kindKey(a), kindKey(b)));
}

function kindsOf(check: ConditionCheck): readonly Omit<NamedKind, 'policy'>[] {
  const expression = check.kind === 'expression' ? check.expression : check.kind === 'claim' ? undefined : check.where;
  return [...(expression?.readsPods === true ? [POD] : []), ...kindsLookedAt(check)];
}

function kindsLookedAt(check: ConditionCheck): readonly Omit<NamedKind, 'policy'>[] {
  if (check.kind === 'matches') {
    const inFull = check.where !== undefined || check.annotations !== undefined;
    return [{ kind: KIND_OF_TARGET[check.target], apiVersion: 'v1', inFull }];
  }
  if (check.kind !== 'exists') return [];
  const { objectKind: kind, apiVersion, selectsPod, where } = check;
  return [
    { kind, ...(apiVersion !== undefined && { apiVersion }), inFull: where !== undefined || selectsPod },
    ...(selectsPod ? [POD] : []),
  ];
}
