// What a policy tool reports: findings, each with the place where somebody can do something about it.
import type { Position, Problem } from '../domain/text/position.ts';
import { EXIT, type ExitCode } from '../cli/exit-codes.ts';

export interface Finding {
  /** What is wrong, as a tool or a reason names it: `policy/exceeds`, `CAP-P12`. */
  readonly id: string;
  readonly level: 'error' | 'warning' | 'note';
  /** Without a newline: what is wrong, and what would be right. */
  readonly message: string;
  readonly position?: Position;
  /** What it is about, when that is not a place: an identity, a field. */
  readonly subject?: string;
}

/** What a command could not read, or could not do. */
export interface ReportProblem {
  readonly position?: Position;
  readonly message: string;
}

export function reportProblem({ position, path, problem }: Problem): ReportProblem {
  return { position, message: path === '' ? problem : `${path} ${problem}` };
}

export interface FindingsReport {
  /** The command without the program: `policy lint`. */
  readonly tool: string;
  /** What was looked at, one by one; a case without findings is well. */
  readonly cases: readonly { readonly name: string; readonly findings: readonly Finding[] }[];
  /** What could not be read, and was not looked at: the command did not succeed. */
  readonly problems?: readonly ReportProblem[];
}

export interface Report extends FindingsReport {
  /** What `--output json` prints. */
  readonly json: unknown;
  /** Prints it for a person. */
  readonly text: () => void;
}

/** @param strict counts warnings as errors. */
export function exitOf(findings: readonly Finding[], { strict = false }: { readonly strict?: boolean } = {}): ExitCode {
  const counts = ({ level }: Finding): boolean => level === 'error' || (strict && level === 'warning');
  return findings.some(counts) ? EXIT.findings : EXIT.ok;
}
