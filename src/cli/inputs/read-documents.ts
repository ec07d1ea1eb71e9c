// Policy documents out of the files and directories that somebody names.
import path from 'node:path';
import {
  parsePolicyDocuments,
  type ParsedDocument,
  type ParsedFile,
} from '../../adapters/policy/source/parse-documents.ts';
import type { PolicyBundle } from '../../domain/policy/documents.ts';
import type { Problem } from '../../domain/text/position.ts';
import { readTexts } from './read-texts.ts';

export interface ReadDocument extends ParsedDocument {
  /** Path below the directory that was named, with `/` between folders; absent for a file that was named itself. */
  readonly file?: string;
}

export interface BundleDocument extends ParsedDocument {
  readonly document: PolicyBundle;
}

export interface ReadDocuments {
  /** Every file that was read, in order. */
  readonly places: readonly string[];
  readonly documents: readonly ReadDocument[];
  readonly problems: readonly Problem[];
}

/**
 * @param paths files, and directories of `*.yaml`, `*.yml` and `*.json`.
 * @returns what could be parsed, and everything that could not. A file that is named twice is read once.
 * @throws CommandError 2 naming the path that cannot be read.
 */
export async function readDocuments(paths: readonly string[]): Promise<ReadDocuments> {
  const files = new Map<string, ParsedFile & { readonly documents: readonly ReadDocument[] }>();
  for (const named of paths) {
    for (const [place, text] of await readTexts([named])) {
      const { documents, problems } = parsePolicyDocuments(text, place);
      const file = path.relative(named, place).split(path.sep).join('/');
      files.set(place, { documents: file === '' ? documents : documents.map((each) => ({ ...each, file })), problems });
    }
  }
  return {
    places: [...files.keys()],
    documents: [...files.values()].flatMap(({ documents }) => documents),
    problems: [...files.values()].flatMap(({ problems }) => problems),
  };
}

/**
 * @param file with one PolicyBundle; its signature is not asked for.
 * @returns no bundle when there is any problem.
 * @throws CommandError 2 naming the file when it cannot be read.
 */
export async function readBundle(file: string): Promise<{
  readonly bundle?: BundleDocument;
  readonly problems: readonly Problem[];
}> {
  const { documents, problems } = await readDocuments([file]);
  const [bundle, another] = documents;
  if (problems.length > 0) return { problems };
  if (bundle !== undefined && isBundle(bundle) && another === undefined) return { bundle, problems };
  const position = another?.position ?? bundle?.position ?? { place: file, line: 1, column: 1 };
  return { problems: [{ position, path: '', problem: 'is not one PolicyBundle and nothing else' }] };
}

export function isBundle(parsed: ParsedDocument): parsed is BundleDocument {
  return parsed.document.kind === 'PolicyBundle';
}
