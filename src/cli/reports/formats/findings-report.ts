// What the forms of pipelines are written from.
import type { ReportProblem, ReviewedCase } from '../../../review/findings.ts';

export interface FindingsReport {
  /** The command without the program: `policy lint`. */
  readonly tool: string;
  /** What was looked at, one by one. */
  readonly cases: readonly ReviewedCase[];
  /** What could not be read, and was not looked at: the command did not succeed. */
  readonly problems?: readonly ReportProblem[];
}
