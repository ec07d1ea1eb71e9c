// The files of the console as the build left them. All are read once and held: there are few, and nothing else of the disk can be
// asked for by a name that somebody makes up.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { codeOf } from '../../../domain/text/system-error.ts';

export interface PageFile {
  readonly contentType: string;
  readonly body: Uint8Array<ArrayBuffer>;
  /** Compressed with gzip beforehand. */
  readonly gzip: Uint8Array<ArrayBuffer>;
}

/** By path, such as `/assets/main-1a2b3c.js`. */
export type BuiltPages = ReadonlyMap<string, PageFile>;

/** The page that everything begins with. */
export const FIRST_PAGE = '/index.html';

/** Beside the code generated from the protos: made by `npm ci`, and part of what is built. */
const BUILT = path.resolve(import.meta.dirname, '../../../gen/console');

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** @returns none where the console was not built. */
export async function readBuiltPages(folder = BUILT): Promise<BuiltPages> {
  const { gzipSync } = await import('node:zlib');
  const pages = new Map<string, PageFile>();
  for (const name of await filesIn(folder)) {
    const contentType = TYPES[path.extname(name)];
    if (contentType === undefined) continue;
    const body = new Uint8Array(await readFile(path.join(folder, name)));
    pages.set(`/${name}`, { contentType, body, gzip: new Uint8Array(gzipSync(body)) });
  }
  return pages;
}

async function filesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder, { recursive: true });
  } catch (cause) {
    // Run from a checkout whose pages nobody made yet: the first page says so.
    if (codeOf(cause) === 'ENOENT') return [];
    throw cause;
  }
}
