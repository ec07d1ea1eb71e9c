// The public keys that the operator pinned: whose word counts, and how many of them must agree.
import { open } from 'node:fs/promises';
import { readPolicyBundleKey, type PolicyBundleKey } from '../../../domain/policy/bundle/bundle-key.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import type { Problem } from '../../../domain/text/position.ts';
import { fileProblem } from '../../../domain/text/system-error.ts';
import { policyBundleInvalid } from './bundle-invalid.ts';

export interface PinnedKey extends PolicyBundleKey {
  /** The file that it was pinned by. */
  readonly place: string;
}

export interface PinnedKeys {
  /** By key id. */
  readonly keys: ReadonlyMap<string, PinnedKey>;
  /** How many of them must have signed; at least 1, at most all. */
  readonly threshold: number;
}

/** A PEM public key takes some 200 bytes. */
const MAX_KEY_BYTES = 16 * 1024;

/** @param files PEM by its place. @throws AuthorityError CAP-X03 naming every file that holds no such key, or one of another file. */
export function pinKeys(files: ReadonlyMap<string, string>, threshold: number): PinnedKeys {
  const keys = new Map<string, PinnedKey>();
  const problems: Problem[] = [];
  for (const [place, pem] of files) {
    const key = readPolicyBundleKey(pem);
    const problem = 'problem' in key ? key.problem : sameKeyProblem(keys.get(key.keyId));
    if (problem !== undefined) problems.push({ position: { place, line: 1, column: 1 }, path: '', problem });
    else if ('keyId' in key) keys.set(key.keyId, { ...key, place });
  }
  if (problems.length > 0) throw policyBundleInvalid(problems);
  if (threshold >= 1 && threshold <= keys.size) return { keys, threshold };
  throw new AuthorityError('CAP-X03', {
    detail: `the policy bundle needs ${threshold} signatures, and ${keys.size} keys are pinned`,
  });
}

/** @throws AuthorityError CAP-X03 naming every file that cannot be read or holds no such key. */
export async function readPinnedKeys(files: readonly string[], threshold: number): Promise<PinnedKeys> {
  const texts = await Promise.all(files.map(async (file) => [file, await readKeyFile(file)] as const));
  return pinKeys(new Map(texts), threshold);
}

async function readKeyFile(place: string): Promise<string> {
  try {
    await using handle = await open(place, 'r');
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(MAX_KEY_BYTES));
    return buffer.toString('utf8', 0, bytesRead);
  } catch (cause) {
    throw policyBundleInvalid(
      [{ position: { place, line: 1, column: 1 }, path: '', problem: fileProblem(cause) }],
      cause,
    );
  }
}

function sameKeyProblem(other: PinnedKey | undefined): string | undefined {
  return other === undefined ? undefined : `holds the key of ${other.place}: pinned twice it would count once`;
}
