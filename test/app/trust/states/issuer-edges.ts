// The table of docs/trust.md that says what each edge answers in each state of an issuer: tests take their expectations from it.
import { readFileSync } from 'node:fs';
import path from 'node:path';

const PAGE = path.resolve(import.meta.dirname, '../../../../docs/trust.md');

/** Who signed, or what was said instead; first where another issuer can sign, then where none can. */
export interface Expected {
  readonly withOther: string;
  readonly alone: string;
}

/** By column, without what is in brackets. */
export type StateRow = ReadonlyMap<string, Expected>;

/** By state. */
export function issuerEdges(): ReadonlyMap<string, StateRow> {
  const [, below = ''] = readFileSync(PAGE, 'utf8').split('<!-- edges -->\n');
  const lines = below
    .split('\n')
    .filter((line, at, all) => line.startsWith('|') && all.slice(0, at).every(isRowOrBlank));
  const [head = [], , ...rows] = lines.map(cellsOf);
  return new Map(rows.map(([state = '', ...cells]) => [state, rowOf(head.slice(1), cells)]));
}

const isRowOrBlank = (line: string): boolean => line === '' || line.startsWith('|');
const cellsOf = (line: string): readonly string[] =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.replaceAll('`', '').trim());

function rowOf(columns: readonly string[], cells: readonly string[]): StateRow {
  return new Map(columns.map((column, at) => [column, expectedOf(cells[at] ?? '')]));
}

function expectedOf(cell: string): Expected {
  const [withOther = '', alone = withOther] = cell.split(', else ');
  return { withOther, alone };
}
