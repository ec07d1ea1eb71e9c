// The bundle in force, kept beside its rollback state: a server that restarts while the place it fetches from is
// down goes on with what it had. The copy is judged like any other offer; nothing is believed for being here.
import { z } from 'zod';
import { parseJson } from '../../../../domain/text/parse-json.ts';
import type { PolicyBundleTexts } from '../verify-bundle.ts';
import { readIfThere, replaceFile } from '../../../../durable/replace-file.ts';

const schema = z.strictObject({
  apiVersion: z.literal('capstan.dev/v1alpha1'),
  kind: z.literal('PolicyBundleCopy'),
  bundle: z.string(),
  signature: z.string(),
});

/** Two documents of 1 MiB, each byte of which may need six to be written. */
const MAX_BYTES = 13 * 1024 * 1024;

/** A bundle that was accepted, and what it was read from. */
export interface CopiedBundle extends Pick<PolicyBundleTexts, 'bundle' | 'signature'> {
  readonly name: string;
  readonly sequence: number;
}

/** Writes the copy, for one process or for several that accept bundles on their own. */
export class BundleCopy {
  readonly #file: string;
  #kept: Pick<CopiedBundle, 'name' | 'sequence'> | undefined;
  /** Copies take turns: they share the name of the file that is not yet whole. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(file: string) {
    this.#file = file;
  }

  /**
   * Durable when it resolves. Who comes late with an older bundle than the one that is kept changes nothing: the rollback
   * state knows the newer one, and at the next start nothing older would do.
   * @throws AuthorityError CAP-X03 when it cannot be written; the signal's reason when it aborts before.
   */
  async keep(copied: CopiedBundle, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const turn = this.#turn.then(async () => {
      signal.throwIfAborted();
      const { name, sequence } = copied;
      if (this.#kept?.name === name && this.#kept.sequence > sequence) return;
      await writeCopy(this.#file, copied);
      this.#kept = { name, sequence };
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

async function writeCopy(file: string, { bundle, signature = '' }: CopiedBundle): Promise<void> {
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
