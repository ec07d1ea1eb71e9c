// The result for people. The same rows as JSON are in main.ts.
import { betterWhen, type Row } from './measurement.ts';

const HEADS = ['row', 'value', 'unit', 'better', 'yardstick', 'its value', 'ratio'];

/** A Markdown table: it reads well in a terminal and can go into docs/performance.md as it is. */
export function tableOf(rows: readonly Row[]): string {
  const lines = [HEADS, ...rows.map(cellsOf)];
  const widths = HEADS.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const printed = lines.map((line) => `| ${line.map((cell, column) => pad(cell, column, widths)).join(' | ')} |`);
  const rule = `| ${widths.map((width, column) => (isNumber(column) ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width))).join(' | ')} |`;
  return [printed[0], rule, ...printed.slice(1)].join('\n');
}

function cellsOf({ name, value, unit, yardstick, ratio }: Row): string[] {
  const other = yardstick.value === null ? 'not measured' : String(yardstick.value);
  return [name, String(value), unit, betterWhen(unit), yardstick.name, other, ratio === null ? '-' : ratio.toFixed(2)];
}

function isNumber(column: number): boolean {
  return ['value', 'its value', 'ratio'].includes(HEADS[column] ?? '');
}

function pad(cell: string, column: number, widths: readonly number[]): string {
  const width = widths[column] ?? 0;
  return isNumber(column) ? cell.padStart(width) : cell.padEnd(width);
}
