// Heads that somebody kept elsewhere: the file of a witness, JSON Lines as in an export, none of anything else.
import { readLine } from './export-line.ts';
import type { Head } from './head.ts';

export interface WitnessedHeads {
  readonly heads: readonly { readonly line: number; readonly head: Head }[];
  /** Lines that are no heads. */
  readonly malformed: readonly number[];
}

/**
 * @param text of the file. What is behind its last line feed does not count: it was being written. Nor does the beginning of a head
 *   before the whole of it: there the disk was full, or the server ended, and it was written again.
 */
export function readWitnessedHeads(text: string): WitnessedHeads {
  const heads: { line: number; head: Head }[] = [];
  const malformed: number[] = [];
  let begun: number[] = [];
  const lines = text.split('\n').slice(0, -1);
  for (const [index, line] of lines.entries()) {
    const read = readLine(line);
    if (read?.kind !== 'head') {
      begun.push(index);
      continue;
    }
    heads.push({ line: index + 1, head: read });
    malformed.push(...begun.filter((at) => !isBeginningOf(line, lines[at])).map((at) => at + 1));
    begun = [];
  }
  return { heads, malformed: [...malformed, ...begun.map((at) => at + 1)] };
}

function isBeginningOf(line: string, begun = ''): boolean {
  return begun !== '' && line.startsWith(begun);
}
