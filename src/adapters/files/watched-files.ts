// Files that operators or an orchestrator replace while the server runs. A watch on each folder tells
// soon; reading again every half minute tells for certain, because watches can be lost. A folder's
// watch also sees the symlink swap by which Kubernetes updates a mounted volume, and whatever others write there:
// files that look as they did are not read for that.
import type { Stats } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import path from 'node:path';
import { AuthorityError } from '../../domain/errors.ts';
import { codeOf, fileProblem } from '../../domain/text/system-error.ts';
import { watchLoop, type WatchedThing, type WatchLoopSettings } from '../../live/watch-loop.ts';
import type { DocumentSource } from '../../ports/platform/document-source.ts';
import type { Watching } from './watch-folder.ts';

/**
 * A file's path. `confidential` refuses one that others may read or its group may write, as a private key must; `optional`
 * leaves out one that is not there.
 */
export type WatchedFile =
  string | { readonly path: string; readonly confidential?: boolean; readonly optional?: boolean };

/** The group may read: Kubernetes mounts a Secret for a pod with `fsGroup` as 0440. */
const NOT_CONFIDENTIAL = 0o037;

/** Larger than any certificate bundle, key set or policy we expect. */
export const MAX_FILE_BYTES = 1024 * 1024;
/** Of files and folders of files. */
export const FILE_PACE: WatchLoopSettings = { rereadMs: 30_000, debounceMs: 100 };

/** For so long after a change files are read at each notice: a second write in one tick of the file system's clock looks the same. */
const SETTLED_MS = 1_000;

/** @param files by document name; the names are what `read` answers with. */
export function watchedFiles(files: Readonly<Record<string, WatchedFile>>, watching: Watching): DocumentSource {
  const paths = new Map(Object.entries(files).map(([name, file]) => [name, pathOf(file)]));
  return {
    read: async () => {
      const texts = new Map<string, string>();
      // One after the other, so that of several that are missing the same one is named each time.
      for (const [name, file] of Object.entries(files)) {
        const text = await readFileOf(file);
        if (text !== undefined) texts.set(name, text);
      }
      return texts;
    },
    placeOf: (name) => paths.get(name) ?? name,
    onChange: (listener, options) => void follow([...paths.values()], listener, watching, options),
  };
}

function pathOf(file: WatchedFile): string {
  return path.resolve(typeof file === 'string' ? file : file.path);
}

async function readFileOf(file: WatchedFile): Promise<string | undefined> {
  const place = pathOf(file);
  const { confidential = false, optional = false } = typeof file === 'string' ? {} : file;
  const facts = await orRefuse(place, optional ? statIfThere(place) : stat(place));
  if (facts === undefined) return undefined;
  const problem = problemOf(facts, confidential);
  if (problem !== undefined) throw new AuthorityError('CAP-X03', { detail: `${place} ${problem}` });
  return orRefuse(place, readBounded(place, facts.size + 1));
}

async function statIfThere(place: string): Promise<Stats | undefined> {
  try {
    return await stat(place);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function problemOf(facts: Stats, confidential: boolean): string | undefined {
  if (!facts.isFile()) return 'is not a regular file';
  if (facts.size > MAX_FILE_BYTES) return `is larger than ${MAX_FILE_BYTES} bytes`;
  const mode = facts.mode & 0o777;
  if (!confidential || (mode & NOT_CONFIDENTIAL) === 0) return undefined;
  return `has mode 0${mode.toString(8)}: what is secret must not be open to others, nor writable by its group (chmod 600)`;
}

/** What a file grew to since it was looked at is cut off; half a document is then refused by its reader. */
async function readBounded(place: string, bytes: number): Promise<string> {
  await using handle = await open(place, 'r');
  const buffer = Buffer.alloc(bytes);
  let length = 0;
  for (let read = -1; read !== 0 && length < bytes; length += read) {
    read = (await handle.read(buffer, length, bytes - length)).bytesRead;
  }
  return buffer.toString('utf8', 0, length);
}

async function orRefuse<T>(place: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw new AuthorityError('CAP-X03', { detail: `${place} ${fileProblem(cause)}`, cause });
  }
}

async function follow(
  files: readonly string[],
  listener: () => Promise<void> | void,
  { clock, watchFolder }: Watching,
  options: { readonly signal: AbortSignal },
): Promise<void> {
  const folders = new Set(files.map((file) => path.dirname(file)));
  let noticed = false;
  let seen = { look: '', sinceMs: 0, readMs: 0 };
  const watch: WatchedThing['watch'] = async (changed, round) => {
    const notice = (): void => {
      noticed = true;
      changed();
    };
    await Promise.all([...folders].map((folder) => watchFolder(folder, notice, round)));
  };
  /** Of what a notice was about. Looked at before it is read: what changes meanwhile looks otherwise at the next notice. */
  const isAsRead = async (): Promise<boolean> => {
    const look = await lookOf(files);
    const nowMs = clock.monotonicMs();
    if (seen.look !== look) seen = { ...seen, look, sinceMs: nowMs };
    if (nowMs - seen.sinceMs >= SETTLED_MS && nowMs - seen.readMs < FILE_PACE.rereadMs) return true;
    seen = { ...seen, readMs: nowMs };
    return false;
  };
  const read = async (): Promise<void> => {
    const wasNoticed = noticed;
    noticed = false;
    if (!wasNoticed || !(await isAsRead())) await listener();
  };
  await watchLoop({ watch, read }, clock, FILE_PACE, options);
}

/** @returns what changes with each file: it is another one, or it was written to. */
async function lookOf(files: readonly string[]): Promise<string> {
  const looks = files.map(async (file) => {
    const facts = await stat(file, { bigint: true }).catch(() => undefined);
    return facts === undefined
      ? 'none'
      : [facts.dev, facts.ino, facts.mode, facts.size, facts.mtimeNs, facts.ctimeNs].join(' ');
  });
  return (await Promise.all(looks)).join(', ');
}
