// Comparing directories of policies, as a pipeline does with the branch that is merged into. What the words
// are is in test/transcripts/policy-diff.txt.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runCli } from '../../../../src/cli/program.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';
import { recordTerminal } from '../../support/recorded-terminal.ts';
import { sarifViolations } from '../../support/sarif-schema/validator.ts';

const EXAMPLES = path.resolve(import.meta.dirname, '../../../../istio-config/examples');

async function diff(words: readonly string[], colour = false): Promise<{ code: number; out: string }> {
  const { terminal, out } = recordTerminal({ colour });
  const clock = new FakeClock(Date.UTC(2026, 0, 2));
  const signal = AbortSignal.abort();
  return { code: await runCli(['policy', 'diff', ...words], { terminal, environment: {}, clock, signal }), out: out() };
}

describe('capstan policy diff', () => {
  let old: string;
  let changed: string;
  const edit = (file: string, from: string, to: string): void => {
    const text = readFileSync(path.join(changed, file), 'utf8');
    assert.ok(text.includes(from), `${file} says ${from}`);
    writeFileSync(path.join(changed, file), text.replace(from, to));
  };
  beforeEach(() => {
    [old, changed] = ['old', 'new'].map((name) => mkdtempSync(path.join(tmpdir(), `diff-${name}-`))) as [
      string,
      string,
    ];
    for (const folder of [old, changed]) cpSync(path.join(EXAMPLES, 'platform/policies'), folder, { recursive: true });
  });
  afterEach(() => {
    for (const folder of [old, changed]) rmSync(folder, { recursive: true, force: true });
  });

  it('passes when nothing changed, or when files only moved', async () => {
    assert.equal((await diff([old, changed])).code, 0);
    const text = readFileSync(path.join(changed, 'declared-accounts.yaml'), 'utf8');
    rmSync(path.join(changed, 'declared-accounts.yaml'));
    writeFileSync(path.join(changed, 'elsewhere.yaml'), text);
    const { code, out } = await diff([old, changed]);
    assert.match(out, /^nothing changed, \d+ unchanged\n$/);
    assert.equal(code, 0);
  });

  it('stops at a lifetime that grows, at its place in the new file, unless widening is allowed', async () => {
    edit('payments/guarded-pods.yaml', 'max: 30m', 'max: 45m');
    const { code, out } = await diff([old, changed, '--output', 'sarif']);
    assert.equal(code, 1);
    const log = JSON.parse(out) as { runs: { results: { message: { text: string }; locations: unknown[] }[] }[] };
    assert.deepEqual(sarifViolations(log), []);
    const [result] = log.runs[0]!.results;
    assert.match(result?.message.text ?? '', /spec\.narrow\.ttl\.max is wider than before: 30m -> 45m/);
    assert.match(JSON.stringify(result?.locations), /guarded-pods\.yaml.*"startLine":\d+/);
    assert.equal((await diff([old, changed, '--allow-widening'])).code, 0);
  });

  it('stops at a policy that is deleted, and at nothing when one is added', async () => {
    rmSync(path.join(changed, 'payments/guarded-pods.yaml'));
    const { code, out } = await diff([old, changed]);
    assert.match(out, /IssuancePolicy payments\/guarded-pods\n {2}widened {3}\(all of it\) +present -> absent/);
    assert.equal(code, 1);
    assert.equal((await diff([changed, old])).code, 0);
  });

  it('shows directions in colour on a terminal only', async () => {
    edit('payments/guarded-pods.yaml', 'max: 30m', 'max: 45m');
    assert.match((await diff([old, changed], true)).out, /\u001b\[31mwidened/);
    assert.ok(!(await diff([old, changed])).out.includes('\u001b'));
  });

  it('tells a JUnit case for each document', async () => {
    edit('payments/guarded-pods.yaml', 'max: 30m', 'max: 45m');
    const { out } = await diff([old, changed, '--output', 'junit']);
    assert.match(
      out,
      /<testcase name="IssuancePolicy payments\/guarded-pods"[^>]*>\n {6}<failure type="policy\/widened"/,
    );
    assert.match(out, /<testcase name="ClusterIssuancePolicy [a-z-]+" classname="capstan\.policy\.diff"\/>/);
  });
});
