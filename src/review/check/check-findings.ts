// Checked workloads as findings: a case for each, its refusals and audit hits at the line of its manifest.
import type { Unjudged } from '../../adapters/kubernetes/manifests/workloads.ts';
import { formatClause } from '../explain/format-trace.ts';
import type { Finding, ReviewedCase } from '../findings.ts';
import { workloadName, type CheckedManifests, type CheckedWorkload } from './check-workloads.ts';

/** @returns a case for each workload, then one for each object that was not judged. */
export function checkCases({ checked, unjudged }: CheckedManifests): readonly ReviewedCase[] {
  return [
    ...checked.map((one) => ({ name: workloadName(one.workload), findings: workloadFindings(one) })),
    ...unjudgedCases(unjudged),
  ];
}

/** What was not judged is a note at its place. */
function unjudgedCases(unjudged: readonly Unjudged[]): readonly ReviewedCase[] {
  return unjudged.map(({ kind, namespace, name, why, position }) => {
    const subject = `${namespace}/${kind}/${name}`;
    return {
      name: subject,
      findings: [{ id: 'policy/unjudged', severity: 'note', message: `not judged: ${why}`, position, subject }],
    };
  });
}

export function workloadFindings(checked: CheckedWorkload): readonly Finding[] {
  const { workload } = checked;
  const { position } = workload;
  if (!('decision' in checked)) {
    return [
      { id: 'policy/identity', severity: 'error', message: checked.problem, position, subject: workloadName(workload) },
    ];
  }
  const { unavailable, failures, audits, request } = checked.decision;
  const at = { position, subject: request.subject.spiffeId };
  const refused =
    unavailable === undefined
      ? failures.map((clause) => ({ id: clause.reason, message: formatClause(clause) }))
      : [{ id: unavailable.reason, message: unavailable.why }];
  return [
    ...refused.map((finding): Finding => ({ ...finding, severity: 'error', ...at })),
    ...(workload.assumed === true
      ? [
          {
            id: 'policy/namespace',
            severity: 'note',
            message: `names no namespace: ${workload.namespace} was assumed`,
            ...at,
          } as const,
        ]
      : []),
    ...audits.map((clause): Finding => ({
      id: clause.reason,
      severity: 'warning',
      message: formatClause(clause),
      ...at,
    })),
  ];
}
