// Whether enough of the pinned keys stand behind a bundle. One signature that claims a pinned key and does
// not hold spoils the whole: somebody tried, or somebody erred, and both deserve to be looked at.
import { signatureProblem } from '../../../domain/policy/bundle/bundle-signature.ts';
import type { Problem } from '../../../domain/text/position.ts';
import type { PinnedKey, PinnedKeys } from './pinned-keys.ts';
import type { SignatureFile, WrittenSignature } from './signature-file.ts';

export interface SignatureVerdict {
  /** Pinned keys whose signatures hold, sorted. */
  readonly signedBy: readonly string[];
  /** Keys that nobody pinned: their signatures count for nothing. */
  readonly unknown: readonly string[];
  /** None: the bundle may be believed. */
  readonly problems: readonly Problem[];
}

/** What was signed. */
export interface SignedContent {
  /** Canonical JSON (RFC 8785). */
  readonly canonical: string;
  /** Its SHA-256, hex. */
  readonly digest: string;
}

/** @returns who signed, and everything that speaks against believing it: each problem names file and key. */
export function verifySignatures(content: SignedContent, file: SignatureFile, pinned: PinnedKeys): SignatureVerdict {
  const complain = (path: string, problem: string): Problem => ({
    position: { place: file.place, line: 1, column: 1 },
    path,
    problem,
  });
  const unknown = file.signatures.map(({ keyId }) => keyId).filter((keyId) => !pinned.keys.has(keyId));
  if (!fits(content, file)) {
    const problem = `is of another bundle than this one, which has sha256:${content.digest}`;
    return { signedBy: [], unknown, problems: [complain('digest', problem)] };
  }
  const judged = file.signatures.map((one, index) => ({ index, one, ...judgeSignature(content, one, pinned) }));
  const signedBy = judged.flatMap(({ one, by, problem }) =>
    by !== undefined && problem === undefined ? one.keyId : [],
  );
  const bad = judged.flatMap(({ index, one, by, problem }) => {
    if (by === undefined || problem === undefined) return [];
    return [complain(`signatures.${index}.signature`, `of ${by.place} (${one.keyId}) ${problem}`)];
  });
  const missing = signedBy.length < pinned.threshold ? [complain('signatures', tooFew(signedBy, unknown, pinned))] : [];
  return { signedBy, unknown, problems: [...bad, ...missing] };
}

/** Whether the signatures claim to be of this very content. */
export function fits({ digest }: SignedContent, file: Pick<SignatureFile, 'digest'>): boolean {
  return digest === file.digest;
}

/** @returns the pinned key that the signature claims, if it is one, and what is wrong with the claim. */
export function judgeSignature(
  { canonical }: SignedContent,
  { keyId, algorithm, signature }: WrittenSignature,
  { keys }: Pick<PinnedKeys, 'keys'>,
): { readonly by?: PinnedKey; readonly problem?: string } {
  const by = keys.get(keyId);
  if (by === undefined) return {};
  const problem =
    algorithm === by.algorithm
      ? signatureProblem(canonical, by, signature)
      : `is ${algorithm}, but the key is for ${by.algorithm}`;
  return { by, ...(problem !== undefined && { problem }) };
}

function tooFew(signedBy: readonly string[], unknown: readonly string[], { keys, threshold }: PinnedKeys): string {
  const missing = [...keys.values()].filter(({ keyId }) => !signedBy.includes(keyId));
  const words = [
    `${threshold} of ${keys.size} pinned keys must sign, ${signedBy.length} did`,
    `missing: ${missing.map(({ place, keyId }) => `${place} (${keyId})`).join(', ')}`,
    ...(unknown.length > 0 ? [`ignored, because not pinned: ${unknown.join(', ')}`] : []),
  ];
  return words.join('; ');
}
