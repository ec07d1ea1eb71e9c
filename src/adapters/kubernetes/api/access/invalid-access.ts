// What stands in the way of reading how an API server is reached.
import { readFileSync } from 'node:fs';
import { AuthorityError } from '../../../../domain/errors.ts';
import { fileProblem } from '../../../../domain/text/system-error.ts';

/** @param place what an operator calls it, with which the sentence begins. */
export function invalid(place: string, problem: string, cause?: unknown): AuthorityError {
  return new AuthorityError('CAP-X03', { detail: `${place} ${problem}`, cause });
}

/** @param setting what needs the file. @throws AuthorityError CAP-X03 when it cannot be read. */
export function fileText(setting: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw invalid(setting, `needs ${file}, which ${fileProblem(cause)}`, cause);
  }
}
