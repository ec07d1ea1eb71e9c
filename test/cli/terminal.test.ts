import assert from 'node:assert/strict';
import { Progress } from '../../src/cli/progress.ts';
import { formatCount } from '../../src/domain/text/format-count.ts';
import { runCli } from '../../src/cli/program.ts';
import { Terminal } from '../../src/cli/terminal.ts';
import { formatSpan, formatValidity } from '../../src/domain/text/format-time.ts';
import { FakeClock } from '../support/fakes/fake-clock.ts';
import { recordTerminal } from './support/recorded-terminal.ts';

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

  it('writes a line over itself on standard error, and only where that is a terminal', () => {
    const written: string[] = [];
    const writer = { out: () => assert.fail('not asked for'), error: (text: string) => void written.push(text) };
    new Terminal({ ...writer, colour: true }).redraw('half done');
    assert.deepEqual(written, []);
    new Terminal({ ...writer, colour: false, live: true }).redraw('half done');
    assert.deepEqual(written, ['\r\u001B[2Khalf done']);
  });

  it('says spans in the largest unit that fits twice', () => {
    const spans = [500, 1_000, 119_000, 120_000, 7_200_000, 86_400_000, 3 * 86_400_000, 10 * 365 * 86_400_000];
    assert.deepEqual(spans.map(formatSpan), [
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
    assert.equal(formatValidity(validity, 90_000), 'not valid for another 10 seconds');
    assert.equal(formatValidity(validity, 150_000), '50 seconds left');
    assert.equal(formatValidity(validity, 230_000), 'expired 30 seconds ago');
  });
});

describe('Progress', () => {
  const settings = { what: 'decisions', total: 1_000_000, lines: false };

  it('is a bar on a terminal, drawn at most ten times a second, and taken away at the end', async () => {
    const clock = new FakeClock();
    const drawn: string[] = [];
    const error = (text: string): void => void drawn.push(text.replace('\r\u001B[2K', ''));
    const terminal = new Terminal({ out: error, error, colour: false, live: true });
    const progress = new Progress({ terminal, clock }, settings);
    progress.reach(100_000);
    await clock.advance(20_000);
    progress.reach(500_000);
    await clock.advance(99);
    progress.reach(600_000);
    progress.end();
    assert.deepEqual(drawn, ['[##########----------] 50%  500,000 of 1,000,000 decisions, 20 seconds left', '']);
  });

  it('is silent in a pipeline, unless asked for: then a line at every tenth', () => {
    const silent = recordTerminal();
    const told = recordTerminal();
    for (const [{ terminal }, lines] of [[silent, false] as const, [told, true] as const]) {
      const progress = new Progress({ terminal, clock: new FakeClock() }, { what: 'decisions', total: 20, lines });
      for (let done = 0; done <= 4; done += 1) progress.reach(done);
      progress.end();
    }
    assert.deepEqual(silent.lines(), []);
    assert.deepEqual(told.lines(), ['! 10%  2 of 20 decisions', '! 20%  4 of 20 decisions']);
  });

  it('of nothing is complete', () => {
    const { terminal, error } = recordTerminal();
    new Progress({ terminal, clock: new FakeClock() }, { ...settings, total: 0, lines: true }).reach(0);
    assert.equal(error(), '100%  0 of 0 decisions\n');
  });

  it('parts thousands', () => {
    assert.deepEqual([0, 999, 1_000, 1_234_567].map(formatCount), ['0', '999', '1,000', '1,234,567']);
  });

  it('lets no name in a file write to the terminal', () => {
    const { terminal, out, error } = recordTerminal();
    terminal.print('a \u001B[31mred\u001B[0m name\r\u0007');
    terminal.complain('a \u001B]0;title\u0007');
    assert.equal(out(), 'a ?[31mred?[0m name??\n');
    assert.equal(error(), 'capstan: a ?]0;title?\n');
  });

  it('keeps its own colours where there is colour, and nothing else that a terminal obeys', () => {
    const { terminal, out } = recordTerminal({ colour: true });
    terminal.print(`${terminal.styled('red', 'bad')} \u001B[2J`);
    assert.equal(out(), '\u001B[31mbad\u001B[39m ?[2J\n');
  });
});

describe('A report that cannot be written', () => {
  const full = { out: () => undefined, error: () => undefined, colour: false, flushed: async () => 'ENOSPC' };
  const run = async (...argv: string[]) =>
    runCli(argv, { terminal: new Terminal(full), environment: {}, signal: AbortSignal.abort() });

  it('lets no check pass, and no command end well', async () => {
    assert.equal(await run('policy', 'schema'), 2);
    assert.equal(await run('version'), 73);
  });
});
