// Problems of what a command reads, each with its place: how they are printed, and how a check ends that cannot run.
import { formatQuantity } from '../domain/text/format-count.ts';
import { formatPosition, type Problem } from '../domain/text/position.ts';
import { CommandError, EXIT, type ExitCode } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';

/** Most problems that are printed; mending some mends most of the rest. */
const MAX_PRINTED = 100;

/** What a check stands on cannot be used: its problems are printed one by one, and stand in its report. */
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
  printProblems(`cannot use ${what}`, problems, terminal);
  return EXIT.unreadable;
}

/** How many there are, then each with its place. @param what is wrong, in a sentence without its end. */
export function printProblems(what: string, problems: readonly Problem[], terminal: Terminal): void {
  terminal.complain(`${what}: ${formatQuantity(problems.length, 'problem')}`);
  for (const { position, path, problem } of problems.slice(0, MAX_PRINTED)) {
    terminal.explain(`${formatPosition(position)}: ${path === '' ? '' : `${path} `}${problem}`);
  }
}
