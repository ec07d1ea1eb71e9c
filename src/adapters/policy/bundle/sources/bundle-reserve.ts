// The bundle in force, kept for a start at which the place that it comes from cannot be asked: who fetches goes on with what
// he had.
import type { PolicyBundleManager, PolicyBundleManagerParts } from '../bundle-manager.ts';
import { BundleCopy, readCopy, type CopiedBundle } from './kept-copy.ts';

interface Options {
  readonly signal: AbortSignal;
}

export type KeepCopy = (copied: CopiedBundle, options: Options) => Promise<void>;

export class BundleReserve {
  readonly #copyFile: string | undefined;
  readonly #keep: KeepCopy;

  /**
   * @param copyFile absent, nothing is kept: in development, and where the place is on this machine.
   * @param keep writes the copy; this process itself, unless another does it for several.
   */
  constructor(copyFile: string | undefined, keep?: KeepCopy) {
    this.#copyFile = copyFile;
    const own = new BundleCopy(copyFile ?? '');
    this.#keep = keep ?? (async (copied, options) => own.keep(copied, options));
  }

  /** For the manager: what comes in force is kept before. */
  readonly beforeUse: NonNullable<PolicyBundleManagerParts['beforeUse']> = async (chosen, options) => {
    const { bundle: accepted, texts } = chosen;
    if (this.#copyFile === undefined || texts.place === this.#copyFile) return;
    const { name, sequence } = accepted;
    const { bundle, signature } = texts;
    await this.#keep({ name, sequence, bundle, ...(signature !== undefined && { signature }) }, options);
  };

  /** Has the copy in force, with the problem that made it necessary. @throws that problem when no copy would do. */
  async load(manager: PolicyBundleManager, problem: unknown, options: Options): Promise<void> {
    const copy = this.#copyFile === undefined ? undefined : await readCopy(this.#copyFile);
    if (copy === undefined) throw problem;
    await manager.load([copy], options).catch(() => {
      throw problem;
    });
    manager.refuse(problem);
  }
}
