// Findings as GitHub workflow commands: each becomes an annotation on the line of the pull request.
import type { Finding } from '../../../review/findings.ts';
import { findingsWithProblems, type FindingsReport } from './findings-report.ts';
import { relativePlace } from './places.ts';

const COMMANDS = { error: 'error', warning: 'warning', note: 'notice' } as const;

/** @returns one line per finding: `::error file=…,line=…,col=…,title=…::…`. */
export function githubAnnotations(report: FindingsReport): readonly string[] {
  return findingsWithProblems(report).map((finding) => annotation(report.tool, finding));
}

function annotation(tool: string, { id, severity, message, position, subject }: Finding): string {
  const properties = [
    ...(position === undefined
      ? []
      : [`file=${escapeProperty(relativePlace(position.place))}`, `line=${position.line}`, `col=${position.column}`]),
    `title=${escapeProperty(`${tool}: ${id}`)}`,
  ];
  const text = subject === undefined ? message : `${subject}: ${message}`;
  return `::${COMMANDS[severity]} ${properties.join(',')}::${escapeData(text)}`;
}

/** The runner reads a command up to the end of its line, and `%` as the beginning of an escape. */
function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

/** Properties end at a comma, and their list at a colon. */
function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
