// What a person reads when a command fails: one line, and below it each problem of a configuration.
import type { ConfigProblem } from '../config/sources.ts';
import { AuthorityError } from '../domain/errors.ts';
import { formatQuantity } from '../domain/text/format-count.ts';
import { REASONS } from '../domain/reasons.ts';
import { CommandError, EXIT, exitCodeOf, type ExitCode } from './exit-codes.ts';
import { complainOfProblems, UnusableInput } from './problems.ts';
import type { Terminal } from './terminal.ts';

/** @returns the exit code that the error deserves, after saying what it is. */
export function complainOf(error: unknown, terminal: Terminal): ExitCode {
  if (error instanceof UnusableInput) return complainOfProblems(error.what, error.problems, terminal);
  if (error instanceof AuthorityError) terminal.complain(wholeLine(error));
  else if (error instanceof CommandError) terminal.complain(error.message);
  else terminal.complain(`internal error, please report it: ${oneLine(error)}`);
  return exitCodeOf(error);
}

/** What is wrong with a configuration never crosses a wire, so that its reason, behind a long path, is not cut. */
function wholeLine({ reason, detail, message }: AuthorityError): string {
  if (reason !== 'CAP-X03' || detail === undefined) return message;
  return `CAP-X03 ${REASONS[reason].text}: ${detail.replaceAll(/\s+/g, ' ')}`;
}

/** All problems, one per line, each with its place. */
export function complainOfConfig(problems: readonly ConfigProblem[], terminal: Terminal): ExitCode {
  terminal.complain(`CAP-X03 the configuration is invalid: ${formatQuantity(problems.length, 'problem')}`);
  for (const problem of problems) terminal.explain(placed(problem));
  return EXIT.config;
}

/** Nothing is known to be wrong: what does not answer now can be judged later. */
export function complainOfAway(away: readonly ConfigProblem[], terminal: Terminal): void {
  terminal.complain(`what answers now is as it should be; not answering now: ${formatQuantity(away.length, 'part')}`);
  for (const one of away) terminal.explain(placed(one));
}

/** One line each; nothing is refused. */
export function warnOfConfig(warnings: readonly ConfigProblem[], terminal: Terminal): void {
  for (const warning of warnings) terminal.complain(`warning: ${placed(warning)}`);
}

function placed({ where, path, message }: ConfigProblem): string {
  return path === '' ? `${where}: ${message}` : `${where} ${path}: ${message}`;
}

/** With the place of a bug: whoever reads it is asked to report it. */
function oneLine(error: unknown): string {
  if (!(error instanceof Error)) return 'something that is no error was thrown';
  const at = error.stack?.split('\n').find((line) => line.trimStart().startsWith('at '));
  return `${error.name}: ${error.message}${at === undefined ? '' : ` (${at.trim()})`}`;
}
