// Certificates of files and directories that somebody names, for the finder of rogue CAs.
import path from 'node:path';
import {
  listTree,
  readBounded,
  TREE_BOUNDS,
  type FileTree,
  type ListedFolder,
  type TreeBounds,
} from '../../adapters/files/certificate-files.ts';
import { formatCount } from '../../domain/text/format-count.ts';
import type { Gathered } from '../../review/rogue/gathered.ts';

export interface FileSearch {
  readonly paths: readonly string[];
  readonly bounds?: TreeBounds;
  /** Hears of a path that cannot be listed; it is passed over unless this throws. */
  readonly unlisted: (path: string, cause: unknown) => void;
  /** Hears of a path that is beyond a bound, in words that follow it. */
  readonly beyond?: (path: string, why: string) => void;
  /** Told how far it has come. */
  readonly progress?: (reached: { readonly files: number; readonly of: number }) => void;
}

/** @returns how many files were looked at. @throws the signal's reason; what `unlisted` throws. */
export async function lookInFiles(
  { paths, unlisted, beyond, progress, bounds = TREE_BOUNDS }: FileSearch,
  gathered: Gathered,
  { signal }: { readonly signal: AbortSignal },
): Promise<number> {
  const trees: FileTree[] = [];
  for (const named of paths) {
    const tree = await listTree(named, { signal }, bounds).catch((cause: unknown) => {
      signal.throwIfAborted();
      unlisted(named, cause);
    });
    if (tree !== undefined) trees.push(tree);
  }
  const total = trees.reduce((sum, { fileCount }) => sum + fileCount, 0);
  const reader = new FolderReader(gathered, bounds, new Set(paths.map((named) => path.normalize(named))));
  for (const { folders, skipped, moreSkipped } of trees) {
    for (const skip of skipped) gathered.skip(skip.path, skip.why);
    if (moreSkipped > 0) gathered.skip(`${formatCount(moreSkipped)} more files and folders`, 'were left out');
    for (const { path: at, why, isBeyond } of skipped) if (isBeyond === true) beyond?.(at, why);
    for (const folder of folders) {
      signal.throwIfAborted();
      await reader.read(folder, (files) => progress?.({ files, of: total }));
    }
  }
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
