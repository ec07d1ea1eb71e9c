// Files that a person named: read whole or complained of by name, written whole or not at all.
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { codeOf, fileProblem, writingProblem } from '../../domain/text/system-error.ts';
import { CommandError, EXIT } from '../exit-codes.ts';

/** Larger than any chain, key or token. */
const MAX_FILE_BYTES = 1024 * 1024;

/** What a command line calls standard input. */
export const STANDARD_INPUT = '-';

export interface InputOptions {
  /** What to do when the file is not there. */
  readonly hint?: string;
  readonly maxBytes?: number;
}

/** @param file or `-`, where `maxBytes` is said. @throws CommandError 66 naming the file. */
export async function readInput(file: string, options: InputOptions = {}): Promise<string> {
  return (await readInputBytes(file, options)).toString('utf8');
}

/** As `readInput`, of what may be no text. */
export async function readInputBytes(file: string, { hint, maxBytes }: InputOptions = {}): Promise<Buffer> {
  const most = maxBytes ?? MAX_FILE_BYTES;
  try {
    if (file === STANDARD_INPUT && maxBytes !== undefined) return await readStandardInput(most);
    if ((await stat(file)).size > most) throw new Error(`it is larger than ${most} bytes`);
    return await readFile(file);
  } catch (cause) {
    throw new CommandError(
      EXIT.noInput,
      `cannot read ${file}: ${whyNot(cause, fileProblem)}${hint === undefined ? '' : `; ${hint}`}`,
      { cause },
    );
  }
}

async function readStandardInput(most: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > most) throw new Error(`it is larger than ${most} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export interface OutputFile {
  readonly name: string;
  readonly text: string | Uint8Array;
  readonly mode: number;
}

/**
 * Writes files into a folder, made when it is missing. All are complete on disk before the first takes
 * its name, so that a key never stands beside another key's certificate for longer than two renames.
 * @throws CommandError 73 naming the folder.
 */
export async function writeTogether(folder: string, files: readonly OutputFile[]): Promise<void> {
  const suffix = `.${randomUUID().slice(0, 8)}.new`;
  const place = ({ name }: OutputFile): string => path.join(folder, name);
  try {
    await mkdir(folder, { recursive: true });
    for (const file of files) {
      await writeFile(place(file) + suffix, file.text, { mode: file.mode, flag: 'wx', flush: true });
    }
    for (const file of files) await rename(place(file) + suffix, place(file));
  } catch (cause) {
    for (const file of files) await rm(place(file) + suffix, { force: true }).catch(() => undefined);
    throw new CommandError(EXIT.cannotCreate, `cannot write to ${folder}: ${whyNot(cause, writingProblem)}`, { cause });
  }
}

/** What has no code is our own complaint. */
function whyNot(cause: unknown, problem: (cause: unknown) => string): string {
  return cause instanceof Error && codeOf(cause) === undefined ? cause.message : `it ${problem(cause)}`;
}
