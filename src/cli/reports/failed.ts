// A report that was asked for and cannot be made: the document of that form all the same, saying that the command did
// not succeed and why. A pipeline that uploads an empty file fails in the upload, where nobody sees why.
import type { Command } from 'commander';
import { AuthorityError } from '../../domain/errors.ts';
import { CommandError } from '../exit-codes.ts';
import { reportProblem, type ReportProblem } from '../../review/findings.ts';
import { UnusableInput } from '../problems.ts';
import { printReport, type ReportFormat } from './report.ts';
import type { Terminal } from '../terminal.ts';

const DOCUMENTS: readonly string[] = ['json', 'junit', 'sarif', 'github', 'gitlab'] satisfies ReportFormat[];

/** @param argv as the person wrote it: what is wrong may be the command line itself. */
export function printFailedReport(argv: readonly string[], error: unknown, root: Command, terminal: Terminal): void {
  const format = formatIn(argv);
  if (format === undefined) return;
  const tool = commandIn(argv, root);
  const problems = problemsOf(error);
  const json = { tool, succeeded: false, problems };
  printReport({ tool, cases: [], problems, json, text: () => undefined }, format, terminal);
}

function formatIn(argv: readonly string[]): ReportFormat | undefined {
  const at = argv.findLastIndex((word) => word === '--output' || word.startsWith('--output='));
  const format = argv[at] === '--output' ? argv[at + 1] : argv[at]?.slice('--output='.length);
  return at >= 0 && format !== undefined && DOCUMENTS.includes(format) ? (format as ReportFormat) : undefined;
}

/** `policy check`. */
function commandIn(argv: readonly string[], root: Command): string {
  const names: string[] = [];
  let command: Command | undefined = root;
  for (const word of argv) {
    command = command.commands.find((one) => one.name() === word);
    if (command === undefined) break;
    names.push(word);
  }
  return names.join(' ') || root.name();
}

function problemsOf(error: unknown): readonly ReportProblem[] {
  if (error instanceof UnusableInput) return error.problems.map(reportProblem);
  if (error instanceof AuthorityError || error instanceof CommandError) return [{ message: error.message }];
  return [{ message: error instanceof Error ? error.message.replace(/^error: /, '') : 'internal error' }];
}
