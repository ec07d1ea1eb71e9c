// A directory of policies or manifests, read as it is at one moment. Kubernetes replaces a mounted volume by
// turning one symbolic link, `..data`, and git-sync does the same with the directory itself: each such link
// is followed once, and asked again at the end, so that no reading mixes two states or sees half of one.
import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { AuthorityError } from '../../../domain/errors.ts';
import { codeOf, directoryProblem } from '../../../domain/text/system-error.ts';
import { DirectoryListing, type ListedFile, type ListingOptions } from './directory-listing.ts';

export const MAX_FILE_BYTES = 1024 * 1024;
export const MAX_TOTAL_BYTES = 64 * MAX_FILE_BYTES;
/** Of all owners together: the cluster layer alone may have 10,000. */
const REPOSITORY = { maxFiles: 50_000, maxEntries: 250_000 } as const;
/** Open at once. */
const BATCH = 32;
const MAX_ATTEMPTS = 3;

/** What was listed a moment ago is gone, or has grown. */
class Changed extends Error {}

/** Which of an operator's documents a name may be. */
export const POLICY_FILE = /\.(yaml|yml|json)$/;

/**
 * @param root a directory. Files named `*.yaml`, `*.yml` and `*.json` count, at any of 8 levels; names that
 *   begin with a dot do not.
 * @returns their texts by path below the root, with `/` between folders, in the order of their paths.
 * @throws AuthorityError CAP-X03 naming what is missing, unreadable, too large, or a symbolic link of any
 *   other kind than those of a mounted volume.
 */
export async function readDocumentDirectory(root: string): Promise<ReadonlyMap<string, string>> {
  return readDirectory(root, POLICY_FILE, REPOSITORY);
}

/** As `readDocumentDirectory`, with the signatures beside the documents: `*.yaml.sig` and so on. */
export async function readPolicyBundleDirectory(root: string): Promise<ReadonlyMap<string, string>> {
  return readDirectory(root, /\.(yaml|yml|json)(\.sig)?$/);
}

async function readDirectory(
  root: string,
  pattern: RegExp,
  bounds: ListingOptions = {},
): Promise<ReadonlyMap<string, string>> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const texts = await readOnce(root, pattern, bounds);
    if (texts !== undefined) return texts;
  }
  throw new AuthorityError('CAP-X03', { detail: `${root} changes while it is read` });
}

/** @returns nothing when the directory changed meanwhile. */
async function readOnce(
  root: string,
  pattern: RegExp,
  bounds: ListingOptions,
): Promise<ReadonlyMap<string, string> | undefined> {
  const real = await orRefuse(root, realpath(root));
  const listing = new DirectoryListing(pattern, bounds);
  try {
    await listing.add(real, '');
    const texts = await readListed(root, listing.files);
    const still = (await realpath(root)) === real && (await listing.isCurrent());
    return still ? texts : undefined;
  } catch (error) {
    if (isChange(error)) return undefined;
    throw readingProblem(root, error);
  }
}

/** Whether reading once more may help: something was gone, or had grown, since it was listed. */
export function isChange(error: unknown): boolean {
  return error instanceof Changed || codeOf(error) === 'ENOENT';
}

/** @returns CAP-X03 that names what could not be read, the root if nothing in it. */
export function readingProblem(root: string, error: unknown): AuthorityError {
  return error instanceof AuthorityError ? error : refusal(pathOf(error) ?? root, error);
}

/**
 * @returns the texts of what was listed, by name and in the order of the names.
 * @throws AuthorityError CAP-X03 at a bound; what `isChange` knows when something changed meanwhile.
 */
export async function readListed(
  root: string,
  files: readonly ListedFile[],
  maxBytes = MAX_TOTAL_BYTES,
): Promise<ReadonlyMap<string, string>> {
  const sorted = [...files].sort((a, b) => (a.name < b.name ? -1 : 1));
  const texts = new Map<string, string>();
  let total = 0;
  for (let first = 0; first < sorted.length; first += BATCH) {
    const batch = sorted.slice(first, first + BATCH);
    for (const [index, bytes] of (await Promise.all(batch.map(readFileOf))).entries()) {
      total += bytes.length;
      texts.set(batch[index]?.name ?? '', bytes.toString('utf8'));
    }
    if (total > maxBytes) {
      throw new AuthorityError('CAP-X03', { detail: `${root} holds more than ${maxBytes} bytes` });
    }
  }
  return texts;
}

async function readFileOf({ place }: ListedFile): Promise<Buffer> {
  try {
    // Neither a pipe nor a link that took the file's place since it was listed is waited for or followed.
    await using handle = await open(place, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    const { size } = await handle.stat();
    if (size > MAX_FILE_BYTES) {
      throw new AuthorityError('CAP-X03', { detail: `${place} is larger than ${MAX_FILE_BYTES} bytes` });
    }
    const buffer = Buffer.alloc(size + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length <= size; length += read) {
      read = (await handle.read(buffer, length, size + 1 - length)).bytesRead;
    }
    if (length !== size) throw new Changed();
    return buffer.subarray(0, size);
  } catch (error) {
    if (error instanceof AuthorityError || error instanceof Changed || codeOf(error) === 'ENOENT') throw error;
    throw refusal(place, error);
  }
}

/** As the work, but what fails names its place. @throws AuthorityError CAP-X03 */
export async function orRefuse<T>(place: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw refusal(place, cause);
  }
}

function refusal(place: string, cause: unknown): AuthorityError {
  return new AuthorityError('CAP-X03', { detail: `${place} ${directoryProblem(cause)}`, cause });
}

/** Errors of the file system name what they are about. */
function pathOf(error: unknown): string | undefined {
  return error instanceof Error && 'path' in error ? String(error.path) : undefined;
}
