// Heads that somebody kept elsewhere: the file of a witness, JSON Lines as in an export, none of anything else.
import { parseJson } from '../text/parse-json.ts';
import { readLine } from './export-line.ts';
import type { Head } from './head.ts';

const HEAD_BEGINS = '{"algorithm":"';

export interface WitnessedHeads {
  readonly heads: readonly { readonly line: number; readonly head: Head }[];
  /** Lines that are no heads. */
  readonly malformed: readonly number[];
}

/**
 * @param text of the file. What is behind its last line feed does not count: it was being written. Nor does the beginning of a head
 *   that was cut: there the disk was full, or the server ended. Whoever could cut it could have taken it away.
 */
export function readWitnessedHeads(text: string): WitnessedHeads {
  const heads: { line: number; head: Head }[] = [];
  const malformed: number[] = [];
  for (const [index, line] of text.split('\n').slice(0, -1).entries()) {
    const read = readLine(line);
    if (read?.kind === 'head') heads.push({ line: index + 1, head: read });
    else if (!isCutHead(line)) malformed.push(index + 1);
  }
  return { heads, malformed };
}

/** As a head begins in its canonical spelling, and of no shape: one that somebody changed ends as it did. */
function isCutHead(line: string): boolean {
  if (line === '' || line.endsWith('}}')) return false;
  return (line.startsWith(HEAD_BEGINS) || HEAD_BEGINS.startsWith(line)) && parseJson(line) === undefined;
}
