// The bundle in force, kept beside its rollback state: a server that restarts while the place it fetches from is
// down goes on with what it had. The copy is judged like any other offer; nothing is believed for being here.
import { z } from 'zod';
import { parseJson } from '../../../../domain/text/parse-json.ts';
import type { PolicyBundleTexts } from '../verify-bundle.ts';
import { readIfThere, replaceFile } from '../replace-file.ts';

const schema = z.strictObject({
  apiVersion: z.literal('capstan.dev/v1alpha1'),
  kind: z.literal('PolicyBundleCopy'),
  bundle: z.string(),
  signature: z.string(),
});

/** Two documents of 1 MiB, each byte of which may need six to be written. */
const MAX_BYTES = 13 * 1024 * 1024;

/** @throws AuthorityError CAP-X03 when it cannot be written. */
export async function keepCopy(file: string, { bundle, signature = '' }: PolicyBundleTexts): Promise<void> {
  const copy: z.infer<typeof schema> = {
    apiVersion: 'capstan.dev/v1alpha1',
    kind: 'PolicyBundleCopy',
    bundle,
    signature,
  };
  await replaceFile(file, `${JSON.stringify(copy)}\n`);
}

/** @returns nothing when there is none, or none that can be read as one: fetching is what counts. */
export async function readCopy(file: string): Promise<PolicyBundleTexts | undefined> {
  const parsed = schema.safeParse(parseJson((await readIfThere(file, MAX_BYTES)) ?? ''));
  if (!parsed.success) return undefined;
  const { bundle, signature } = parsed.data;
  return { place: file, bundle, signaturePlace: file, signature };
}
