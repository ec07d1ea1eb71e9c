// What a check says when it cannot run: every problem of its input, with its place.
import { formatPosition, type Problem } from '../domain/text/position.ts';
import { CommandError, EXIT, type ExitCode } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';

/** Most problems that are told; mending some mends most of the rest. */
const MAX_TOLD = 100;

/** What a check stands on cannot be used: its problems are told one by one, and stand in its report. */
export class UnusableInput extends CommandError {
  readonly what: string;
  readonly problems: readonly Problem[];

  /** @param what as in `complainOfProblems`. */
  constructor(what: string, problems: readonly Problem[]) {
    super(EXIT.unreadable, `cannot use ${what}`);
    this.what = what;
    this.problems = problems;
  }
}

/** @param what was to be read: `the policies`. @returns the exit code that this deserves. */
export function complainOfProblems(what: string, problems: readonly Problem[], terminal: Terminal): ExitCode {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  terminal.complain(`cannot use ${what}: ${count}`);
  for (const { position, path, problem } of problems.slice(0, MAX_TOLD)) {
    terminal.explain(`${formatPosition(position)}: ${path === '' ? '' : `${path} `}${problem}`);
  }
  return EXIT.unreadable;
}
