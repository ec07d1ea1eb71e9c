// The rollback state of policy bundles in a file: the newest bundle that was in force, and the latest time that was seen.
// Without it an older bundle could be put back, or a clock set back could revive an expired one. A file that cannot be
// read is therefore an error, never an empty state.
import { z } from 'zod';
import { AuthorityError } from '../../../domain/errors.ts';
import { parseJson } from '../../../domain/text/parse-json.ts';
import type { PolicyBundleState, RollbackState } from '../../../ports/policy/policy-bundle-state.ts';
import { readIfThere, replaceFile } from '../../../durable/replace-file.ts';

const schema = z.strictObject({
  apiVersion: z.literal('capstan.dev/v1alpha1'),
  kind: z.literal('PolicyBundleState'),
  name: z.string().min(1),
  sequence: z.int().min(0),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  latestSeenMs: z.int().min(0),
});

/** What we write takes some 300 bytes. */
const MAX_BYTES = 16 * 1024;
const HEAD = { apiVersion: 'capstan.dev/v1alpha1', kind: 'PolicyBundleState' } as const;

/** One process owns the file: it is read once, and what was written last is known from then on. */
export class FileBundleState implements PolicyBundleState {
  readonly place: string;
  /** Present once the file was read. */
  #read: { state: RollbackState | undefined } | undefined;
  /** Changes take turns: they share the name of the file that is not yet whole. */
  #turn: Promise<unknown> = Promise.resolve();

  /** @param file is made by the first change, readable by this user alone. */
  constructor(file: string) {
    this.place = file;
  }

  async read(options: { readonly signal: AbortSignal }): Promise<RollbackState | undefined> {
    return this.#inTurn(async () => (await this.#known()).state, options);
  }

  async update(
    change: (known: RollbackState | undefined) => RollbackState | undefined,
    options: { readonly signal: AbortSignal },
  ): Promise<RollbackState | undefined> {
    return this.#inTurn(async () => {
      const known = await this.#known();
      const next = change(known.state);
      if (next === undefined) return known.state;
      await replaceFile(this.place, `${JSON.stringify({ ...HEAD, ...next }, undefined, 2)}\n`);
      known.state = next;
      return next;
    }, options);
  }

  async #known(): Promise<{ state: RollbackState | undefined }> {
    if (this.#read === undefined) {
      const text = await readIfThere(this.place, MAX_BYTES);
      this.#read = { state: text === undefined ? undefined : parse(text, this.place) };
    }
    return this.#read;
  }

  /** What has begun is finished, whatever becomes of the signal. */
  async #inTurn<T>(work: () => Promise<T>, { signal }: { readonly signal: AbortSignal }): Promise<T> {
    const turn = this.#turn.then(async () => {
      signal.throwIfAborted();
      return work();
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

function parse(text: string, file: string): RollbackState {
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) {
    const { name, sequence, digest, latestSeenMs } = parsed.data;
    return { name, sequence, digest, latestSeenMs };
  }
  const advice = 'restore it; only whoever accepts that an older bundle comes back may remove it';
  throw new AuthorityError('CAP-X03', { detail: `${file} is not the rollback state of policy bundles; ${advice}` });
}
