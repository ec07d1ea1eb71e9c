// The policy bundle as the doctor judges it: the files or the object that the configuration names, and whether the pinned keys signed them.
import { pinKeys } from '../../adapters/policy/bundle/pinned-keys.ts';
import { verifyBundle } from '../../adapters/policy/bundle/verify-bundle.ts';
import type { KubernetesApi } from '../../adapters/kubernetes/api/kubernetes-api.ts';
import { findBundleObject } from '../../adapters/kubernetes/diagnosis/capstan-objects.ts';
import type { Seen } from '../../adapters/kubernetes/diagnosis/installation.ts';
import { see } from '../../adapters/kubernetes/diagnosis/see.ts';
import { parsePolicyBundle } from '../../adapters/policy/source/policy-bundle-document.ts';
import type { Config } from '../../config/schema.ts';
import { AuthorityError } from '../../domain/errors.ts';
import type { BundleFacts, DoctorFacts } from '../../review/doctor/facts.ts';
import type { ReadFile } from './files.ts';

interface BundleTexts {
  /** A file, or an object and its key. */
  readonly place: string;
  readonly bundle: string;
  readonly signature?: string;
}

/** @param read a file of the pods. @param own namespace of Capstan. */
export async function seeBundle(
  { policy }: Config,
  { api, read, own }: { readonly api: Pick<KubernetesApi, 'get'>; readonly read: ReadFile; readonly own: string },
  options: { readonly signal: AbortSignal },
): Promise<Pick<DoctorFacts, 'bundle' | 'missingBundle'>> {
  const { file, from } = policy.bundle;
  if (file !== undefined) {
    const [bundle, signature] = await Promise.all([read(file), read(`${file}.sig`)]);
    if (bundle === undefined) return { bundle: { unknown: `policy bundle: ${file} cannot be read from here` } };
    return { bundle: await judgedBundle(policy, read, textsOf(file, bundle, signature)) };
  }
  const { kind, name, namespace = own } = from;
  if (name === undefined)
    return { bundle: { unknown: 'policy bundle: it is neither a file of the pods nor an object' } };
  const object = `${kind} ${namespace}/${name}`;
  const found = await see('policy bundle', async () => findBundleObject(api, { kind, namespace, name }, options));
  if ('unknown' in found) return { bundle: found };
  const { bundle, signature } = found.known;
  if (bundle === undefined) return { bundle: { unknown: `policy bundle: ${object} has none` }, missingBundle: object };
  return { bundle: await judgedBundle(policy, read, textsOf(`${object}/bundle.yaml`, bundle, signature)) };
}

function textsOf(place: string, bundle: string, signature: string | undefined): BundleTexts {
  return { place, bundle, ...(signature !== undefined && { signature }) };
}

async function judgedBundle(
  { bundle: { keys, threshold } }: Config['policy'],
  read: ReadFile,
  { place, bundle, signature }: BundleTexts,
): Promise<Seen<BundleFacts>> {
  const texts = { place, bundle, signaturePlace: `${place}.sig`, ...(signature !== undefined && { signature }) };
  const pems = await Promise.all(keys.map(async (key) => [key, await read(key)] as const));
  const missing = pems.filter(([, pem]) => pem === undefined).map(([key]) => key);
  if (missing.length > 0) return { unknown: `policy bundle: ${missing.join(', ')} cannot be read from here` };
  const judged = judge(texts, new Map(pems.map(([key, pem]) => [key, pem ?? ''])), threshold);
  const parsed = parsePolicyBundle(bundle, place);
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
