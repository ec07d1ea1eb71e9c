// What a policy tool reports: findings, each with the place where somebody can do something about it.
import type { Position } from '../../domain/position.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

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

export interface Report {
  /** The command without the program: `policy lint`. */
  readonly tool: string;
  /** What was looked at, one by one; a case without findings is well. */
  readonly cases: readonly { readonly name: string; readonly findings: readonly Finding[] }[];
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
