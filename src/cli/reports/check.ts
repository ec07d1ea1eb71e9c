// Checked workloads for people and programs: a table, then what is to be done; or of every workload everything that the
// evaluator had to say. It imports much because all formats are chosen from here.
import type { Manifests } from '../../adapters/kubernetes/manifests/read-manifests.ts';
import type { PolicySet } from '../../domain/policy/policy-set.ts';
import { formatQuantity } from '../../domain/text/format-count.ts';
import { formatPosition } from '../../domain/text/position.ts';
import { checkCases, workloadFindings } from '../../review/check/check-findings.ts';
import type { CheckedManifests, CheckedWorkload } from '../../review/check/check-workloads.ts';
import { decisionData } from '../../review/explain/decision-data.ts';
import { formatBounds, formatQuotas } from '../../review/explain/format-limits.ts';
import { formatDecision } from '../../review/explain/explain.ts';
import { reportProblem, type Finding } from '../../review/findings.ts';
import type { Terminal } from '../terminal.ts';
import type { Report } from './report.ts';

export interface CheckFacts extends CheckedManifests {
  readonly policies: PolicySet;
  readonly manifests: Pick<Manifests, 'problems' | 'passedOver'>;
}

export interface CheckReportOptions {
  /** Of objects that name none. */
  readonly namespace: string;
  readonly explain?: true;
}

export function checkReport(facts: CheckFacts, options: CheckReportOptions, terminal: Terminal): Report {
  const { problems } = facts.manifests;
  return {
    tool: 'policy check',
    cases: checkCases(facts),
    json: jsonOf(facts),
    text: () => print(facts, options, terminal),
    problems: problems.map(reportProblem),
  };
}

function jsonOf({ checked, unjudged, policies, manifests }: CheckFacts): unknown {
  const { revision, bundleName, cluster } = policies;
  return {
    revision,
    bundle: bundleName,
    cluster,
    workloads: workloadsData(checked),
    unjudged,
    passedOver: manifests.passedOver.length,
    problems: manifests.problems,
  };
}

/** A limit that is no limit is `null`. */
function workloadsData(checked: readonly CheckedWorkload[]): unknown {
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
function rowsOf(checked: readonly CheckedWorkload[]): readonly (readonly string[])[] {
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

function print(
  { checked, unjudged, manifests }: CheckFacts,
  { namespace, explain }: CheckReportOptions,
  terminal: Terminal,
): void {
  terminal.printTable(rowsOf(checked));
  for (const one of checked) printDetails(one, explain === true, terminal);
  terminal.print('');
  for (const { kind, namespace: where, name, why, position } of unjudged) {
    terminal.print(
      `${terminal.styled('yellow', '!')} not judged: ${kind} ${where}/${name} (${formatPosition(position)}) ${why}`,
    );
  }
  const assumed = checked.filter(({ workload }) => workload.assumed === true).length;
  if (assumed > 0)
    terminal.print(
      `${formatQuantity(assumed, 'workload')} named no namespace: ${namespace} was assumed (--namespace).`,
    );
  const passedOver = manifests.passedOver.length;
  if (passedOver > 0) terminal.print(`${formatQuantity(passedOver, 'document')} of other tools passed over.`);
  const refused = checked.filter((one) => !('decision' in one) || one.decision.outcome !== 'approved').length;
  const judged = `${formatQuantity(checked.length, 'workload')} judged`;
  terminal.print(refused === 0 ? `${judged}, none without an identity.` : `${judged}, ${refused} without an identity.`);
}

function printDetails(checked: CheckedWorkload, explain: boolean, terminal: Terminal): void {
  const { kind, namespace, name, position } = checked.workload;
  const details =
    explain && 'decision' in checked
      ? formatDecision(checked.decision, checked.applicable)
      : workloadFindings(checked).flatMap((finding) => remark(finding, terminal));
  if (details.length === 0) return;
  terminal.print('');
  terminal.print(`${terminal.styled('bold', `${kind} ${namespace}/${name}`)} (${formatPosition(position)})`);
  for (const line of details) terminal.print(line === '' ? '' : `  ${line}`);
}

/** Notes are for machines: a line below the table counts them. */
function remark({ id, severity, message }: Finding, terminal: Terminal): readonly string[] {
  if (severity === 'note') return [];
  return severity === 'error'
    ? [`${terminal.styled('red', '✗')} ${id} ${message}`]
    : [`${terminal.styled('yellow', '!')} ${id}, if it were enforced: ${message}`];
}
