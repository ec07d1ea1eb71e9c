// A text that is to be one policy bundle and nothing else, as what signs, verifies, tests or compares one reads it.
import type { PolicyBundle } from '../../../domain/policy/documents.ts';
import type { Problem } from '../../../domain/text/position.ts';
import { parsePolicyDocuments, type ParsedDocument, type ParsedFile } from './parse-documents.ts';

export interface PolicyBundleDocument extends ParsedDocument {
  readonly document: PolicyBundle;
}

export const NOT_ONE_BUNDLE = 'is not one PolicyBundle and nothing else';

export function isPolicyBundle(parsed: ParsedDocument): parsed is PolicyBundleDocument {
  return parsed.document.kind === 'PolicyBundle';
}

/**
 * @param file what was parsed.
 * @param place what an operator calls it, for when there is no document in it.
 * @returns the one PolicyBundle, or everything that is wrong with it.
 */
export function onlyPolicyBundle(
  { documents, problems }: ParsedFile,
  place: string,
): PolicyBundleDocument | { readonly problems: readonly Problem[] } {
  if (problems.length > 0) return { problems };
  const [bundle, another] = documents;
  if (bundle !== undefined && another === undefined && isPolicyBundle(bundle)) return bundle;
  const position = another?.position ?? bundle?.position ?? { place, line: 1, column: 1 };
  return { problems: [{ position, path: '', problem: NOT_ONE_BUNDLE }] };
}

/** As `onlyPolicyBundle`, of a text. Its signature is not asked for. */
export function parsePolicyBundle(
  text: string,
  place: string,
): PolicyBundleDocument | { readonly problems: readonly Problem[] } {
  return onlyPolicyBundle(parsePolicyDocuments(text, place), place);
}
