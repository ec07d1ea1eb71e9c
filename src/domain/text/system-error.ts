// What a failure of the operating system means, in words for an operator: errno(3) codes as Node spells them. Each text
// goes on a sentence that begins with the path or the address.

type Problems = Readonly<Record<string, string>>;

const BELOW_A_FILE = 'is below a file that is not a directory';

const READING_FILE: Problems = {
  ENOENT: 'does not exist',
  ENOTDIR: BELOW_A_FILE,
  EISDIR: 'is a directory',
  EACCES: 'may not be read by this user',
};

const READING_DIRECTORY: Problems = {
  ENOENT: 'does not exist',
  ENOTDIR: 'is not a directory',
  EACCES: 'may not be read by this user',
  ELOOP: 'is a symbolic link, which is followed only in a mounted volume',
};

const WRITING: Problems = {
  ENOENT: 'does not exist',
  ENOTDIR: BELOW_A_FILE,
  EISDIR: 'is a directory',
  EEXIST: 'is a file, not a directory',
  EACCES: 'may not be written by this user',
  ENOSPC: 'is on a disk that is full',
  EROFS: 'is on a read-only file system',
};

const LISTENING: Problems = {
  EADDRINUSE: 'is already in use by another process',
  EACCES: 'may not be opened by this user',
  EADDRNOTAVAIL: 'is not an address of this machine',
  ENOTFOUND: 'does not resolve to an address',
  ENOENT: 'is in a directory that does not exist',
  ENOTDIR: BELOW_A_FILE,
  EROFS: 'is on a read-only file system',
};

/** @returns Node's code of a failure, such as `EACCES`; nothing when it has none. */
export function codeOf(cause: unknown): string | undefined {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
}

/** @returns why a file cannot be read, such as `does not exist`. */
export const fileProblem = problemBy(READING_FILE, 'cannot be read');

/** @returns why a directory, or what was listed in it, cannot be read. */
export const directoryProblem = problemBy(READING_DIRECTORY, 'cannot be read');

/** @returns why a file or a directory cannot be written. */
export const writingProblem = problemBy(WRITING, 'cannot be written');

/** @returns why an address or the path of a socket cannot be listened on. */
export const listeningProblem = problemBy(LISTENING, 'cannot be listened on');

function problemBy(problems: Problems, otherwise: string): (cause: unknown) => string {
  return (cause) => {
    const code = codeOf(cause) ?? 'unknown failure';
    return Object.hasOwn(problems, code) ? (problems[code] ?? '') : `${otherwise} (${code})`;
  };
}
