// What can be wrong with the journal's file, in words for an operator. It crosses between threads as
// plain values and becomes an AuthorityError only where the journal is used.
import { AuthorityError } from '../../../../domain/errors.ts';

/**
 * `file`: an operator has to look at the file; a server does not start with it.
 * `place`: lock, disk or I/O; it may pass by itself.
 */
export type ProblemKind = 'file' | 'place';

export class JournalProblem extends Error {
  readonly kind: ProblemKind;

  /** @param message names the file and says what to do. */
  constructor(kind: ProblemKind, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.name = 'JournalProblem';
    this.kind = kind;
  }

  /** For somebody who wanted to open the journal. */
  toOpeningError(): AuthorityError {
    return new AuthorityError(this.kind === 'file' ? 'CAP-X03' : 'CAP-S04', { detail: this.message, cause: this });
  }
}

/** SQLite's primary result codes (sqlite.org/rescode.html), as far as a sound program meets them. */
const SQLITE_PROBLEMS: Readonly<Record<number, readonly [ProblemKind, string]>> = {
  5: ['place', 'is locked by another process'],
  8: ['file', 'may not be written by this user'],
  10: ['place', 'cannot be read or written (I/O error)'],
  11: ['file', 'is corrupt; restore it, or move it and its .lock file away to start a new one'],
  13: ['place', 'cannot grow: the disk is full'],
  14: ['file', 'cannot be opened'],
  26: ['file', 'is not a SQLite database; restore it, or move it and its .lock file away to start a new one'],
};

/** @returns the problem behind whatever SQLite or the file system threw. */
export function journalProblem(file: string, cause: unknown): JournalProblem {
  if (cause instanceof JournalProblem) return cause;
  const [kind, text] = format(cause);
  return new JournalProblem(kind, `the journal ${file} ${text}`, { cause });
}

function format(cause: unknown): readonly [ProblemKind, string] {
  if (!(cause instanceof Error)) return ['place', 'failed'];
  if ('errcode' in cause) {
    const code = Number(cause.errcode);
    return SQLITE_PROBLEMS[code & 0xff] ?? ['place', `failed with SQLite result ${code}`];
  }
  if (!('syscall' in cause && 'code' in cause)) return ['place', `failed: ${cause.message}`];
  return ['file', cause.code === 'ENOENT' ? 'does not exist' : `cannot be opened (${String(cause.code)})`];
}
