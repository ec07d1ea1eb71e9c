import assert from 'node:assert/strict';
import { spanInWords, validityInWords } from '../../src/cli/time-words.ts';
import { recordTerminal } from './recorded-terminal.ts';

describe('The terminal', () => {
  it('keeps what was asked for apart from complaints', () => {
    const { terminal, out, error } = recordTerminal();
    terminal.print('the token');
    terminal.complain('something is odd');
    assert.equal(out(), 'the token\n');
    assert.equal(error(), 'capstan: something is odd\n');
  });

  it('sets a table in columns, with no spaces at line ends', () => {
    const { terminal, out } = recordTerminal();
    terminal.printTable([
      ['NAME', 'VALUE'],
      ['a', '1'],
      ['longer', ''],
    ]);
    assert.equal(out(), 'NAME    VALUE\na       1\nlonger\n');
  });

  it('colours only where colour is wanted', () => {
    assert.equal(recordTerminal().terminal.styled('red', 'no'), 'no');
    assert.match(recordTerminal({ colour: true }).terminal.styled('red', 'no'), /\[31mno/);
  });

  it('says spans in the largest unit that fits twice', () => {
    const spans = [500, 1_000, 119_000, 120_000, 7_200_000, 86_400_000, 3 * 86_400_000, 10 * 365 * 86_400_000];
    assert.deepEqual(spans.map(spanInWords), [
      '1 second',
      '1 second',
      '119 seconds',
      '2 minutes',
      '2 hours',
      '24 hours',
      '3 days',
      '10 years',
    ]);
  });

  it('says of a validity whether it is to come, under way or over', () => {
    const validity = { notBeforeMs: 100_000, notAfterMs: 200_000 };
    assert.equal(validityInWords(validity, 90_000), 'not valid for another 10 seconds');
    assert.equal(validityInWords(validity, 150_000), '50 seconds left');
    assert.equal(validityInWords(validity, 230_000), 'expired 30 seconds ago');
  });
});
