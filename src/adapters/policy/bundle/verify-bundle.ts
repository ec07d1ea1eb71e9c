// From two texts to a policy bundle that enough of the pinned keys signed, or to everything that is wrong with them.
// Whether it is accepted here and now is judged after this.
import type { PolicyBundle } from '../../../domain/policy/documents.ts';
import type { Position, Problem } from '../../../domain/text/position.ts';
import { parsePolicyDocuments, type ParsedDocument } from '../source/parse-documents.ts';
import type { VerifiedPolicyBundle } from './sources/bundle-source.ts';
import type { PinnedKeys } from './pinned-keys.ts';
import { parseSignatureFile } from './signature-file.ts';
import { fits, verifySignatures } from './verify-signatures.ts';

/** A bundle and its signature file as they were found. */
export interface PolicyBundleTexts {
  readonly place: string;
  readonly bundle: string;
  readonly signaturePlace: string;
  /** Absent when there is no such file. */
  readonly signature?: string;
}

/** Whose signatures are asked for; `unsigned` takes a bundle on trust, as development does. */
export type Trust = PinnedKeys | 'unsigned';

export interface VerifiedCandidate extends VerifiedPolicyBundle {
  /** Where a field of it stands. */
  readonly locate: (path: readonly (string | number)[]) => Position;
  /** What it was verified from. */
  readonly texts: PolicyBundleTexts;
}

export interface UnverifiedBundle {
  readonly problems: readonly Problem[];
  /** Both texts are whole but of two versions: one was read before the other was replaced. */
  readonly versionMismatch: boolean;
}

/** Never throws. */
export function verifyBundle(texts: PolicyBundleTexts, trust: Trust): VerifiedCandidate | UnverifiedBundle {
  const document = readBundleDocument(texts.bundle, texts.place);
  if ('problems' in document) return { ...document, versionMismatch: false };
  const { bundle, parsed } = document;
  const { digest } = parsed;
  const locate: VerifiedCandidate['locate'] = (path) => parsed.locate(path);
  const verified = { bundle, digest, place: texts.place, locate, texts };
  if (trust === 'unsigned') return { ...verified, signedBy: [] };
  if (texts.signature === undefined) return refused(texts.signaturePlace, 'does not exist: the bundle is not signed');
  const file = parseSignatureFile(texts.signature, texts.signaturePlace);
  if ('problems' in file) return { ...file, versionMismatch: false };
  const { signedBy, problems } = verifySignatures(parsed, file, trust);
  return problems.length > 0 ? { problems, versionMismatch: !fits(parsed, file) } : { ...verified, signedBy };
}

export interface BundleDocument {
  readonly parsed: ParsedDocument;
  readonly bundle: PolicyBundle;
}

/** @returns the one PolicyBundle in the text, or everything that is wrong with it. */
export function readBundleDocument(
  text: string,
  place: string,
): BundleDocument | { readonly problems: readonly Problem[] } {
  const { documents, problems } = parsePolicyDocuments(text, place);
  if (problems.length > 0) return { problems };
  const [parsed, another] = documents;
  if (parsed?.document.kind === 'PolicyBundle' && another === undefined) return { parsed, bundle: parsed.document };
  const position = another?.position ?? parsed?.position ?? { place, line: 1, column: 1 };
  return { problems: [{ position, path: '', problem: 'is not one PolicyBundle and nothing else' }] };
}

function refused(place: string, problem: string): UnverifiedBundle {
  return { problems: [{ position: { place, line: 1, column: 1 }, path: '', problem }], versionMismatch: false };
}
