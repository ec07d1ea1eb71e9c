// What the doctor's last line claims.
import assert from 'node:assert/strict';
import { doctorReport } from '../../../src/cli/reports/doctor/diagnosis.ts';
import { diagnose } from '../../../src/review/doctor/diagnose.ts';
import { goodFacts } from '../../review/doctor/good-facts.ts';
import { recordTerminal } from '../support/recorded-terminal.ts';

describe('The last line of the doctor', () => {
  function lastLineFor(facts: ReturnType<typeof goodFacts>): string | undefined {
    const { terminal, out } = recordTerminal();
    doctorReport(diagnose(facts), terminal).text();
    return out().trimEnd().split('\n').at(-1);
  }

  it('says that nothing is found where everything was looked at', () => {
    assert.match(lastLineFor(goodFacts()) ?? '', /^\d+ checks, nothing found\.$/);
  });

  it('counts what was not looked at, for nothing found there is no good news', () => {
    const facts = { ...goodFacts(), injections: { unknown: 'ConfigMaps: forbidden' } };
    assert.match(lastLineFor(facts) ?? '', /^\d+ checks, 3 of them not or only in part, nothing found\.$/);
  });
});
