// The last good local policies of each owner, on disk: who breaks a file while the server is down loses nothing by
// it, and gains nothing. A copy that was cut, changed or made for another owner is an error of its owner, never
// nothing at all.
import { hash } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { isDnsLabel } from '../../../domain/text/dns-label.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import { codeOf, directoryProblem } from '../../../domain/text/system-error.ts';
import { parseJson } from '../../../domain/text/parse-json.ts';
import { readIfThere, replaceFile } from '../../../durable/replace-file.ts';
import { CLUSTER_LAYER, ownerOf } from './owner.ts';
import { MAX_BYTES_OF_NAMESPACES, NAMESPACE_BOUNDS } from './read-owners.ts';

export interface KeptRevision {
  /** As in `digestOf`. */
  readonly digest: string;
  /** By path below the directory of local policies. */
  readonly texts: ReadonlyMap<string, string>;
}

const HEAD = { apiVersion: 'capstan.dev/v1alpha1', kind: 'LocalPolicyCopy' } as const;
const schema = z.strictObject({
  apiVersion: z.literal(HEAD.apiVersion),
  kind: z.literal(HEAD.kind),
  directory: z.string(),
  owner: z.string(),
  digest: z.string(),
  files: z.record(z.string(), z.string()),
});

/** JSON writes a character that YAML may hold with two, and names and digest take little. */
const maxBytes = (texts: number): number => 2 * texts + 1024 * 1024;
const MAX_CLUSTER_BYTES = maxBytes(MAX_BYTES_OF_NAMESPACES);
const MAX_NAMESPACE_BYTES = maxBytes(NAMESPACE_BOUNDS.maxBytes);
const NAMESPACE_FILE = /^namespace-(.+)\.json$/;
const CLUSTER_FILE = 'cluster.json';

export class KeptRevisions {
  readonly #folder: string;
  readonly #directory: string;
  readonly #writes: boolean;

  /**
   * @param folder is made when something is kept; only this user may read what is in it.
   * @param directory of the local policies; what was kept of another one says nothing of this.
   * @param settings.writes of several processes that follow one directory, one keeps its revisions for all.
   */
  constructor(folder: string, directory: string, { writes }: { readonly writes: boolean } = { writes: true }) {
    this.#folder = folder;
    this.#directory = directory;
    this.#writes = writes;
  }

  /** Who has a copy. @throws AuthorityError CAP-X03 naming a folder that cannot be read. */
  async owners(): Promise<readonly string[]> {
    const names = await readdir(this.#folder).catch((cause: unknown) => {
      if (codeOf(cause) === 'ENOENT') return [];
      throw new AuthorityError('CAP-X03', { detail: `${this.#folder} ${directoryProblem(cause)}`, cause });
    });
    return names.flatMap((name) => {
      const namespace = NAMESPACE_FILE.exec(name)?.[1] ?? '';
      return name === CLUSTER_FILE ? [CLUSTER_LAYER] : isDnsLabel(namespace) ? [namespace] : [];
    });
  }

  /** @returns nothing when there is no copy. @throws AuthorityError CAP-X03 naming one that is not what was kept. */
  async read(owner: string): Promise<KeptRevision | undefined> {
    const file = this.#fileOf(owner);
    const text = await readIfThere(file, owner === CLUSTER_LAYER ? MAX_CLUSTER_BYTES : MAX_NAMESPACE_BYTES);
    if (text === undefined) return undefined;
    const { success, data } = schema.safeParse(parseJson(text));
    const texts = new Map(Object.entries(data?.files ?? {}));
    const own = data?.owner === owner && texts.keys().every((name) => ownerOf(name) === owner);
    if (success && data.directory !== this.#directory) return undefined;
    if (success && own && data.digest === digestOf(owner, texts)) return { digest: data.digest, texts };
    throw new AuthorityError('CAP-X03', { detail: `${file} is not the copy that Capstan kept there; remove it` });
  }

  /**
   * Durable when it resolves.
   * @throws AuthorityError CAP-X03 when it cannot be written. An older copy, which might say less, is removed then.
   */
  async keep(owner: string, { digest, texts }: KeptRevision): Promise<void> {
    if (!this.#writes) return;
    const copy: z.infer<typeof schema> = {
      ...HEAD,
      directory: this.#directory,
      owner,
      digest,
      files: Object.fromEntries(texts),
    };
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      await replaceFile(this.#fileOf(owner), `${JSON.stringify(copy)}\n`);
    } catch (cause) {
      await this.remove(owner).catch(() => undefined);
      if (cause instanceof AuthorityError) throw cause;
      throw new AuthorityError('CAP-X03', { detail: `${this.#folder} cannot be made`, cause });
    }
  }

  /** @throws AuthorityError CAP-X03 naming a copy that cannot be removed. */
  async remove(owner: string): Promise<void> {
    if (!this.#writes) return;
    const file = this.#fileOf(owner);
    await rm(file, { force: true }).catch((cause: unknown) => {
      throw new AuthorityError('CAP-X03', { detail: `${file} cannot be removed`, cause });
    });
  }

  #fileOf(owner: string): string {
    return path.join(this.#folder, owner === CLUSTER_LAYER ? CLUSTER_FILE : `namespace-${owner}.json`);
  }
}

/** Hex SHA-256 over owner, names and texts, whatever their order. */
export function digestOf(owner: string, texts: ReadonlyMap<string, string>): string {
  const sorted = [...texts].sort(([a], [b]) => (a < b ? -1 : 1));
  return hash('sha256', JSON.stringify([owner, sorted]), 'hex');
}
