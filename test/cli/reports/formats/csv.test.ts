import assert from 'node:assert/strict';
import { csvRow } from '../../../../src/cli/reports/formats/csv.ts';

describe('A row of comma-separated values', () => {
  it('quotes what would end a cell or a row', () => {
    assert.equal(csvRow(['a', 'b,c', 'say "no"', 'two\nlines', '']), 'a,"b,c","say ""no""","two\nlines",');
  });

  it('has no formula for a spreadsheet to work out', () => {
    for (const formula of ['=HYPERLINK("http://x")', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1']) {
      assert.match(csvRow([formula]), /^"?'/, formula);
    }
    assert.equal(csvRow(['node-1=a']), 'node-1=a');
  });
});
