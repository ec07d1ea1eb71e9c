// The policy bundle as the doctor judges it: the files that the configuration names, and whether the pinned keys signed them.
import { pinKeys } from '../../adapters/policy/bundle/pinned-keys.ts';
import { verifyBundle } from '../../adapters/policy/bundle/verify-bundle.ts';
import type { Seen } from '../../adapters/kubernetes/diagnosis/installation.ts';
import { parsePolicyBundle } from '../../adapters/policy/source/policy-bundle-document.ts';
import type { Config } from '../../config/schema.ts';
import { AuthorityError } from '../../domain/errors.ts';
import type { BundleFacts } from '../../review/doctor/facts.ts';
import type { ReadFile } from './files.ts';

export async function seeBundle({ policy }: Config, read: ReadFile): Promise<Seen<BundleFacts>> {
  const { file, keys, threshold } = policy.bundle;
  if (file === undefined) return { unknown: 'policy bundle: it is no file of the pods' };
  const [bundle, signature] = await Promise.all([read(file), read(`${file}.sig`)]);
  if (bundle === undefined) return { unknown: `policy bundle: ${file} cannot be read from here` };
  const texts = { place: file, bundle, signaturePlace: `${file}.sig`, ...(signature !== undefined && { signature }) };
  const pems = await Promise.all(keys.map(async (key) => [key, await read(key)] as const));
  const missing = pems.filter(([, pem]) => pem === undefined).map(([key]) => key);
  if (missing.length > 0) return { unknown: `policy bundle: ${missing.join(', ')} cannot be read from here` };
  const judged = judge(texts, new Map(pems.map(([key, pem]) => [key, pem ?? ''])), threshold);
  const parsed = parsePolicyBundle(bundle, file);
  return { known: { problems: judged, ...('problems' in parsed ? {} : { bundle: parsed.document }) } };
}

function judge(
  texts: Parameters<typeof verifyBundle>[0],
  keys: ReadonlyMap<string, string>,
  threshold: number,
): readonly string[] {
  try {
    const verified = verifyBundle(texts, pinKeys(keys, threshold));
    if (!('problems' in verified)) return [];
    return verified.problems.map(({ position, path, problem }) =>
      [`${position.place}:`, path, problem].filter((part) => part !== '').join(' '),
    );
  } catch (error) {
    if (!(error instanceof AuthorityError)) throw error;
    return [error.detail ?? error.message];
  }
}
