// How the tools print what they found: for a person, or in the form that a pipeline reads; and how the process ends.
import { Option } from 'commander';
import type { Finding, Severity } from '../../review/findings.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Terminal } from '../terminal.ts';
import type { FindingsReport } from './formats/findings-report.ts';
import { githubAnnotations } from './formats/github.ts';
import { codeQuality } from './formats/gitlab.ts';
import { junitXml } from './formats/junit.ts';
import { sarifLog } from './formats/sarif.ts';

const FORMATS = ['text', 'json', 'junit', 'sarif', 'github', 'gitlab'] as const;
export type ReportFormat = (typeof FORMATS)[number];

export interface Report extends FindingsReport {
  /** What `--output json` prints. */
  readonly json: unknown;
  /** Prints it for a person. */
  readonly text: () => void;
}

/** How a command ends for the most severe of its findings. */
const EXIT_OF: Readonly<Record<Severity, ExitCode>> = { error: EXIT.findings, warning: EXIT.ok, note: EXIT.ok };
/** With `--strict`. */
const STRICT_EXIT_OF: typeof EXIT_OF = { ...EXIT_OF, warning: EXIT.findings };

export function exitOf(findings: readonly Finding[], { strict = false }: { readonly strict?: boolean } = {}): ExitCode {
  const table = strict ? STRICT_EXIT_OF : EXIT_OF;
  return findings.some(({ severity }) => table[severity] === EXIT.findings) ? EXIT.findings : EXIT.ok;
}

/** `--output`, for every command that reports findings. */
export function reportOption(): Option {
  return new Option('--output <format>', 'how to print it').choices(FORMATS).default('text');
}

export function printReport(report: Report, format: ReportFormat, terminal: Terminal): void {
  switch (format) {
    case 'text':
      report.text();
      return;
    case 'json':
      terminal.printJson(report.json);
      return;
    case 'junit':
      terminal.print(junitXml(report));
      return;
    case 'sarif':
      terminal.printJson(sarifLog(report));
      return;
    case 'github':
      for (const line of githubAnnotations(report)) terminal.print(line);
      return;
    case 'gitlab':
      terminal.printJson(codeQuality(report));
  }
}
