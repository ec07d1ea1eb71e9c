// Findings as a GitLab Code Quality report: a list that merge requests show beside the changed lines.
import { findingsWithProblems, type FindingsReport } from './findings-report.ts';
import { fingerprintsOf, relativePlace } from './places.ts';

const GITLAB_SEVERITIES = { error: 'major', warning: 'minor', note: 'info' } as const;

/** @returns every finding that has a place; GitLab takes no others. */
export function codeQuality(report: FindingsReport): readonly object[] {
  const findings = findingsWithProblems(report, { place: '.', line: 1, column: 1 });
  const fingerprints = fingerprintsOf(findings);
  return findings.flatMap(({ id, severity, message, position, subject }, index) =>
    position === undefined
      ? []
      : [
          {
            description: subject === undefined ? message : `${subject}: ${message}`,
            check_name: id,
            fingerprint: fingerprints[index],
            severity: GITLAB_SEVERITIES[severity],
            location: { path: relativePlace(position.place), lines: { begin: position.line } },
          },
        ],
  );
}
