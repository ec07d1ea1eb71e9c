// Policy documents out of texts, wherever somebody has them from: files, an editor, a console.
import {
  parsePolicyDocuments,
  type ParsedDocument,
  type ParsedFile,
} from '../../adapters/policy/source/parse-documents.ts';
import { onlyPolicyBundle, type PolicyBundleDocument } from '../../adapters/policy/source/policy-bundle-document.ts';
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
  readonly bundle?: PolicyBundleDocument;
  readonly problems: readonly Problem[];
} {
  const bundle = onlyPolicyBundle(parseTexts(texts), place);
  return 'problems' in bundle ? bundle : { bundle, problems: [] };
}
