// A decision as a tree: the verdict at the root, a branch for each policy that applied, its failed clauses
// below it, and last the objects of the cluster that were looked at.
import type { FailedClause } from '../../domain/policy/policy-decision.ts';
import { formatObject } from './format-trace.ts';
import type { TracedDecision } from './traced-decision.ts';

interface Branch {
  readonly text: string;
  readonly below?: readonly Branch[];
}

/** @returns lines with box-drawing characters. */
export function traceAsTree({ verdict, trace, obstacle }: TracedDecision): readonly string[] {
  const { subject, failures = [], audits = [], objects = [] } = trace;
  const clauses: readonly Verdict[] = [
    // Of a cluster that is not known, conditions say nothing.
    ...(obstacle === undefined ? failures : []).map((clause) => ({ clause, mark: '✗' })),
    ...audits.map((clause) => ({ clause, mark: '!' })),
  ];
  return draw({
    text: `${verdict} ${subject}`,
    below: [
      ...(obstacle === undefined ? [] : [{ text: `✗ ${obstacle}` }]),
      ...policies(trace.applied, clauses),
      ...(objects.length === 0
        ? []
        : [{ text: 'cluster', below: objects.map((object) => ({ text: formatObject(object) })) }]),
    ],
  });
}

interface Verdict {
  readonly clause: FailedClause;
  readonly mark: string;
}

/** Policies that applied, and those that only report what is missing (no rule, no policy of the namespace). */
function policies(applied: readonly string[], clauses: readonly Verdict[]): readonly Branch[] {
  const titles = [...new Set([...clauses.map(({ clause }) => titleOf(clause, applied)), ...applied])];
  const order = (title: string): number => (applied.includes(title) ? applied.indexOf(title) : -1);
  return titles
    .sort((a, b) => order(a) - order(b))
    .map((title) => {
      const own = clauses.filter(({ clause }) => titleOf(clause, applied) === title);
      return own.length === 0 ? { text: `✓ ${title}` } : { text: `${worst(own)} ${title}`, below: own.map(branchOf) };
    });
}

function worst(verdicts: readonly Verdict[]): string {
  return verdicts.some(({ mark }) => mark === '✗') ? '✗' : '!';
}

/** A rule's clauses begin with `rules.<id>.`; a bundle's own have no rule. */
function titleOf({ layer, policy, field }: FailedClause, applied: readonly string[]): string {
  const rule = applied.find((title) => {
    const id = title.startsWith(`${layer} ${policy} `) ? title.slice(`${layer} ${policy} `.length) : undefined;
    return id !== undefined && field.startsWith(`rules.${id}.`);
  });
  return rule ?? `${layer} ${policy}`;
}

function branchOf({ clause, mark }: Verdict): Branch {
  const { reason, field, actual, allowed, change, contact } = clause;
  return {
    text: `${mark} ${reason} ${field}`,
    below: [
      { text: `actual   ${actual}` },
      { text: `allowed  ${allowed}` },
      { text: `change   ${change}` },
      ...(contact === undefined ? [] : [{ text: `ask      ${contact}` }]),
    ],
  };
}

function draw({ text, below = [] }: Branch): readonly string[] {
  return [
    text,
    ...below.flatMap((branch, index) => {
      const [first = '', ...rest] = draw(branch);
      const last = index === below.length - 1;
      return [`${last ? '└─' : '├─'} ${first}`, ...rest.map((line) => `${last ? '  ' : '│ '} ${line}`)];
    }),
  ];
}
