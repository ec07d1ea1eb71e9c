// Everything that a CA on a laptop needs, in one directory. Made whole or not at all; what exists is
// never overwritten, because the next start would silently be another CA.
import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { AuthorityError } from '../../domain/errors.ts';
import type { TrustDomain } from '../../domain/identity/trust-domain.ts';
import { codeOf, directoryProblem, fileProblem, writingProblem } from '../../domain/text/system-error.ts';
import { flushFolder } from '../../durable/durable-steps.ts';
import { devDataProblem } from './dev-data-check.ts';
import { freshContents } from './dev-data-contents.ts';
import { DEV_FILES, DEV_PLACES, type DevFile } from './dev-names.ts';

export interface DevDataPaths {
  readonly files: Readonly<Record<DevFile, string>>;
  readonly journal: string;
  /** Where SDS sockets may be asked for: `<sockets>/<namespace>/<service account>/`. */
  readonly sockets: string;
  /** Policies that narrow the bundle. */
  readonly policies: string;
  /** Kubernetes manifests: what conditions are judged by. */
  readonly manifests: string;
}

export interface DevDataDirectory extends DevDataPaths {
  /** This call made the directory; otherwise it was there. */
  readonly created: boolean;
}

/** What the first versions kept in place of the bundle. */
const OLD_POLICY = 'policy.yaml';
/** Another start had its directory in place before ours. */
const WAS_FASTER: readonly string[] = ['ENOTEMPTY', 'EEXIST'];

/** @returns where everything of it is; nothing is looked at. The configuration is made of these names, and says the trust domain. */
export function devDataPaths(root: string): DevDataPaths {
  const directory = path.resolve(root);
  const at = (name: string): string => path.join(directory, name);
  return {
    files: byFile(at),
    journal: at(DEV_PLACES.journal),
    sockets: at(DEV_PLACES.sockets),
    policies: at(DEV_PLACES.policies),
    manifests: at(DEV_PLACES.manifests),
  };
}

/**
 * Makes the directory when it is missing or empty; otherwise checks what is in it.
 * @param trustDomain whose SPIFFE ID a new issuer gets.
 * @throws AuthorityError CAP-X03 naming a file that is missing, corrupt or does not fit the others, with
 *   what to do. Nothing is written then.
 */
export async function openDevDataDirectory(
  root: string,
  nowMs: number,
  trustDomain: TrustDomain,
): Promise<DevDataDirectory> {
  const directory = path.resolve(root);
  const created = (await isVacant(directory)) && (await create(directory, nowMs, trustDomain));
  const paths = devDataPaths(root);
  await demandWhole(directory, paths.files, nowMs);
  for (const folder of [paths.policies, paths.manifests]) await mkdir(folder, { recursive: true, mode: 0o700 });
  return { ...paths, created };
}

/**
 * Built beside its place and moved there in one step, so that a half-written directory is never found.
 * @returns false when another start was faster: its directory is as good as ours.
 */
async function create(directory: string, nowMs: number, trustDomain: TrustDomain): Promise<boolean> {
  const building = `${directory}.${randomUUID().slice(0, 8)}`;
  try {
    await fill(building, nowMs, trustDomain);
    await rename(building, directory);
    await flushFolder(path.dirname(directory));
    return true;
  } catch (cause) {
    await rm(building, { recursive: true, force: true });
    if (WAS_FASTER.includes(codeOf(cause) ?? '')) return false;
    const detail = `the data directory ${directory} ${writingProblem(cause)}`;
    throw new AuthorityError('CAP-X03', { detail, cause });
  }
}

async function fill(building: string, nowMs: number, trustDomain: TrustDomain): Promise<void> {
  await mkdir(path.join(building, DEV_PLACES.sockets), { recursive: true, mode: 0o700 });
  await chmod(building, 0o700);
  const contents = await freshContents(nowMs, trustDomain);
  for (const [file, { text, mode }] of Object.entries(contents)) {
    const place = path.join(building, DEV_FILES[file as DevFile]);
    await writeFile(place, text, { mode, flag: 'wx', flush: true });
  }
  await flushFolder(building);
}

async function demandWhole(directory: string, files: Readonly<Record<DevFile, string>>, nowMs: number): Promise<void> {
  const read = await Promise.all(
    Object.entries(files).map(async ([file, place]) => [file, await textOf(place)] as const),
  );
  const texts = Object.fromEntries(read) as Record<DevFile, string | undefined>;
  if (Object.values(texts).every((text) => text === undefined)) throw notOurs(directory);
  const found = devDataProblem(texts, nowMs);
  if (found === undefined) return;
  if (found.file === 'bundle' && texts.bundle === undefined) await adviseMigration(directory, files.bundle);
  const advice = `restore it, or remove ${directory} to start over with a new throwaway root`;
  throw new AuthorityError('CAP-X03', { detail: `${files[found.file]} ${found.problem}; ${advice}` });
}

/** A data directory from before there were bundles is whole, but for this. */
async function adviseMigration(directory: string, bundle: string): Promise<void> {
  const old = path.join(directory, OLD_POLICY);
  if ((await textOf(old)) === undefined) return;
  throw new AuthorityError('CAP-X03', {
    detail: `${old} is of an older version; write \`capstan policy migrate ${old} > ${bundle}\``,
  });
}

/** Not a word about removing it: it is somebody's. */
function notOurs(directory: string): AuthorityError {
  const detail = `${directory} holds other files and is no data directory of Capstan; name a new or empty one`;
  return new AuthorityError('CAP-X03', { detail });
}

function byFile(placeOf: (name: string) => string): Record<DevFile, string> {
  const places = Object.entries(DEV_FILES).map(([file, name]) => [file, placeOf(name)]);
  return Object.fromEntries(places) as Record<DevFile, string>;
}

/** @returns `undefined` when there is no such file; an unreadable one is an error of its own. */
async function textOf(place: string): Promise<string | undefined> {
  try {
    return await readFile(place, 'utf8');
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined;
    throw new AuthorityError('CAP-X03', { detail: `${place} ${fileProblem(cause)}`, cause });
  }
}

async function isVacant(directory: string): Promise<boolean> {
  try {
    return (await readdir(directory)).length === 0;
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return true;
    throw new AuthorityError('CAP-X03', {
      detail: `the data directory ${directory} ${directoryProblem(cause)}`,
      cause,
    });
  }
}
