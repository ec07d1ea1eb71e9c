// A small state file beside the journal: read and replaced whole, at start and in threads that may wait for the disk.
import { readFileSync } from 'node:fs';
import { codeOf, fileProblem, writingProblem } from '../../../domain/text/system-error.ts';
import { replaceFileAtOnce } from '../../../durable/replace-file.ts';
import { JournalProblem } from '../sqlite/file/journal-problem.ts';

/** @returns nothing when there is no such file. @throws JournalProblem naming one that cannot be read. */
export function readSmallFile(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined;
    throw new JournalProblem('file', `${file} ${fileProblem(cause)}`, { cause });
  }
}

/**
 * In one step that outlives a power cut; only this user may read it.
 * @throws JournalProblem naming the file; what was there stays.
 */
export function replaceSmallFile(file: string, text: string): void {
  try {
    replaceFileAtOnce(file, text);
  } catch (cause) {
    throw new JournalProblem('file', `${file} ${writingProblem(cause)}`, { cause });
  }
}
