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
  /** Characters in a line of standard output, where that is a terminal. */
  readonly columns?: () => number | undefined;
  /** Resolves when everything has left; says why it could not. Absent, everything has. */
  readonly flushed?: () => Promise<string | undefined>;
}

/** Back to the first column, and the line is blank (ECMA-48 sections 8.3.15 and 8.3.41). */
const BLANK_LINE = '\r\u001B[2K';
/** Up some lines (ECMA-48 section 8.3.22), and everything from there is blank (8.3.39). */
const BLANK_BELOW = (lines: number): string => (lines === 0 ? '' : `\u001B[${lines}A\r\u001B[J`);
const ESCAPE = '\u001B';
/** What a terminal would obey: names in a manifest must not write to it. Our own colours may, where there is colour. */
const CONTROL = /(?![\n\t])\p{Cc}/gu;
/** What cannot be seen, or turns around what is beside it (Unicode Standard Annex 9). */
const UNSEEN = /(?!\n)[\p{Cc}\p{Cf}\p{Co}\u2028\u2029]/gu;
const CONTROL_BUT_COLOUR = new RegExp(`(?![\\n\\t])(?!${ESCAPE}\\[[\\d;]*m)\\p{Cc}`, 'gu');

export class Terminal {
  readonly #writer: Writer;
  #printed = 0;
  /** Lines of the page that is written over. */
  #page = 0;

  constructor(writer: Writer) {
    this.#writer = writer;
  }

  /** Text as it is, to standard output; a newline is added when it lacks one. */
  print(text: string): void {
    this.#printed += 1;
    this.#writer.out(this.#clean(text.endsWith('\n') ? text : `${text}\n`));
  }

  /** Lines of data for a program, to standard output: only a terminal is protected from what is in them. */
  printData(text: string): void {
    this.#printed += 1;
    this.#writer.out(this.width === undefined ? text : this.#clean(text));
  }

  /** How often anything was printed. */
  get printedLines(): number {
    return this.#printed;
  }

  /** What is invisible, or turns the text beside it around, is spelled as JSON spells it. */
  printJson(value: unknown): void {
    const json: string = JSON.stringify(value, undefined, 2);
    this.print(json.replace(UNSEEN, escaped));
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
    this.#writer.error(this.#clean(text));
  }

  /** One line to standard error. */
  complain(line: string): void {
    this.#writer.error(this.#clean(`capstan: ${line}\n`));
  }

  /** What belongs to the complaint before it, to standard error. */
  explain(line: string): void {
    this.#writer.error(this.#clean(`  ${line}\n`));
  }

  /** Whether `redraw` works. */
  get live(): boolean {
    return this.#writer.live === true;
  }

  /** Writes over what `redraw` wrote last, on standard error; empty text takes it away. Only where `live`. */
  redraw(text: string): void {
    if (this.live) this.#writer.error(BLANK_LINE + text);
  }

  /** Characters in a line; nothing where standard output is no terminal. */
  get width(): number | undefined {
    return this.#writer.columns?.();
  }

  /** Writes over the page before it, on standard output; where that is no terminal each page follows the one before. */
  redrawPage(lines: readonly string[]): void {
    const over = this.width === undefined ? '' : BLANK_BELOW(this.#page);
    this.#page = lines.length;
    this.#printed += 1;
    this.#writer.out(over + this.#clean(lines.map((line) => `${line}\n`).join('')));
  }

  /**
   * Waits until everything that was printed has left.
   * @returns why it could not; a reader that goes away, such as `head`, is no reason: it had what it wanted.
   */
  async flushed(): Promise<string | undefined> {
    return this.#writer.flushed?.();
  }

  #clean(text: string): string {
    return text.replaceAll(this.#writer.colour ? CONTROL_BUT_COLOUR : CONTROL, '?');
  }

  styled(style: Style, text: string): string {
    return this.#writer.colour ? styleText(style, text, { validateStream: false }) : text;
  }
}

/** Each unit of UTF-16 by itself, as JSON escapes them (RFC 8259 section 7). */
function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, at) => character.charCodeAt(at))
    .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
    .join('');
}

/** @param environment for NO_COLOR (https://no-color.org): any value but the empty one turns colour off. */
export function processTerminal(environment: Readonly<Record<string, string | undefined>>): Terminal {
  let problem: string | undefined;
  process.stdout.on('error', (error) => {
    const code = 'code' in error ? String(error.code) : error.message;
    if (code !== 'EPIPE') problem ??= code;
  });
  process.stderr.on('error', () => undefined);
  return new Terminal({
    out: (text) => void process.stdout.write(text),
    error: (text) => void process.stderr.write(text),
    colour: process.stdout.isTTY && (environment['NO_COLOR'] ?? '') === '',
    live: process.stderr.isTTY,
    columns: () => (process.stdout.isTTY ? process.stdout.columns : undefined),
    flushed: async () => {
      await new Promise<void>((resolve) => process.stdout.write('', () => setImmediate(resolve)));
      return problem;
    },
  });
}
