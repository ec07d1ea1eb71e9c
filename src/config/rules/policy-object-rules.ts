// What local policies as objects, and what is said of them in the cluster, need of other keys.
import type { Rule } from './rules.ts';

const NEEDS_API = 'needs cluster.kubernetes.from';
const FROM = 'cluster.kubernetes.from';

export const POLICY_OBJECT_RULES: readonly Rule[] = [
  {
    reads: ['cluster.kubernetes.policies', FROM],
    check: ({ cluster: { kubernetes } }) => needsApi(kubernetes.policies, kubernetes.from),
  },
  {
    reads: ['cluster.kubernetes.policies', 'policy.directory'],
    check: ({ cluster: { kubernetes }, policy: { directory } }) =>
      kubernetes.policies && directory !== undefined
        ? [{ problem: 'must be off with policy.directory: local policies are in one place' }]
        : [],
  },
  {
    reads: ['cluster.kubernetes.admission.address', FROM],
    check: ({ cluster: { kubernetes } }) => needsApi(kubernetes.admission.address !== undefined, kubernetes.from),
  },
  {
    reads: ['policy.bundle.from.name', FROM],
    check: ({ cluster: { kubernetes }, policy: { bundle } }) =>
      needsApi(bundle.from.name !== undefined, kubernetes.from),
  },
  {
    reads: ['cluster.kubernetes.events', FROM],
    check: ({ cluster: { kubernetes } }) => needsApi(kubernetes.events, kubernetes.from),
  },
];

function needsApi(wanted: boolean, from: string | undefined): ReturnType<Rule['check']> {
  return wanted && from === undefined ? [{ problem: NEEDS_API }] : [];
}
