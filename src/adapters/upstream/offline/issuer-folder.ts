// The folder of an issuer, as a ceremony fills it: chain, key and anchors together or not at all, whenever the process is
// killed. As in a volume of Kubernetes the files are links into a folder that one rename exchanges; what a server follows
// is never half of one and half of the other. The key that waits for its certificate lies beside them.
import { randomBytes } from 'node:crypto';
import { lstat, mkdir, open, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { AuthorityError } from '../../../domain/errors.ts';
import { codeOf, fileProblem, writingProblem } from '../../../domain/text/system-error.ts';

/** As a Secret of type kubernetes.io/tls has them. The chain comes last: where there is none, nothing is looked for beside it. */
const FILES = { anchors: 'ca.crt', key: 'tls.key', chain: 'tls.crt' } as const;
const NEXT_KEY = 'next.key';
/** What is in force, and the link that takes its place. */
const [DATA, FRESH, GENERATION] = ['..data', '..data_tmp', '..generation-'];
const PRIVATE = 0o600;

export type IssuerFiles = Readonly<Record<keyof typeof FILES, string>>;

export class IssuerFolder {
  readonly place: string;

  constructor(directory: string) {
    this.place = directory;
  }

  /** Where the key lies that waits for its certificate. */
  get nextKeyPlace(): string {
    return path.join(this.place, NEXT_KEY);
  }

  /** @returns the key that waits for its certificate. @throws AuthorityError CAP-X03 */
  async nextKey(): Promise<string | undefined> {
    return this.#read(NEXT_KEY);
  }

  /** @returns one of the files in force. @throws AuthorityError CAP-X03 */
  async current(name: keyof IssuerFiles): Promise<string | undefined> {
    return this.#read(FILES[name]);
  }

  /** @throws AuthorityError CAP-X03 when there is one already, or it cannot be written. */
  async keepNextKey(pem: string): Promise<void> {
    await this.#writing(async () => {
      await mkdir(this.place, { recursive: true, mode: 0o700 });
      await write(path.join(this.place, NEXT_KEY), pem);
      await flush(this.place);
    });
  }

  /**
   * Puts these in force in one step, and lets go of the key that waited.
   * @param judge is given a folder with these files before they are in force, and may refuse them by throwing.
   * @throws AuthorityError CAP-X03; what was in force stays.
   */
  async install(files: IssuerFiles, judge: (folder: string) => Promise<void>): Promise<void> {
    await this.#writing(async () => {
      const generation = await this.#make(files);
      try {
        await judge(path.join(this.place, generation));
      } catch (error) {
        await rm(path.join(this.place, generation), { recursive: true });
        throw error;
      }
      await this.#takeOver();
      await this.#exchange(generation);
      await this.#link();
      await rm(path.join(this.place, NEXT_KEY), { force: true });
      // Former ones, and those of ceremonies that were killed.
      const others = (await readdir(this.place)).filter((name) => name.startsWith(GENERATION) && name !== generation);
      for (const name of others) await rm(path.join(this.place, name), { recursive: true });
      await flush(this.place);
    });
  }

  /** Files that an operator put here himself become links to what they are, so that one step can exchange them later. */
  async #takeOver(): Promise<void> {
    const own = await isLink(path.join(this.place, FILES.chain));
    const [chain, key, anchors = ''] = [
      await this.current('chain'),
      await this.current('key'),
      await this.current('anchors'),
    ];
    if (own || chain === undefined || key === undefined) return;
    await this.#exchange(await this.#make({ chain, key, anchors }));
    await this.#link();
  }

  /** @returns the name of a folder with these files. */
  async #make(files: IssuerFiles): Promise<string> {
    const name = `${GENERATION}${randomBytes(8).toString('hex')}`;
    const whole = path.join(this.place, name);
    await mkdir(whole, { recursive: true, mode: 0o700 });
    for (const [of, file] of Object.entries(FILES)) await write(path.join(whole, file), files[of as keyof IssuerFiles]);
    await flush(whole);
    return name;
  }

  async #exchange(folder: string): Promise<void> {
    const fresh = path.join(this.place, FRESH);
    await rm(fresh, { force: true });
    await symlink(folder, fresh);
    await rename(fresh, path.join(this.place, DATA));
    await flush(this.place);
  }

  async #link(): Promise<void> {
    for (const file of Object.values(FILES)) {
      const whole = path.join(this.place, file);
      if (await isLink(whole)) continue;
      await rm(`${whole}.new`, { force: true });
      await symlink(path.join(DATA, file), `${whole}.new`);
      await rename(`${whole}.new`, whole);
    }
    await flush(this.place);
  }

  async #read(file: string): Promise<string | undefined> {
    try {
      return await readFile(path.join(this.place, file), 'utf8');
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT') return undefined;
      throw new AuthorityError('CAP-X03', { detail: `${path.join(this.place, file)} ${fileProblem(cause)}`, cause });
    }
  }

  async #writing(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (cause) {
      if (cause instanceof AuthorityError) throw cause;
      throw new AuthorityError('CAP-X03', { detail: `${this.place} ${writingProblem(cause)}`, cause });
    }
  }
}

async function write(file: string, text: string): Promise<void> {
  await using handle = await open(file, 'wx', PRIVATE);
  await handle.writeFile(text);
  await handle.sync();
}

/** A name is durable only when its folder is. */
async function flush(folder: string): Promise<void> {
  await using handle = await open(folder, 'r');
  await handle.sync();
}

async function isLink(file: string): Promise<boolean> {
  return lstat(file).then(
    (facts) => facts.isSymbolicLink(),
    () => false,
  );
}
