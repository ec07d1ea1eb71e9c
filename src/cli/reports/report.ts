// How the policy tools print what they found: for a person, or in the form that a pipeline reads.
import { Option } from 'commander';
import type { Terminal } from '../terminal.ts';
import type { Report } from '../../review/findings.ts';
import { githubAnnotations } from './formats/github.ts';
import { codeQuality } from './formats/gitlab.ts';
import { junitXml } from './formats/junit.ts';
import { sarifLog } from './formats/sarif.ts';

export { exitOf, reportProblem, type Finding, type Report } from '../../review/findings.ts';

const FORMATS = ['text', 'json', 'junit', 'sarif', 'github', 'gitlab'] as const;
export type ReportFormat = (typeof FORMATS)[number];

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
