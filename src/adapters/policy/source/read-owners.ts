// The directory of local policies, owner by owner: a folder that is named like a namespace is that namespace's,
// everything else is the cluster layer's. What is wrong with one owner's files is reported of that owner, and its
// bounds are its own: nobody can use up what others need.
import { lstat, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { isDnsLabel } from '../../../domain/text/dns-label.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import {
  DirectoryListing,
  entriesOf,
  followVolume,
  MAX_ENTRIES,
  VOLUME_LINK,
  type ListedFile,
} from './directory-listing.ts';
import { isChange, orRefuse, POLICY_FILE, readingProblem, readListed } from './document-directory.ts';
import { CLUSTER_LAYER } from './owner.ts';

/** Of one namespace; what it has is evaluated, and kept, with each of its requests. */
export const NAMESPACE_BOUNDS = { maxFiles: 256, maxEntries: 1_000, maxBytes: 1024 * 1024 } as const;
/** Of all namespaces together. Beyond it, those that hold most go without. */
export const MAX_BYTES_OF_NAMESPACES = 64 * 1024 * 1024;
export const MAX_NAMESPACES = 10_000;
/** Owners that are read at once. */
const BATCH = 16;
const MAX_ATTEMPTS = 3;

/**
 * Texts by path below the root, or why they cannot be had. `each`: they are objects, edited one by one, and not files that are
 * one edit together. `unlessNew`: it is a file that somebody may keep beside the folders; only whoever had policies is owed an
 * explanation.
 */
export type OwnerTexts =
  | { readonly texts: ReadonlyMap<string, string>; readonly each?: true }
  | { readonly problem: AuthorityError; readonly unlessNew?: true };

/** The cluster layer always, and each namespace that has a folder. */
export type OwnersTexts = ReadonlyMap<string, OwnerTexts>;

interface TopLevel {
  /** Where each namespace's files are: one place, or two when a folder lies beside a volume's. */
  readonly namespaces: ReadonlyMap<string, readonly string[]>;
  /** Files that are named like a namespace, without an extension. */
  readonly files: readonly string[];
  readonly isCurrent: () => Promise<boolean>;
}

/**
 * @param root as in `readDocumentDirectory`.
 * @throws AuthorityError CAP-X03 when it cannot be known which owners there are.
 */
export async function readOwners(root: string): Promise<OwnersTexts> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const owners = await readOnce(root);
    if (owners !== undefined) return owners;
  }
  throw new AuthorityError('CAP-X03', { detail: `${root} changes while it is read` });
}

/** @returns nothing when the root was turned to another state meanwhile. */
async function readOnce(root: string): Promise<OwnersTexts | undefined> {
  const real = await orRefuse(root, realpath(root));
  try {
    const top = await topLevelOf(real);
    const without = new Set(top.namespaces.keys());
    const cluster = await readOwner(root, async () => {
      const listing = new DirectoryListing(POLICY_FILE, { without });
      await listing.add(real, '');
      refuseTwins(listing.files);
      return listing;
    });
    const owners = new Map<string, OwnerTexts>([[CLUSTER_LAYER, cluster]]);
    for (const [name, texts] of await readNamespaces(root, top)) owners.set(name, texts);
    return (await realpath(root)) === real && (await top.isCurrent()) ? owners : undefined;
  } catch (error) {
    if (isChange(error)) return undefined;
    throw readingProblem(root, error);
  }
}

async function topLevelOf(root: string): Promise<TopLevel> {
  const entries = await entriesOf(root, MAX_ENTRIES);
  const link = path.join(root, VOLUME_LINK);
  const isVolume = entries.some((entry) => entry.name === VOLUME_LINK && entry.isSymbolicLink());
  const volume = isVolume ? await followVolume(link) : undefined;
  const places = [
    // In a volume each link stands for what `..data` leads to. Elsewhere it is refused, and its name says whom it hits.
    ...entries.filter((entry) => volume === undefined || entry.isDirectory()).map(({ name }) => path.join(root, name)),
    ...(volume === undefined ? [] : await entriesOf(volume, MAX_ENTRIES)).map(({ name }) =>
      path.join(volume ?? '', name),
    ),
  ].filter((place) => isDnsLabel(path.basename(place)));
  const [files, folders] = await sorted(places);
  const namespaces = Map.groupBy(folders, (place) => path.basename(place));
  if (namespaces.size > MAX_NAMESPACES) {
    throw new AuthorityError('CAP-X03', { detail: `${root} has folders of more than ${MAX_NAMESPACES} namespaces` });
  }
  const isCurrent = async (): Promise<boolean> => volume === undefined || (await realpath(link)) === volume;
  return { namespaces, files: files.map((place) => path.basename(place)), isCurrent };
}

/** Files and links to files, then everything else. */
async function sorted(places: readonly string[]): Promise<readonly [files: string[], folders: string[]]> {
  const files: string[] = [];
  const folders: string[] = [];
  for (const place of places) {
    const isFile = (await stat(place).catch(() => undefined))?.isFile() === true;
    (isFile ? files : folders).push(place);
  }
  return [files, folders];
}

async function readNamespaces(root: string, { namespaces, files }: TopLevel): Promise<OwnersTexts> {
  const { maxFiles, maxEntries, maxBytes } = NAMESPACE_BOUNDS;
  const readOne = async ([name, places]: readonly [string, readonly string[]]) => {
    const list = async (): Promise<DirectoryListing> => {
      const listing = new DirectoryListing(POLICY_FILE, { maxFiles, maxEntries });
      for (const place of places) await addFolder(listing, place, name);
      refuseTwins(listing.files);
      return listing;
    };
    return [name, await readOwner(path.join(root, name), list, maxBytes)] as const;
  };
  const read: (readonly [name: string, texts: OwnerTexts])[] = files.map((name) => {
    const detail = `${path.join(root, name)} is not a folder`;
    return [name, { problem: new AuthorityError('CAP-X03', { detail }), unlessNew: true }];
  });
  const all = [...namespaces];
  for (let first = 0; first < all.length; first += BATCH) {
    read.push(...(await Promise.all(all.slice(first, first + BATCH).map(readOne))));
  }
  return withinBounds(root, read);
}

async function addFolder(listing: DirectoryListing, place: string, namespace: string): Promise<void> {
  if ((await lstat(place)).isDirectory()) return listing.add(place, `${namespace}/`, 2);
  const problem = 'is a symbolic link, which is followed only in a mounted volume';
  throw new AuthorityError('CAP-X03', { detail: `${place} ${problem}` });
}

/** A folder beside a volume's may hold a file of the same name: which of them counts is not ours to guess. */
function refuseTwins(files: readonly ListedFile[]): void {
  const places = new Map<string, string>();
  for (const { name, place } of files) {
    const twin = places.get(name);
    if (twin !== undefined) throw new AuthorityError('CAP-X03', { detail: `${place} is there twice: as ${twin} too` });
    places.set(name, place);
  }
}

/** As often as an owner's files change meanwhile, up to a bound: who never rests stops nobody else. */
async function readOwner(place: string, list: () => Promise<DirectoryListing>, maxBytes?: number): Promise<OwnerTexts> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    try {
      const listing = await list();
      const texts = await readListed(place, listing.files, maxBytes);
      if (await listing.isCurrent()) return { texts };
    } catch (error) {
      if (!isChange(error)) return { problem: readingProblem(place, error) };
    }
  }
  return { problem: new AuthorityError('CAP-X03', { detail: `${place} changes while it is read` }) };
}

/** The smallest are taken first, so that nobody pays for who holds more. */
function withinBounds(root: string, read: readonly (readonly [string, OwnerTexts])[]): OwnersTexts {
  const sized = read.map(([name, one]) => ({ name, one, bytes: 'texts' in one ? bytesOf(one.texts) : 0 }));
  let total = 0;
  const owners = new Map<string, OwnerTexts>();
  for (const { name, one, bytes } of sized.sort((a, b) => a.bytes - b.bytes)) {
    total += bytes;
    const detail = `${path.join(root, name)} has no room: all namespaces hold more than ${MAX_BYTES_OF_NAMESPACES} bytes`;
    owners.set(name, total <= MAX_BYTES_OF_NAMESPACES ? one : { problem: new AuthorityError('CAP-X03', { detail }) });
  }
  return owners;
}

function bytesOf(texts: ReadonlyMap<string, string>): number {
  return texts.values().reduce((sum, text) => sum + text.length, 0);
}
