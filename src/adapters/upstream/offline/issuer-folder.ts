// The folder of an issuer, as a ceremony fills it: chain, key and anchors together or not at all, whenever the process is
// killed. As in a volume of Kubernetes the files are links into a folder that one rename exchanges; what a server follows
// is never half of one and half of the other. The key that waits for its certificate lies beside them.
import { randomBytes } from 'node:crypto';
import { link, lstat, mkdir, open, readdir, rename, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { AuthorityError } from '../../../domain/errors.ts';
import { writingProblem } from '../../../domain/text/system-error.ts';
import { lockFile } from '../../../durable/process-lock.ts';

/** As a Secret of type kubernetes.io/tls has them. The chain comes last: where there is none, nothing is looked for beside it. */
const FILES = { anchors: 'ca.crt', key: 'tls.key', chain: 'tls.crt' } as const;
const NEXT_KEY = 'next.key';
/** Of a ceremony: of two, the later one would take away what the earlier one has just put in force. Stays there, empty. */
const LOCK = '..lock';
/** What is in force, and the link that takes its place. */
const [DATA, FRESH, GENERATION] = ['..data', '..data_tmp', '..generation-'];
const PRIVATE = 0o600;
/** As a server demands it of a private key. */
const CONFIDENTIAL: readonly string[] = [FILES.key, NEXT_KEY];
/** As Istio has the anchors, of a folder that was filled by hand. */
const ANCHORS_OF_ISTIO = 'root-cert.pem';

export type IssuerFiles = Readonly<Record<keyof typeof FILES, string>>;

/**
 * Gives nothing where there is no such file, and refuses one that is confidential and open to others, as a server does.
 * @throws AuthorityError CAP-X03
 */
export type ReadFile = (file: { readonly path: string; readonly confidential: boolean }) => Promise<string | undefined>;

export class IssuerFolder {
  readonly place: string;
  readonly #readFile: ReadFile;

  constructor(directory: string, readFile: ReadFile) {
    this.place = directory;
    this.#readFile = readFile;
  }

  /** Where the key lies that waits for its certificate. */
  get nextKeyPlace(): string {
    return path.join(this.place, NEXT_KEY);
  }

  /**
   * Has the folder, which is made where there is none, for as long as the work takes.
   * @throws AuthorityError CAP-X03 when another process has it, or it cannot be written.
   */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    using lock = await this.#writing(async () => {
      await mkdir(this.place, { recursive: true, mode: 0o700 });
      return lockFile(path.join(this.place, LOCK));
    });
    if (lock === undefined) {
      const detail = `${this.place} is in use: another ceremony is under way there; try again when it is over`;
      throw new AuthorityError('CAP-X03', { detail });
    }
    return await work();
  }

  /** @returns the key that waits for its certificate. @throws AuthorityError CAP-X03 */
  async nextKey(): Promise<string | undefined> {
    return this.#read(NEXT_KEY);
  }

  /** @returns one of the files in force. @throws AuthorityError CAP-X03 */
  async current(name: keyof IssuerFiles): Promise<string | undefined> {
    const found = await this.#read(FILES[name]);
    return found === undefined && name === 'anchors' ? this.#read(ANCHORS_OF_ISTIO) : found;
  }

  /** @throws AuthorityError CAP-X03 when there is one already, or it cannot be written. */
  async keepNextKey(pem: string): Promise<void> {
    await this.#writing(async () => {
      await mkdir(this.place, { recursive: true, mode: 0o700 });
      // Under its name it is whole, whenever the process is killed or the disk is full; a name that is taken stays so.
      const fresh = path.join(this.place, `${NEXT_KEY}.new`);
      await rm(fresh, { force: true });
      try {
        await write(fresh, pem);
        await link(fresh, this.nextKeyPlace);
      } finally {
        await rm(fresh, { force: true });
      }
      await flush(this.place);
    });
  }

  /**
   * Gives up the key that waits for its certificate.
   * @throws AuthorityError CAP-X03 when the folder is in use, or cannot be written.
   */
  async dropNextKey(pem: string): Promise<void> {
    await this.alone(async () =>
      this.#writing(async () => {
        if ((await this.nextKey()) === pem) await rm(this.nextKeyPlace);
        await flush(this.place);
      }),
    );
  }

  /**
   * Puts these in force in one step, and lets go of the key that waited if it is among them.
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
      // One that waits for another certificate goes on waiting: nobody has it but this folder.
      if ((await this.nextKey()) === files.key) await rm(this.nextKeyPlace);
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
    try {
      for (const [of, file] of Object.entries(FILES))
        await write(path.join(whole, file), files[of as keyof IssuerFiles]);
      await flush(whole);
    } catch (error) {
      // No copy of a key stays behind on a disk that is full.
      await rm(whole, { recursive: true, force: true });
      throw error;
    }
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

  async #read(name: string): Promise<string | undefined> {
    return this.#readFile({ path: path.join(this.place, name), confidential: CONFIDENTIAL.includes(name) });
  }

  async #writing<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
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
