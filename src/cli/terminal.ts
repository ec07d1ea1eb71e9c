// The only writer to standard output and standard error.
//
// Standard output carries what was asked for: a report, a table, JSON, a token. Standard error carries
// complaints, one line each beginning with `capstan: `, and the server's log. So a script may read the
// one and a person sees the other. Colour goes to a terminal only, and not when NO_COLOR is set; a line
// that is written over and over, such as a progress bar, goes to a terminal only.
import process from 'node:process';
import { styleText } from 'node:util';

export type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow';

/** Where the lines go. */
export interface Writer {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
  readonly colour: boolean;
  /** Whether standard error is a terminal, on which a line can be written over; absent, it is not. */
  readonly live?: boolean;
}

/** Back to the first column, and the line is blank (ECMA-48 sections 8.3.15 and 8.3.41). */
const BLANK_LINE = '\r\u001B[2K';

export class Terminal {
  readonly #writer: Writer;

  constructor(writer: Writer) {
    this.#writer = writer;
  }

  /** Text as it is, to standard output; a newline is added when it lacks one. */
  print(text: string): void {
    this.#writer.out(text.endsWith('\n') ? text : `${text}\n`);
  }

  printJson(value: unknown): void {
    this.print(JSON.stringify(value, undefined, 2));
  }

  /** Columns as wide as their widest cell, two spaces apart; the first row is the head. */
  printTable(rows: readonly (readonly string[])[]): void {
    const widths = rows.reduce<number[]>(
      (widest, row) => row.map((cell, column) => Math.max(cell.length, widest[column] ?? 0)),
      [],
    );
    for (const [index, row] of rows.entries()) {
      const line = row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd();
      this.print(index === 0 ? this.styled('bold', line) : line);
    }
  }

  /** Text as it is, to standard error: help that nobody asked for. */
  note(text: string): void {
    this.#writer.error(text);
  }

  /** One line to standard error. */
  complain(line: string): void {
    this.#writer.error(`capstan: ${line}\n`);
  }

  /** What belongs to the complaint before it, to standard error. */
  explain(line: string): void {
    this.#writer.error(`  ${line}\n`);
  }

  /** Whether `redraw` works. */
  get live(): boolean {
    return this.#writer.live === true;
  }

  /** Writes over what `redraw` wrote last, on standard error; empty text takes it away. Only where `live`. */
  redraw(text: string): void {
    if (this.live) this.#writer.error(BLANK_LINE + text);
  }

  styled(style: Style, text: string): string {
    return this.#writer.colour ? styleText(style, text, { validateStream: false }) : text;
  }
}

/** @param environment for NO_COLOR (https://no-color.org): any value but the empty one turns colour off. */
export function processTerminal(environment: Readonly<Record<string, string | undefined>>): Terminal {
  // A reader that goes away, such as `head`, ends nothing: what was asked for has been delivered.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  return new Terminal({
    out: (text) => void process.stdout.write(text),
    error: (text) => void process.stderr.write(text),
    colour: process.stdout.isTTY && (environment['NO_COLOR'] ?? '') === '',
    live: process.stderr.isTTY,
  });
}
