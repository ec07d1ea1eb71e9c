// Checked workloads as a report: a case for each, its refusals and audit hits at the line of its manifest.
import type { Unjudged } from '../../adapters/kubernetes/manifests/workloads.ts';
import { formatBounds, formatQuotas } from '../../review/explain/format-limits.ts';
import { decisionData } from '../../review/explain/decision-data.ts';
import type { Finding, Report } from '../../review/findings.ts';
import { nameOf, type CheckedWorkload } from '../../review/check/check-workloads.ts';
import { formatClause } from '../../review/explain/format-trace.ts';

export function casesOf(checked: readonly CheckedWorkload[]): Report['cases'] {
  return checked.map((one) => ({ name: nameOf(one.workload), findings: findingsOf(one) }));
}

/** What was not judged is a note at its place. */
export function unjudgedCases(unjudged: readonly Unjudged[]): Report['cases'] {
  return unjudged.map(({ kind, namespace, name, why, position }) => {
    const subject = `${namespace}/${kind}/${name}`;
    return {
      name: subject,
      findings: [{ id: 'policy/unjudged', level: 'note', message: `not judged: ${why}`, position, subject }],
    };
  });
}

function findingsOf(checked: CheckedWorkload): readonly Finding[] {
  const { workload } = checked;
  const { position } = workload;
  if (!('decision' in checked)) {
    return [{ id: 'policy/identity', level: 'error', message: checked.problem, position, subject: nameOf(workload) }];
  }
  const { unavailable, failures, audits, request } = checked.decision;
  const at = { position, subject: request.subject.spiffeId };
  const refused =
    unavailable === undefined
      ? failures.map((clause) => ({ id: clause.reason, message: formatClause(clause) }))
      : [{ id: unavailable.reason, message: unavailable.why }];
  return [
    ...refused.map((finding): Finding => ({ ...finding, level: 'error', ...at })),
    ...(workload.assumed === true
      ? [
          {
            id: 'policy/namespace',
            level: 'note',
            message: `names no namespace: ${workload.namespace} was assumed`,
            ...at,
          } as const,
        ]
      : []),
    ...audits.map((clause): Finding => ({
      id: clause.reason,
      level: 'warning',
      message: formatClause(clause),
      ...at,
    })),
  ];
}

/** A limit that is no limit is `null`. */
export function jsonOf(checked: readonly CheckedWorkload[]): unknown {
  return checked.map((one) => {
    const { kind, namespace, name, serviceAccount, position, path, assumed = false } = one.workload;
    const workload = {
      kind,
      namespace,
      name,
      serviceAccount,
      position,
      path: path.join('.'),
      namespaceAssumed: assumed,
    };
    if (!('decision' in one)) return { ...workload, outcome: 'impossible', problem: one.problem };
    const { decision, applicable } = one;
    return {
      ...workload,
      identity: decision.request.subject.spiffeId,
      outcome: decision.outcome,
      class: decision.class,
      bounds: applicable.granted ? applicable.bounds : null,
      quotas: applicable.quotas,
      applied: applicable.applied,
      conditions: applicable.conditions.map(({ key }) => key),
      decision: decisionData(decision),
    };
  });
}

const HEAD = ['NAMESPACE', 'WORKLOAD', 'IDENTITY', 'CLASS', 'VERDICT', 'BOUNDS'];

/** A table by namespace, which is named once. */
export function rowsOf(checked: readonly CheckedWorkload[]): readonly (readonly string[])[] {
  return [
    HEAD,
    ...checked.map((one, index) => {
      const { namespace, kind, name } = one.workload;
      const same = checked[index - 1]?.workload.namespace === namespace;
      return [same ? '' : namespace, `${kind} ${name}`, ...cellsOf(one)];
    }),
  ];
}

function cellsOf(checked: CheckedWorkload): readonly string[] {
  if (!('decision' in checked)) return ['-', '-', 'impossible', checked.problem];
  const { decision, applicable } = checked;
  const { outcome, request, unavailable, failures, audits } = decision;
  const reasons = unavailable === undefined ? failures.map(({ reason }) => reason) : [unavailable.reason];
  const verdict = [outcome, ...new Set(reasons), ...(audits.length === 0 ? [] : ['(audited)'])].join(' ');
  const quotas = formatQuotas(applicable.quotas);
  const bounds =
    outcome === 'approved' ? [formatBounds(applicable.bounds), ...(quotas === undefined ? [] : [quotas])] : ['-'];
  return [request.subject.spiffeId, decision.class, verdict, bounds.join('; ')];
}
