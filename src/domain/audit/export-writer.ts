// Writes the lines of an export and counts them, so that its end can state what was before it. The order of the lines is the
// caller's: header, chains, heads, records chain by chain, records of no chain.
import { createHash } from 'node:crypto';
import { writeLine, type ChainRange, type EndLine, type EndStatement, type ExportLine } from './export-line.ts';
import type { Signature } from './statement.ts';

export type EndFacts = Omit<EndStatement, 'version' | 'records' | 'unchained' | 'content' | 'chains'> & {
  readonly chains: readonly ChainRange[];
};

export class ExportWriter {
  readonly #content = createHash('sha256');
  #records = 0;
  #unchained = 0;

  /** @returns the line with its line feed. */
  line(line: Exclude<ExportLine, EndLine>): string {
    const text = `${writeLine(line)}\n`;
    this.#content.update(text);
    if ('chain' in line) this.#records += 1;
    else if ('record' in line) this.#unchained += 1;
    return text;
  }

  get records(): number {
    return this.#records + this.#unchained;
  }

  /** @returns what the end states of all lines so far. */
  end(facts: EndFacts): EndStatement {
    const content = this.#content.copy().digest('hex');
    return { version: 1, ...facts, records: this.#records, unchained: this.#unchained, content };
  }
}

/** @returns the last line, with its line feed. */
export function endLine(statement: EndStatement, signature?: Signature): string {
  return `${writeLine({ kind: 'end', statement, ...signature })}\n`;
}
