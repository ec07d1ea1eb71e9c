// What the policy tools found, in the forms that people and pipelines read.
import assert from 'node:assert/strict';
import path from 'node:path';
import { exitOf, printReport, type Report, type ReportFormat } from '../../../src/cli/reports/report.ts';
import { formatSeverities, printFindings } from '../../../src/cli/reports/formats/text.ts';
import type { Finding } from '../../../src/review/findings.ts';
import { recordTerminal } from '../support/recorded-terminal.ts';
import { sarifViolations } from '../support/sarif-schema/validator.ts';

const EXCEEDS: Finding = {
  id: 'policy/exceeds',
  severity: 'error',
  message: 'spec.narrow.ttl.max is 48h, the bundle gives at most 24h',
  position: { place: 'policies/shop/a b.yaml', line: 7, column: 5 },
};
const WARNING: Finding = {
  id: 'CAP-P12',
  severity: 'warning',
  message: 'say "why", & <how>: 100%, now',
  subject: 'spiffe://x/ns/a/sa/b',
};

function reportOf(...findings: readonly Finding[]): Report {
  const cases = [
    { name: 'policies/shop/a b.yaml', findings },
    { name: 'policies/pay.yaml', findings: [] },
  ];
  return { tool: 'policy lint', cases, json: { findings }, text: () => undefined };
}

function printed(report: Report, format: ReportFormat): string {
  const { terminal, out } = recordTerminal();
  printReport(report, format, terminal);
  return out();
}

interface SarifLog {
  readonly runs: readonly {
    readonly tool: { readonly driver: { readonly rules: readonly { id: string; help: { text: string } }[] } };
    readonly results: readonly {
      readonly ruleId: string;
      readonly ruleIndex: number;
      readonly locations: readonly unknown[];
      readonly partialFingerprints: Record<string, string>;
    }[];
  }[];
}

function sarif(report: Report): SarifLog {
  return JSON.parse(printed(report, 'sarif')) as SarifLog;
}

function fingerprints(...findings: readonly Finding[]): readonly (string | undefined)[] {
  return sarif(reportOf(...findings)).runs[0]!.results.map((result) => result.partialFingerprints['capstanFinding/v1']);
}

describe('A report of the policy tools', () => {
  it('fails a pipeline for errors, and for warnings only when it is told to be strict', () => {
    assert.equal(exitOf([]), 0);
    assert.equal(exitOf([WARNING]), 0);
    assert.equal(exitOf([WARNING], { strict: true }), 1);
    assert.equal(exitOf([WARNING, EXCEEDS]), 1);
    assert.equal(exitOf([{ ...WARNING, severity: 'note' }], { strict: true }), 0);
  });

  it('is SARIF 2.1.0 to the letter of the standard’s schema, with findings and without', () => {
    for (const report of [reportOf(EXCEEDS, WARNING), reportOf(), { ...reportOf(), cases: [] }]) {
      assert.deepEqual(sarifViolations(sarif(report)), []);
    }
    assert.notDeepEqual(sarifViolations({ ...sarif(reportOf(EXCEEDS)), version: '2.0.0' }), []);
  });

  it('places a SARIF result on its line by a relative, percent-encoded URI', () => {
    const [result] = sarif(reportOf(EXCEEDS)).runs[0]!.results;
    assert.deepEqual(result?.locations, [
      {
        physicalLocation: {
          artifactLocation: { uri: 'policies/shop/a%20b.yaml', uriBaseId: '%SRCROOT%' },
          region: { startLine: 7, startColumn: 5 },
        },
      },
    ]);
    const inside = { ...EXCEEDS, position: { ...EXCEEDS.position!, place: path.resolve('policies/shop/a b.yaml') } };
    assert.deepEqual(sarif(reportOf(inside)).runs[0]!.results[0]?.locations, result.locations);
  });

  it('gives a file outside the repository an absolute URI', () => {
    const outside = { ...EXCEEDS, position: { place: '/elsewhere/a.yaml', line: 1, column: 1 } };
    const text = printed(reportOf(outside), 'sarif');
    assert.match(text, /"uri": "file:\/\/\/elsewhere\/a\.yaml"\n/);
    assert.deepEqual(sarifViolations(JSON.parse(text)), []);
  });

  it('explains each rule once, reason codes of the server in the server’s words', () => {
    const { tool, results } = sarif(reportOf(EXCEEDS, WARNING, EXCEEDS)).runs[0]!;
    assert.deepEqual(
      tool.driver.rules.map(({ id }) => id),
      ['CAP-P12', 'policy/exceeds'],
    );
    assert.match(tool.driver.rules[0]?.help.text ?? '', /a policy condition is not met/);
    assert.match(tool.driver.rules[1]?.help.text ?? '', /ask the owner of the bundle/);
    for (const { ruleId, ruleIndex } of results) assert.equal(tool.driver.rules[ruleIndex]?.id, ruleId);
  });

  it('knows a finding again when lines move, and tells twins apart', () => {
    const moved = { ...EXCEEDS, position: { ...EXCEEDS.position!, line: 99 } };
    const [one, twin] = fingerprints(EXCEEDS, moved);
    assert.deepEqual(fingerprints(moved), [one]);
    assert.notEqual(one, twin);
    assert.notDeepEqual(fingerprints({ ...EXCEEDS, message: 'another' }), [one]);
  });

  it('is JUnit XML: a case fails by its errors, and no text can break out of its element', () => {
    const nasty = { ...EXCEEDS, message: 'a "b"\n<c>&amp; ]]>\u0000\u001b\ud800', subject: 'x&y' };
    assert.equal(
      printed(reportOf(nasty, WARNING), 'junit'),
      [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<testsuites name="capstan policy lint" tests="2" failures="1" errors="0">',
        '  <testsuite name="capstan policy lint" tests="2" failures="1" errors="0" skipped="0">',
        '    <testcase name="policies/shop/a b.yaml" classname="capstan.policy.lint" file="policies/shop/a b.yaml" line="7">',
        '      <failure type="policy/exceeds" message="a &quot;b&quot;&#10;&lt;c&gt;&amp;amp; ]]&gt;\uFFFD\uFFFD\uFFFD">' +
          'policies/shop/a b.yaml:7:5: x&amp;y: a &quot;b&quot;\n&lt;c&gt;&amp;amp; ]]&gt;\uFFFD\uFFFD\uFFFD [policy/exceeds]</failure>',
        '      <system-out>warning: spiffe://x/ns/a/sa/b: say &quot;why&quot;, &amp; &lt;how&gt;: 100%, now [CAP-P12]</system-out>',
        '    </testcase>',
        '    <testcase name="policies/pay.yaml" classname="capstan.policy.lint"/>',
        '  </testsuite>',
        '</testsuites>',
        '',
      ].join('\n'),
    );
  });

  it('is one GitHub annotation per finding, with everything escaped that the runner would read as syntax', () => {
    const odd = { ...EXCEEDS, message: '100%\r\nsure', position: { place: 'a,b:c.yaml', line: 2, column: 3 } };
    const note: Finding = { id: 'policy/off', severity: 'note', message: 'off' };
    assert.equal(
      printed(reportOf(odd, WARNING, note), 'github'),
      [
        '::error file=a%2Cb%3Ac.yaml,line=2,col=3,title=policy lint%3A policy/exceeds::100%25%0D%0Asure',
        '::warning title=policy lint%3A CAP-P12::spiffe://x/ns/a/sa/b: say "why", & <how>: 100%25, now',
        '::notice title=policy lint%3A policy/off::off',
        '',
      ].join('\n'),
    );
  });

  it('is a GitLab code quality list of what has a place', () => {
    const list = JSON.parse(printed(reportOf(EXCEEDS, WARNING), 'gitlab')) as Record<string, unknown>[];
    assert.equal(list.length, 1);
    const { fingerprint, ...rest } = list[0]!;
    assert.match(String(fingerprint), /^[0-9a-f]{32}$/);
    assert.deepEqual(rest, {
      description: EXCEEDS.message,
      check_name: 'policy/exceeds',
      severity: 'major',
      location: { path: 'policies/shop/a b.yaml', lines: { begin: 7 } },
    });
  });

  it('is a line per finding for a person, coloured on a terminal only', () => {
    const { terminal, out } = recordTerminal();
    printFindings([EXCEEDS, WARNING], terminal);
    assert.deepEqual(out().trimEnd().split('\n'), [
      `policies/shop/a b.yaml:7:5: error: ${EXCEEDS.message} [policy/exceeds]`,
      `warning: ${WARNING.subject}: ${WARNING.message} [CAP-P12]`,
    ]);
    const coloured = recordTerminal({ colour: true });
    printFindings([EXCEEDS], coloured.terminal);
    assert.match(coloured.out(), /\u001b\[31merror/);
  });

  it('counts in words', () => {
    assert.equal(formatSeverities([]), 'no findings');
    assert.equal(formatSeverities([EXCEEDS, WARNING, WARNING]), '1 error, 2 warnings');
  });
});
