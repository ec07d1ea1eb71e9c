// Which objects of the cluster a decision for a subject may look at, by the policies alone: no other object can
// change it. What evaluate-condition.ts and applicable.ts ask of a snapshot must be named here.
import { CLUSTER_ITSELF, type KindsByNamespace } from '../../cluster/cluster-change.ts';
import type { ConditionCheck } from '../condition.ts';
import type { PolicyBundle } from '../documents.ts';
import { matchesAny } from '../name-patterns.ts';
import type { PolicyStatement } from './statement.ts';

const KIND_OF_TARGET = { namespace: 'Namespace', serviceAccount: 'ServiceAccount', pod: 'Pod' } as const;

/**
 * @param statements that may apply to the namespace.
 * @param namespace of the subject.
 */
export function dependenciesOf(
  statements: readonly PolicyStatement[],
  { namespaces, classes }: Pick<PolicyBundle, 'namespaces' | 'classes'>,
  namespace: string,
): KindsByNamespace {
  const kinds = new Map<string, Set<string>>();
  const add = (kind: string, place = namespace): void => {
    kinds.set(place, (kinds.get(place) ?? new Set()).add(kind));
  };
  const byLabel = [
    ...statements.map(({ namespaceLabels }) => namespaceLabels),
    ...namespaces.audit.map(({ labels }) => labels),
  ];
  if (byLabel.some((labels) => labels !== undefined)) add('Namespace');
  const byPods = classes.some(({ pods, namespaces: of }) => pods !== undefined && matchesAny(of, namespace));
  if (byPods || statements.some(({ pods }) => pods !== undefined)) add('Pod');
  for (const { check, mode } of statements.flatMap(({ conditions }) => conditions)) {
    if (mode !== 'off') addCheck(check, add);
  }
  return kinds;
}

function addCheck(check: ConditionCheck, add: (kind: string, place?: string) => void): void {
  const expression = check.kind === 'expression' ? check.expression : check.kind === 'claim' ? undefined : check.where;
  if (expression?.readsPods === true) add('Pod');
  if (expression?.readsNamespace === true) add('Namespace');
  if (check.kind === 'matches') add(KIND_OF_TARGET[check.target]);
  if (check.kind !== 'exists') return;
  const { inNamespace, objectKind, selectsPod } = check;
  if (inNamespace.in === 'named') add(objectKind, inNamespace.namespace);
  else add(objectKind, inNamespace.in === 'none' ? CLUSTER_ITSELF : undefined);
  if (selectsPod) add('Pod');
}
