// The command line of `npm run bench`.
import { parseArgs } from 'node:util';

export interface Options {
  readonly output: 'table' | 'json';
  /** A row name or the beginning of some; everything when absent. */
  readonly only: string | undefined;
  /** Measured seconds per side and round. */
  readonly seconds: number;
  /** Rounds in turn over both sides; the median counts. */
  readonly rounds: number;
}

export const USAGE = 'usage: npm run bench -- [--output table|json] [--only NAME] [--seconds N] [--rounds N]';

/** @throws Error with the usage line when an argument makes no sense. */
export function optionsFrom(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      output: { type: 'string', default: 'table' },
      only: { type: 'string' },
      seconds: { type: 'string', default: '2' },
      rounds: { type: 'string', default: '3' },
    },
  });
  if (values.output !== 'table' && values.output !== 'json') throw new Error(USAGE);
  return {
    output: values.output,
    only: values.only,
    seconds: positive(values.seconds),
    rounds: Math.ceil(positive(values.rounds)),
  };
}

function positive(text: string): number {
  const number = Number(text);
  if (!(number > 0 && number <= 600)) throw new Error(USAGE);
  return number;
}
