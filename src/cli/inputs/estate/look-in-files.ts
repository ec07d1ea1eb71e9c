// Certificates of files and directories that somebody names, for the finder of rogue CAs.
import path from 'node:path';
import {
  listTree,
  readBounded,
  TREE_BOUNDS,
  type FileTree,
  type ListedFolder,
  type TreeBounds,
} from '../../../adapters/files/certificate-files.ts';
import { fileProblem } from '../../../domain/text/system-error.ts';
import { formatCount } from '../../../domain/text/format-count.ts';
import type { Gathered } from '../../../review/rogue/gathered.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import type { Invocation } from '../../invocation.ts';
import { Progress } from '../../progress.ts';

export interface FileSearch {
  readonly paths: readonly string[];
  /** Whether to say how far it has come where there is no terminal. */
  readonly progress: boolean;
  readonly bounds?: TreeBounds;
}

/** @returns how many files were looked at. @throws CommandError 2 naming a path that is not there. */
export async function lookInFiles(
  { paths, progress: lines, bounds = TREE_BOUNDS }: FileSearch,
  gathered: Gathered,
  { terminal, clock, signal }: Pick<Invocation, 'terminal' | 'clock' | 'signal'>,
): Promise<number> {
  const trees: FileTree[] = [];
  for (const named of paths) trees.push(await treeOf(named, bounds, signal));
  const total = trees.reduce((sum, { fileCount }) => sum + fileCount, 0);
  const progress = new Progress({ terminal, clock }, { what: 'files', total, lines });
  const reader = new FolderReader(gathered, bounds, new Set(paths.map((named) => path.normalize(named))));
  for (const { folders, skipped } of trees) {
    for (const skip of skipped) gathered.skip(skip.path, skip.why);
    for (const folder of folders) {
      signal.throwIfAborted();
      await reader.read(folder, (files) => progress.reach(files));
    }
  }
  progress.end();
  return total;
}

class FolderReader {
  readonly #gathered: Gathered;
  readonly #bounds: TreeBounds;
  /** That an operator named: only these may be symbolic links. */
  readonly #named: ReadonlySet<string>;
  #files = 0;
  #bytes = 0;

  constructor(gathered: Gathered, bounds: TreeBounds, named: ReadonlySet<string>) {
    this.#gathered = gathered;
    this.#bounds = bounds;
    this.#named = named;
  }

  async read({ folder, files }: ListedFolder, reached: (files: number) => void): Promise<void> {
    const place = this.#gathered.open({ kind: 'file', name: folder });
    for (const file of files) {
      const at = path.join(folder, file);
      const bytes = await this.#bytesOf(at);
      if ('problem' in bytes) this.#gathered.skip(at, bytes.problem);
      else place.add({ name: file, bytes });
      this.#files += 1;
      reached(this.#files);
    }
    place.end();
  }

  async #bytesOf(at: string): Promise<Uint8Array | { readonly problem: string }> {
    const { maxFileBytes, maxTotalBytes } = this.#bounds;
    if (this.#bytes >= maxTotalBytes) {
      return { problem: `is beyond the first ${formatCount(maxTotalBytes)} bytes` };
    }
    const bytes = await readBounded(at, maxFileBytes, this.#named.has(path.normalize(at)));
    if (!('problem' in bytes)) this.#bytes += bytes.length;
    return bytes;
  }
}

async function treeOf(named: string, bounds: TreeBounds, signal: AbortSignal): Promise<FileTree> {
  try {
    return await listTree(named, { signal }, bounds);
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw new CommandError(EXIT.unreadable, `cannot look in ${named}: it ${fileProblem(cause)}`, { cause });
  }
}
