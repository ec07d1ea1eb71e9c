// Policy documents out of texts, wherever somebody has them from: files, an editor, a console.
import {
  parsePolicyDocuments,
  type ParsedDocument,
  type ParsedFile,
} from '../../adapters/policy/source/parse-documents.ts';
import type { PolicyBundle } from '../../domain/policy/documents.ts';
import type { Problem } from '../../domain/text/position.ts';

export interface SourceText {
  /** What positions in it are called by: a path, or another name. */
  readonly place: string;
  readonly text: string;
  /** Path below the directory that was named, with `/` between folders; absent for a file that was named itself. */
  readonly file?: string;
}

export interface ReadDocument extends ParsedDocument {
  /** As in SourceText. */
  readonly file?: string;
}

export interface BundleDocument extends ParsedDocument {
  readonly document: PolicyBundle;
}

export interface ReadDocuments {
  /** Every text that was read, in order. */
  readonly places: readonly string[];
  readonly documents: readonly ReadDocument[];
  readonly problems: readonly Problem[];
}

/** @returns what could be parsed, and everything that could not. */
export function parseTexts(texts: readonly SourceText[]): ReadDocuments {
  const parsed = texts.map(parseText);
  return {
    places: texts.map(({ place }) => place),
    documents: parsed.flatMap(({ documents }) => documents),
    problems: parsed.flatMap(({ problems }) => problems),
  };
}

function parseText({ place, text, file }: SourceText): ParsedFile & { readonly documents: readonly ReadDocument[] } {
  const { documents, problems } = parsePolicyDocuments(text, place);
  return { documents: file === undefined ? documents : documents.map((each) => ({ ...each, file })), problems };
}

/** The texts of which a bundle is read, and what they are called when there is none in them. */
export interface BundleTexts {
  readonly place: string;
  readonly texts: readonly SourceText[];
}

/**
 * @param source with one PolicyBundle; its signature is not asked for.
 * @returns no bundle when there is any problem.
 */
export function parseBundle({ place, texts }: BundleTexts): {
  readonly bundle?: BundleDocument;
  readonly problems: readonly Problem[];
} {
  const { documents, problems } = parseTexts(texts);
  const [bundle, another] = documents;
  if (problems.length > 0) return { problems };
  if (bundle !== undefined && isBundle(bundle) && another === undefined) return { bundle, problems };
  const position = another?.position ?? bundle?.position ?? { place, line: 1, column: 1 };
  return { problems: [{ position, path: '', problem: 'is not one PolicyBundle and nothing else' }] };
}

export function isBundle(parsed: ParsedDocument): parsed is BundleDocument {
  return parsed.document.kind === 'PolicyBundle';
}
