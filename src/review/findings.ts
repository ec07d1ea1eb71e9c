// What the tools report: findings, each with the place where somebody can do something about it. How a process ends
// for them, and how they are printed, is for the command line to say.
import type { Position, Problem } from '../domain/text/position.ts';

/** The most severe first. */
export const SEVERITIES = ['error', 'warning', 'note'] as const;
export type Severity = (typeof SEVERITIES)[number];

export interface Finding {
  /** What is wrong, as a tool or a reason names it: `policy/exceeds`, `CAP-P12`. */
  readonly id: string;
  readonly severity: Severity;
  /** Without a newline: what is wrong, and what would be right. */
  readonly message: string;
  readonly position?: Position;
  /** What it is about, when that is not a place: an identity, a field. */
  readonly subject?: string;
}

/** One of the things that were looked at; a case without findings is well. */
export interface ReviewedCase {
  readonly name: string;
  readonly findings: readonly Finding[];
}

/** What could not be read, or could not be done. */
export interface ReportProblem {
  readonly position?: Position;
  readonly message: string;
}

export function reportProblem({ position, path, problem }: Problem): ReportProblem {
  return { position, message: path === '' ? problem : `${path} ${problem}` };
}
