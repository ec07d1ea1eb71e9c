// Files that may hold certificates, below a directory that an operator names: every regular file, whatever its name, for a CA
// that should not be there has no name to be known by. No symbolic link is followed: what it leads to below the directory is
// met there, and what lies outside was not named.
import { constants, type Dirent } from 'node:fs';
import { lstat, open, opendir, readlink, realpath } from 'node:fs/promises';
import path from 'node:path';
import { directoryProblem, fileProblem } from '../../domain/text/system-error.ts';

export interface TreeBounds {
  readonly maxFiles: number;
  /** Of one folder. */
  readonly maxEntries: number;
  readonly maxDepth: number;
  /** Of one file. */
  readonly maxFileBytes: number;
  /** Of all files that are read. */
  readonly maxTotalBytes: number;
}

export const TREE_BOUNDS: TreeBounds = {
  maxFiles: 200_000,
  maxEntries: 250_000,
  maxDepth: 32,
  maxFileBytes: 8 * 1024 * 1024,
  maxTotalBytes: 4 * 1024 * 1024 * 1024,
};

/** The regular files of one folder. */
export interface ListedFolder {
  /** As the operator would write it. */
  readonly folder: string;
  readonly files: readonly string[];
}

export interface FileTree {
  /** A folder before those in it. */
  readonly folders: readonly ListedFolder[];
  readonly fileCount: number;
  /** What was left out, in words that follow its path; the first `MAX_SKIPPED` and one that is beyond a bound, and how many there are beside. */
  readonly skipped: readonly Skipped[];
  readonly moreSkipped: number;
}

export interface Skipped {
  readonly path: string;
  readonly why: string;
  /** A bound: what lies there may be what is looked for. */
  readonly isBeyond?: true;
}

/** Whoever may write there makes as many as he likes. */
export const MAX_SKIPPED = 1_000;

/**
 * @param named a file, or a directory that is walked.
 * @throws what Node says when there is nothing of that name; the signal's reason.
 */
export async function listTree(
  named: string,
  { signal }: { readonly signal: AbortSignal },
  bounds: TreeBounds = TREE_BOUNDS,
): Promise<FileTree> {
  const real = await realpath(named);
  const stats = await lstat(real);
  if (!stats.isDirectory()) {
    const only = { folder: path.dirname(named), files: [path.basename(named)] };
    return { folders: [only], fileCount: 1, skipped: [], moreSkipped: 0 };
  }
  const walk = new Walk(real, bounds, signal);
  await walk.into(named, 0);
  return walk.tree;
}

class Walk {
  readonly #real: string;
  readonly #bounds: TreeBounds;
  readonly #signal: AbortSignal;
  readonly #folders: ListedFolder[] = [];
  readonly #skipped: Skipped[] = [];
  #moreSkipped = 0;
  #isBeyond = false;
  #files = 0;

  constructor(real: string, bounds: TreeBounds, signal: AbortSignal) {
    this.#real = real;
    this.#bounds = bounds;
    this.#signal = signal;
  }

  get tree(): FileTree {
    const [skipped, moreSkipped] = [this.#skipped, this.#moreSkipped];
    return { folders: this.#folders, fileCount: this.#files, skipped, moreSkipped };
  }

  async into(folder: string, depth: number): Promise<void> {
    this.#signal.throwIfAborted();
    const { maxDepth, maxFiles } = this.#bounds;
    if (depth > maxDepth) {
      this.#skip(folder, `is deeper than ${maxDepth} folders`, true);
      return;
    }
    const entries = await this.#entriesOf(folder);
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    const files: string[] = [];
    for (const entry of entries) {
      const at = path.join(folder, entry.name);
      if (entry.isSymbolicLink()) await this.#look(at);
      else if (entry.isFile() && this.#files < maxFiles) files.push(entry.name);
      else if (entry.isFile()) this.#skip(at, `is beyond the first ${maxFiles} files`, true);
      this.#files += entry.isFile() && this.#files < maxFiles ? 1 : 0;
    }
    if (files.length > 0) this.#folders.push({ folder, files });
    for (const entry of entries) if (entry.isDirectory()) await this.into(path.join(folder, entry.name), depth + 1);
  }

  /** No more than are read in any case: a folder with millions of names would take the memory of the whole look. */
  async #entriesOf(folder: string): Promise<Dirent[]> {
    const entries: Dirent[] = [];
    try {
      for await (const entry of await opendir(folder)) {
        if (entries.length < this.#bounds.maxEntries) entries.push(entry);
        else {
          this.#skip(folder, `has more than ${this.#bounds.maxEntries} entries; the others were left out`, true);
          break;
        }
      }
    } catch (cause) {
      this.#skip(folder, directoryProblem(cause));
    }
    return entries;
  }

  async #look(link: string): Promise<void> {
    const target = await realpath(link).catch(() => undefined);
    if (target === this.#real || target?.startsWith(`${this.#real}${path.sep}`) === true) return;
    const gone = target === undefined && (await readlink(link).catch(() => '')) !== '';
    if (!gone) this.#skip(link, 'is a symbolic link out of what was named; name its target to have it looked at');
  }

  #skip(at: string, why: string, isBeyond = false): void {
    const isFirstBeyond = isBeyond && !this.#isBeyond;
    this.#isBeyond ||= isBeyond;
    if (this.#skipped.length >= MAX_SKIPPED && !isFirstBeyond) this.#moreSkipped += 1;
    else this.#skipped.push({ path: at, why, ...(isBeyond && { isBeyond }) });
  }
}

/**
 * @param mayFollow whether a symbolic link may stand there, as where an operator named the file.
 * @returns the bytes, or why there are none, in words that follow the path.
 */
export async function readBounded(
  file: string,
  maxBytes: number,
  mayFollow = false,
): Promise<Uint8Array | { readonly problem: string }> {
  // A pipe that took the file's place since it was listed must not keep us waiting.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (mayFollow ? 0 : constants.O_NOFOLLOW);
  try {
    await using handle = await open(file, flags);
    const stats = await handle.stat();
    if (!stats.isFile()) return { problem: 'is no regular file' };
    if (stats.size > maxBytes) return { problem: `is larger than ${maxBytes} bytes` };
    const buffer = Buffer.alloc(stats.size);
    const { bytesRead } = await handle.read(buffer, 0, stats.size, 0);
    return buffer.subarray(0, bytesRead);
  } catch (cause) {
    return { problem: fileProblem(cause) };
  }
}
