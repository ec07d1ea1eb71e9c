// Findings as a SARIF 2.1.0 log (OASIS Static Analysis Results Interchange Format), which code scanning
// reads: the rules with their help, and each result on its line.
import type { Finding, ReportProblem } from '../../../review/findings.ts';
import type { FindingsReport } from './findings-report.ts';
import { fingerprintsOf, uriOf } from './places.ts';
import { helpOf } from './rules.ts';

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';
const BASE = '%SRCROOT%';

export function sarifLog({ tool, cases, problems = [] }: FindingsReport): object {
  const findings = cases.flatMap((one) => one.findings);
  const ids = [...new Set(findings.map(({ id }) => id))].sort();
  const fingerprints = fingerprintsOf(findings);
  return {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'capstan', rules: ids.map(ruleOf) } },
        // One upload may not replace the findings of another tool: code scanning keeps them apart by this.
        automationDetails: { id: `capstan/${tool.replaceAll(' ', '-')}/` },
        invocations: [invocationOf(problems)],
        originalUriBaseIds: { [BASE]: { description: { text: 'where the command ran' } } },
        columnKind: 'utf16CodeUnits',
        results: findings.map((finding, index) => resultOf(finding, ids.indexOf(finding.id), fingerprints[index])),
      },
    ],
  };
}

function invocationOf(problems: readonly ReportProblem[]): object {
  if (problems.length === 0) return { executionSuccessful: true };
  return { executionSuccessful: false, toolExecutionNotifications: problems.map(notificationOf) };
}

function notificationOf({ position, message }: ReportProblem): object {
  const locations = position === undefined ? [] : [{ physicalLocation: physical(position) }];
  return { level: 'error', message: { text: message }, locations };
}

function ruleOf(id: string): object {
  const { title, help } = helpOf(id);
  return {
    id,
    shortDescription: { text: title },
    fullDescription: { text: title },
    help: { text: help, markdown: help },
  };
}

function resultOf(finding: Finding, ruleIndex: number, fingerprint: string | undefined): object {
  const { id, severity, message, position, subject } = finding;
  const location = {
    ...(position !== undefined && { physicalLocation: physical(position) }),
    ...(subject !== undefined && { logicalLocations: [{ fullyQualifiedName: subject }] }),
  };
  return {
    ruleId: id,
    ruleIndex,
    level: severity,
    message: { text: subject === undefined ? message : `${subject}: ${message}` },
    locations: Object.keys(location).length === 0 ? [] : [location],
    ...(fingerprint !== undefined && { partialFingerprints: { 'capstanFinding/v1': fingerprint } }),
  };
}

function physical({ place, line, column }: NonNullable<Finding['position']>): object {
  const uri = uriOf(place);
  return {
    artifactLocation: uri.startsWith('file:') ? { uri } : { uri, uriBaseId: BASE },
    region: { startLine: line, startColumn: column },
  };
}
