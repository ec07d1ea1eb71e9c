// Findings as JUnit XML, which every pipeline shows as tests: a case fails by its errors; warnings and
// notes are its output.
import { formatPosition } from '../../../domain/text/position.ts';
import type { Finding, ReportProblem } from '../../../review/findings.ts';
import type { FindingsReport } from './findings-report.ts';

export function junitXml({ tool, cases, problems = [] }: FindingsReport): string {
  const failed = cases.filter(({ findings }) => findings.some(isError)).length;
  const tests = cases.length + problems.length;
  const counts = `tests="${tests}" failures="${failed}" errors="${problems.length}"`;
  const name = attribute('name', `capstan ${tool}`);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${name} ${counts}>`,
    `  <testsuite ${name} ${counts} skipped="0">`,
    ...cases.flatMap((one) => testCase(tool, one)),
    ...problems.flatMap((problem) => errorCase(tool, problem)),
    '  </testsuite>',
    '</testsuites>',
  ].join('\n');
}

function testCase(tool: string, { name, findings }: FindingsReport['cases'][number]): readonly string[] {
  const place = findings.find(isError)?.position ?? findings[0]?.position;
  const attributes = [
    attribute('name', name),
    attribute('classname', `capstan.${tool.replaceAll(' ', '.')}`),
    ...(place === undefined ? [] : [attribute('file', place.place), attribute('line', String(place.line))]),
  ].join(' ');
  const failures = findings.filter(isError).map(failure);
  const remarks = findings
    .filter((finding) => !isError(finding))
    .map((finding) => `${finding.severity}: ${line(finding)}`);
  const output = remarks.length === 0 ? [] : [`      <system-out>${escape(remarks.join('\n'))}</system-out>`];
  if (failures.length + output.length === 0) return [`    <testcase ${attributes}/>`];
  return [`    <testcase ${attributes}>`, ...failures, ...output, '    </testcase>'];
}

/** What could not be looked at (Apache Ant's JUnit format: an error is none of an assertion). */
function errorCase(tool: string, { position, message }: ReportProblem): readonly string[] {
  const attributes = [
    attribute('name', position?.place ?? 'input'),
    attribute('classname', `capstan.${tool.replaceAll(' ', '.')}`),
    ...(position === undefined ? [] : [attribute('file', position.place), attribute('line', String(position.line))]),
  ].join(' ');
  const text = position === undefined ? message : `${formatPosition(position)}: ${message}`;
  return [
    `    <testcase ${attributes}>`,
    `      <error ${attribute('type', 'unreadable')} ${attribute('message', message)}>${escape(text)}</error>`,
    '    </testcase>',
  ];
}

function failure(finding: Finding): string {
  const attributes = `${attribute('type', finding.id)} ${attribute('message', finding.message)}`;
  return `      <failure ${attributes}>${escape(line(finding))}</failure>`;
}

function line({ id, message, position, subject }: Finding): string {
  const where = [position === undefined ? undefined : formatPosition(position), subject];
  return [...where.filter((part) => part !== undefined), `${message} [${id}]`].join(': ');
}

function isError({ severity }: Finding): boolean {
  return severity === 'error';
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** What XML 1.0 (section 2.2) has no character for becomes U+FFFD: no policy's text may break the report. */
function escape(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}

/** Line breaks in a value must be spelled out, or a parser turns them into spaces (section 3.3.3). */
function attribute(name: string, value: string): string {
  const escaped = escape(value).replaceAll('\n', '&#10;').replaceAll('\r', '&#13;').replaceAll('\t', '&#9;');
  return `${name}="${escaped}"`;
}
