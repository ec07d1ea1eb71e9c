// What the forms of pipelines are written from.
import type { Finding, ReportProblem, ReviewedCase } from '../../../review/findings.ts';

export interface FindingsReport {
  /** The command without the program: `policy lint`. */
  readonly tool: string;
  /** What was looked at, one by one. */
  readonly cases: readonly ReviewedCase[];
  /** What could not be read, and was not looked at: the command did not succeed. */
  readonly problems?: readonly ReportProblem[];
}

/**
 * All findings, then what could not be read, for forms that know nothing but findings.
 * @param elsewhere the place of a problem that has none.
 */
export function findingsWithProblems(
  { cases, problems = [] }: FindingsReport,
  elsewhere?: Finding['position'],
): readonly Finding[] {
  const unreadable = problems.map(({ position = elsewhere, message }): Finding => {
    const place = position === undefined ? {} : { position };
    return { id: 'unreadable', severity: 'error', message, ...place };
  });
  return [...cases.flatMap(({ findings }) => findings), ...unreadable];
}
