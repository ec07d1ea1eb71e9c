// From two texts to a policy bundle that enough of the pinned keys signed, or to everything that is wrong with them.
// Whether it is accepted here and now is judged after this.
import type { Position, Problem } from '../../../domain/text/position.ts';
import { parsePolicyBundle } from '../source/policy-bundle-document.ts';
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
  const parsed = parsePolicyBundle(texts.bundle, texts.place);
  if ('problems' in parsed) return { ...parsed, versionMismatch: false };
  const { document: bundle, digest } = parsed;
  const locate: VerifiedCandidate['locate'] = (path) => parsed.locate(path);
  const verified = { bundle, digest, place: texts.place, locate, texts };
  if (trust === 'unsigned') return { ...verified, signedBy: [] };
  if (texts.signature === undefined) return refused(texts.signaturePlace, 'does not exist: the bundle is not signed');
  const file = parseSignatureFile(texts.signature, texts.signaturePlace);
  if ('problems' in file) return { ...file, versionMismatch: false };
  const { signedBy, problems } = verifySignatures(parsed, file, trust);
  return problems.length > 0 ? { problems, versionMismatch: !fits(parsed, file) } : { ...verified, signedBy };
}

function refused(place: string, problem: string): UnverifiedBundle {
  return { problems: [{ position: { place, line: 1, column: 1 }, path: '', problem }], versionMismatch: false };
}
