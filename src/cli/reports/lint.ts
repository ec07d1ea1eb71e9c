// What lint found, for people and programs.
import { formatQuantity } from '../../domain/text/format-count.ts';
import { lintCases, type LintResult } from '../../review/lint/lint-policies.ts';
import type { Terminal } from '../terminal.ts';
import { formatSeverities, printFindings } from './formats/text.ts';
import type { Report } from './report.ts';

export function lintReport(result: LintResult, terminal: Terminal): Report {
  const { places, documents, findings } = result;
  return {
    tool: 'policy lint',
    cases: lintCases(result),
    json: {
      files: places,
      documents,
      findings: findings.map(({ id, severity: level, ...rest }) => ({ id, level, ...rest })),
    },
    text: () => {
      printFindings(findings, terminal);
      const read = `${formatQuantity(documents, 'document')} in ${formatQuantity(places.length, 'file')}`;
      terminal.print(`${read}: ${formatSeverities(findings)}`);
    },
  };
}
