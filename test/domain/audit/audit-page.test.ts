// The table of tamperings in docs/audit.md is that of the verifier's test. To make it anew:
// UPDATE_DOCS=1 npx mocha test/domain/audit/audit-page.test.ts
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { GAPS, TAMPERINGS } from '../../../src/domain/audit/findings.ts';
import { headKey } from './support/sample-export.ts';
import { TAMPERING_ROWS, verified } from './support/tamperings.ts';

const PAGE = 'docs/audit.md';
const MARK = '<!-- tamperings -->\n';
const RESULTS = { proven: '0', not_proven: '1', tampered: '65' } as const;

describe('docs/audit.md', () => {
  it('has the table of what was done and what the verifier says', () => {
    const key = headKey();
    const rows = TAMPERING_ROWS.map(({ done, hand }) => {
      const { result, tamperings, gaps } = verified(hand(key), key);
      const [first] = [...tamperings, ...gaps];
      const says = first === undefined ? 'proven' : `\`${first.code}\`: ${meaningOf(first.code)}`;
      return `| ${done} | ${RESULTS[result]} | ${says} |`;
    });
    const table = ['| What was done | Exit code | What it says first |', '| --- | --- | --- |', ...rows].join('\n');
    const page = readFileSync(PAGE, 'utf8');
    const wanted = `${page.slice(0, page.indexOf(MARK) + MARK.length)}\n${table}\n`;
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(PAGE, wanted);
    assert.equal(cells(readFileSync(PAGE, 'utf8')), cells(wanted), 'run this test with UPDATE_DOCS=1');
  });
});

function meaningOf(code: keyof typeof TAMPERINGS | keyof typeof GAPS): string {
  return { ...GAPS, ...TAMPERINGS }[code];
}

/** As prettier pads them. */
function cells(page: string): string {
  return page.slice(page.indexOf(MARK)).replaceAll(/ +/g, ' ').replaceAll(/-{3,}/g, '---');
}
