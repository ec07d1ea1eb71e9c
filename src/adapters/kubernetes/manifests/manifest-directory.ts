// A directory of manifests as it is at one moment. What cannot be read is named and hides only itself: one team's
// file must not stop the view of the others. Kubernetes turns a mounted volume by one link, `..data`, and git-sync
// the directory itself: such links are followed, and asked again at the end, so that no reading mixes two states.
import type { Dirent } from 'node:fs';
import { constants } from 'node:fs';
import { open, readdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { AuthorityError } from '../../../domain/errors.ts';
import { codeOf, directoryProblem } from '../../../domain/text/system-error.ts';
import { AS_KUBERNETES } from '../../../yaml/yaml-rules.ts';

export interface ManifestTexts {
  /** By path below the root, with `/` between folders. */
  readonly texts: ReadonlyMap<string, string>;
  /** Why not, by path; one that ends in `/` is a folder, and stands for all that is in it. */
  readonly unreadable: ReadonlyMap<string, string>;
}

export interface ManifestLimits {
  readonly maxFileBytes?: number;
  readonly maxTotalBytes?: number;
  readonly maxFiles?: number;
}

const MAX_TOTAL_BYTES = 128 * 1024 * 1024;
const MAX_FILES = 10_000;
const MAX_DEPTH = 8;
const MAX_ATTEMPTS = 3;
const VOLUME_LINK = '..data';
const MANIFEST = /\.(yaml|yml|json)$/;

/** @throws AuthorityError CAP-X03 when the directory itself cannot be read, or changes all the time. */
export async function readManifestDirectory(root: string, limits: ManifestLimits = {}): Promise<ManifestTexts> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const reading = new ManifestListing(limits);
    const turned = await reading.read(root);
    if (turned.length === 0) return reading;
    // Who turns a volume all the time hides that volume alone.
    if (attempt === MAX_ATTEMPTS && !turned.includes('')) return reading.without(turned);
  }
  throw new AuthorityError('CAP-X03', { detail: `${root} changes while it is read` });
}

class ManifestListing implements ManifestTexts {
  readonly texts = new Map<string, string>();
  readonly unreadable = new Map<string, string>();
  readonly #limits: Required<ManifestLimits>;
  /** Links of volumes: where each led, and the name of the folder that it stands for. */
  readonly #links = new Map<string, { readonly real: string; readonly name: string }>();
  #totalBytes = 0;

  constructor(limits: ManifestLimits) {
    const bounds = { maxFileBytes: AS_KUBERNETES.maxBytes, maxTotalBytes: MAX_TOTAL_BYTES, maxFiles: MAX_FILES };
    this.#limits = { ...bounds, ...limits };
  }

  /** @returns the folders that are not of one state, the root as ''. */
  async read(root: string): Promise<readonly string[]> {
    try {
      this.#links.set(root, { real: await realpath(root), name: '' });
      await this.#addFolder(root, '', 1);
    } catch (cause) {
      throw new AuthorityError('CAP-X03', { detail: `${root} ${whyNot(cause)}`, cause });
    }
    const turned: string[] = [];
    for (const [link, { real, name }] of this.#links) {
      if ((await realpath(link).catch(() => '')) !== real) turned.push(name);
    }
    return turned;
  }

  without(folders: readonly string[]): ManifestTexts {
    const isOut = (name: string): boolean => folders.some((folder) => name.startsWith(folder));
    return {
      texts: new Map([...this.texts].filter(([name]) => !isOut(name))),
      unreadable: new Map([
        ...[...this.unreadable].filter(([name]) => !isOut(name)),
        ...folders.map((folder) => [folder, 'changes while it is read'] as const),
      ]),
    };
  }

  async #addFolder(folder: string, name: string, depth: number): Promise<void> {
    const entries = await readdir(folder, { withFileTypes: true });
    const volume = entries.some((entry) => entry.name === VOLUME_LINK && entry.isSymbolicLink());
    if (volume) await this.#addVolume(folder, name, depth);
    // In the order of their names: a bound cuts off the same ones each time.
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      // In a volume each link stands for what `..data` leads to, which is read there.
      if (entry.name.startsWith('.') || (volume && entry.isSymbolicLink())) continue;
      await this.#addEntry(entry, folder, name, depth);
    }
  }

  async #addVolume(folder: string, name: string, depth: number): Promise<void> {
    const link = path.join(folder, VOLUME_LINK);
    // A link that leads nowhere is none of a volume: what was in it is not gone, it cannot be read.
    const real = await realpath(link).catch((cause: unknown) => {
      throw new Error(`has a ${VOLUME_LINK} that cannot be followed`, { cause });
    });
    if (path.dirname(real) !== path.dirname(await realpath(folder).then((at) => path.join(at, VOLUME_LINK)))) {
      throw new Error('leads out of its volume');
    }
    this.#links.set(link, { real, name });
    await this.#addFolder(real, name, depth + 1);
  }

  async #addEntry(entry: Dirent, folder: string, name: string, depth: number): Promise<void> {
    const place = path.join(folder, entry.name);
    if (entry.isDirectory()) {
      await this.#noting(`${name}${entry.name}/`, async () => {
        if (depth >= MAX_DEPTH) throw new Error(`is nested deeper than ${MAX_DEPTH} directories`);
        await this.#addFolder(place, `${name}${entry.name}/`, depth + 1);
      });
    } else if (MANIFEST.test(entry.name)) {
      await this.#noting(`${name}${entry.name}`, async () => this.#addFile(place, `${name}${entry.name}`));
    }
  }

  async #addFile(place: string, name: string): Promise<void> {
    const { maxFileBytes, maxTotalBytes, maxFiles } = this.#limits;
    if (this.texts.size + this.unreadable.size >= maxFiles) throw new Error(`is beyond ${maxFiles} files`);
    // Neither a pipe nor a link that took the file's place since it was listed is waited for or followed.
    await using handle = await open(place, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    const facts = await handle.stat();
    if (!facts.isFile()) throw new Error('is not a regular file');
    if (facts.size > maxFileBytes) throw new Error(`is larger than ${maxFileBytes} bytes`);
    if (this.#totalBytes + facts.size > maxTotalBytes) throw new Error(`is beyond ${maxTotalBytes} bytes in all`);
    this.#totalBytes += facts.size;
    const buffer = Buffer.alloc(facts.size);
    const { bytesRead } = await handle.read(buffer, 0, facts.size, 0);
    if (bytesRead !== facts.size || (await handle.stat()).size !== facts.size) throw new Error('is being written');
    this.texts.set(name, buffer.toString('utf8'));
  }

  async #noting(name: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      // What went away since it was listed is not there.
      if (codeOf(error) !== 'ENOENT') this.unreadable.set(name, whyNot(error));
    }
  }
}

function whyNot(error: unknown): string {
  return error instanceof Error && codeOf(error) === undefined ? error.message : directoryProblem(error);
}
