// The rollback state of policy bundles in a file: the newest bundle that was in force, and the latest time that was seen.
// Without it an older bundle could be put back, or a clock set back could revive an expired one. A file that cannot be
// read is therefore an error, never an empty state.
import { z } from 'zod';
import { AuthorityError } from '../../../domain/errors.ts';
import { readIfThere, replaceFile } from './replace-file.ts';

export interface RollbackState {
  readonly name: string;
  readonly sequence: number;
  /** Hex SHA-256 of the bundle's canonical bytes. */
  readonly digest: string;
  /** Latest moment at which a bundle was judged, in ms since the epoch; up to a minute of it may be lost. */
  readonly latestSeenMs: number;
}

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

export class FileBundleState {
  readonly file: string;
  #remembered: RollbackState | undefined;
  /** Writes go one after the other: they share the name of the file that is not yet whole. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(file: string, remembered: RollbackState | undefined) {
    this.file = file;
    this.#remembered = remembered;
  }

  /** @throws AuthorityError CAP-X03 naming a file that is unreadable, broken or somebody else's. */
  static async open(file: string): Promise<FileBundleState> {
    const text = await readIfThere(file, MAX_BYTES);
    return new FileBundleState(file, text === undefined ? undefined : parse(text, file));
  }

  /** Nothing when no bundle was ever in force. */
  get remembered(): RollbackState | undefined {
    return this.#remembered;
  }

  /** Durable when it resolves. @throws AuthorityError CAP-X03 when it cannot be written; nothing has changed then. */
  async remember(remembered: RollbackState): Promise<void> {
    await this.#write(() => remembered);
  }

  /** Notes that it was this late. @throws AuthorityError CAP-X03 when it cannot be written. */
  async noteTime(nowMs: number): Promise<void> {
    if (nowMs <= (this.#remembered?.latestSeenMs ?? 0)) return;
    await this.#write((known) => known && { ...known, latestSeenMs: Math.max(known.latestSeenMs, nowMs) });
  }

  /**
   * Sets the time back.
   * @param done called in the same moment in which the time is another.
   * @throws AuthorityError CAP-X03 when it cannot be written; nothing has changed then.
   */
  async setBack(atMs: number, done: () => void): Promise<void> {
    await this.#write((known) => known && { ...known, latestSeenMs: atMs }, done);
  }

  async #write(
    next: (known: RollbackState | undefined) => RollbackState | undefined,
    done = (): void => undefined,
  ): Promise<void> {
    const turn = this.#turn.then(async () => {
      const remembered = next(this.#remembered);
      if (remembered === undefined) return;
      await replaceFile(this.file, `${JSON.stringify({ ...HEAD, ...remembered }, undefined, 2)}\n`);
      this.#remembered = remembered;
      done();
    });
    this.#turn = turn.catch(() => undefined);
    await turn;
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

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
