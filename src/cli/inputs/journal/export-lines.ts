// The lines of an exported journal, which may be larger than memory: read piece by piece. A line ends with a line feed and
// nothing else, as JSON Lines has it.
import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import process from 'node:process';
import { fileProblem } from '../../../domain/text/system-error.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import { STANDARD_INPUT } from '../files.ts';

const LINE_FEED = 0x0a;
/** Far above what one record takes; a longer line is none of an export. */
export const MAX_LINE_BYTES = 1024 * 1024;
const PIECE_BYTES = 1024 * 1024;
/** What stands for a line that is no text, or too long: a verifier takes it for no line of an export. */
const NO_LINE = '';

export interface ReadLines {
  readonly lines: readonly string[];
  /** All that was read so far. */
  readonly bytes: number;
}

/** @returns its size in bytes; nothing for standard input. @throws CommandError 66 naming the file. */
export async function exportBytes(file: string): Promise<number | undefined> {
  if (file === STANDARD_INPUT) return undefined;
  try {
    return (await stat(file)).size;
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

/**
 * @param file or `-`.
 * @returns the lines of each piece that was read, without their line feeds.
 * @throws CommandError 66 naming the file; the signal's reason.
 */
export async function* exportLines(
  file: string,
  { signal }: { readonly signal: AbortSignal },
): AsyncGenerator<ReadLines> {
  const input: AsyncIterable<Buffer> =
    file === STANDARD_INPUT ? process.stdin : createReadStream(file, { highWaterMark: PIECE_BYTES, signal });
  const cutter = new LineCutter();
  try {
    for await (const piece of input) {
      signal.throwIfAborted();
      yield cutter.cut(piece);
    }
  } catch (cause) {
    signal.throwIfAborted();
    throw unreadable(file, cause);
  }
  yield cutter.rest();
}

class LineCutter {
  #begun: Buffer[] = [];
  #begunBytes = 0;
  #bytes = 0;

  cut(piece: Buffer): ReadLines {
    this.#bytes += piece.length;
    const lines: string[] = [];
    let from = 0;
    for (let at = piece.indexOf(LINE_FEED); at !== -1; at = piece.indexOf(LINE_FEED, from)) {
      lines.push(this.#line(piece.subarray(from, at)));
      from = at + 1;
    }
    this.#keep(piece.subarray(from));
    return { lines, bytes: this.#bytes };
  }

  /** What has no line feed behind it is a line too: somebody may have cut it there. */
  rest(): ReadLines {
    return { lines: this.#begunBytes === 0 ? [] : [this.#line(Buffer.alloc(0))], bytes: this.#bytes };
  }

  /** Of a line that is too long already only its length is kept. */
  #keep(part: Buffer): void {
    if (this.#begunBytes <= MAX_LINE_BYTES) this.#begun.push(part);
    this.#begunBytes += part.length;
  }

  #line(end: Buffer): string {
    this.#keep(end);
    const isLine = this.#begunBytes <= MAX_LINE_BYTES;
    const bytes = isLine ? (this.#begun.length === 1 ? end : Buffer.concat(this.#begun)) : undefined;
    this.#begun = [];
    this.#begunBytes = 0;
    return bytes !== undefined && isUtf8(bytes) ? bytes.toString('utf8') : NO_LINE;
  }
}

function unreadable(file: string, cause: unknown): CommandError {
  return new CommandError(EXIT.noInput, `cannot read ${file}: it ${fileProblem(cause)}`, { cause });
}
