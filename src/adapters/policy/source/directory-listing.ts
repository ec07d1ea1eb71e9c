// Which files of a directory tree count. Symbolic links are followed where Kubernetes mounts a volume and
// nowhere else: a link could lead out of the directory, and one that is passed over in silence could be a
// policy that somebody believes in force.
import type { Dirent } from 'node:fs';
import { opendir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { AuthorityError } from '../../../domain/errors.ts';

export const MAX_FILES = 10_000;
export const MAX_DEPTH = 8;
/** Of any kind, counted or not. */
export const MAX_ENTRIES = 50_000;
/** The link by which Kubernetes turns a mounted volume to its next state. */
export const VOLUME_LINK = '..data';

export interface ListingOptions {
  readonly maxFiles?: number;
  readonly maxEntries?: number;
  /** Names directly below the root that are listed elsewhere. */
  readonly without?: ReadonlySet<string>;
}

export interface ListedFile {
  /** Below the root, with `/` between folders. */
  readonly name: string;
  readonly place: string;
}

export class DirectoryListing {
  readonly files: ListedFile[] = [];
  /** Links of volumes, and where each led. */
  readonly #links = new Map<string, string>();
  readonly #pattern: RegExp;
  readonly #options: Required<ListingOptions>;
  #entries = 0;

  /** @param pattern of the names that count. */
  constructor(pattern: RegExp, options: ListingOptions = {}) {
    this.#pattern = pattern;
    this.#options = { maxFiles: MAX_FILES, maxEntries: MAX_ENTRIES, without: new Set(), ...options };
  }

  /**
   * @param folder where it is. @param name what its files are called by: empty, or ending in `/`.
   * @throws AuthorityError CAP-X03 beyond a bound or at a link; errors of the file system as they are.
   */
  async add(folder: string, name: string, depth = 1): Promise<void> {
    if (depth > MAX_DEPTH) throw refused(folder, `is nested deeper than ${MAX_DEPTH} directories`);
    const entries = await this.#entriesOf(folder);
    const volume = entries.some((entry) => entry.name === VOLUME_LINK && entry.isSymbolicLink());
    if (volume) await this.add(await this.#follow(path.join(folder, VOLUME_LINK)), name, depth + 1);
    for (const entry of entries) {
      const place = path.join(folder, entry.name);
      if (entry.name.startsWith('.') || (name === '' && this.#options.without.has(entry.name))) continue;
      if (entry.isDirectory()) await this.add(place, `${name}${entry.name}/`, depth + 1);
      else if (!entry.isSymbolicLink()) this.#addFile(entry, place, name);
      // In a volume each link stands for what `..data` leads to, which is read there.
      else if (!volume) await this.#refuseLink(place);
    }
  }

  /** Whether every volume is still in the state in which it was listed. */
  async isCurrent(): Promise<boolean> {
    for (const [link, real] of this.#links) if ((await realpath(link)) !== real) return false;
    return true;
  }

  async #follow(link: string): Promise<string> {
    const real = await followVolume(link);
    this.#links.set(link, real);
    return real;
  }

  async #entriesOf(folder: string): Promise<readonly Dirent[]> {
    const { maxEntries } = this.#options;
    const entries = await entriesOf(folder, maxEntries - this.#entries, maxEntries);
    this.#entries += entries.length;
    return entries;
  }

  #addFile(entry: Dirent, place: string, name: string): void {
    if (!this.#pattern.test(entry.name)) return;
    if (!entry.isFile()) throw refused(place, 'is not a regular file');
    if (this.files.push({ name: `${name}${entry.name}`, place }) > this.#options.maxFiles) {
      throw refused(place, `is beyond ${this.#options.maxFiles} files`);
    }
  }

  async #refuseLink(place: string): Promise<void> {
    const folder = (await stat(place).catch(() => undefined))?.isDirectory() === true;
    if (folder || this.#pattern.test(place)) {
      throw refused(place, 'is a symbolic link, which is followed only in a mounted volume');
    }
  }
}

/** @returns where a volume's link leads. @throws AuthorityError CAP-X03 when that is out of the volume. */
export async function followVolume(link: string): Promise<string> {
  const real = await realpath(link);
  if (path.dirname(real) !== path.dirname(link)) throw refused(link, 'leads out of its volume');
  return real;
}

/** @throws AuthorityError CAP-X03 when there are more than `most`, of the `bound` that the words name. */
export async function entriesOf(folder: string, most: number, bound = most): Promise<readonly Dirent[]> {
  const entries: Dirent[] = [];
  for await (const entry of await opendir(folder)) {
    if (entries.push(entry) > most) throw refused(folder, `is beyond ${bound} entries`);
  }
  return entries;
}

function refused(place: string, problem: string): AuthorityError {
  return new AuthorityError('CAP-X03', { detail: `${place} ${problem}` });
}
