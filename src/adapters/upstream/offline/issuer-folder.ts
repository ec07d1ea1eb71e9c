// The folder of an issuer, as a ceremony fills it: chain, key and anchors together or not at all, whenever the process is
// killed. As in a volume of Kubernetes the files are links into a folder that one rename exchanges; what a server follows
// is never half of one and half of the other. The key that waits for its certificate lies beside them, and so do, each behind a
// link of its own, the pair that is to follow and the one that was in force before.
import { randomBytes } from 'node:crypto';
import { link, mkdir, readdir, rename, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { AuthorityError } from '../../../domain/errors.ts';
import { writingProblem } from '../../../domain/text/system-error.ts';
import { lockFile } from '../../../durable/process-lock.ts';
import { flushFolder, isLink, pointTo, targetOf, writeNew } from '../../../durable/durable-steps.ts';

/** As a Secret of type kubernetes.io/tls has them. The chain comes last: where there is none, nothing is looked for beside it. */
const FILES = { anchors: 'ca.crt', key: 'tls.key', chain: 'tls.crt' } as const;
const NEXT_KEY = 'next.key';
/** Of a ceremony: of two, the later one would take away what the earlier one has just put in force. Stays there, empty. */
const LOCK = '..lock';
/** What is in force. */
const [DATA, GENERATION] = ['..data', '..generation-'];
/** What is to follow, what was before, and what is about to have been. */
const [PREPARED, FORMER, LEAVING] = ['..prepared', '..former', '..leaving'];
/** As a server demands it of a private key. */
const CONFIDENTIAL: readonly string[] = [FILES.key, NEXT_KEY, 'ca-key.pem'];
/** As Istio has them, of a folder that was filled by hand: read one after the other. */
const FILES_OF_ISTIO: IssuerFilesOf<readonly string[]> = {
  anchors: ['root-cert.pem'],
  key: ['ca-key.pem'],
  chain: ['ca-cert.pem', 'cert-chain.pem'],
};

type IssuerFilesOf<T> = Readonly<Record<keyof typeof FILES, T>>;
export type IssuerFiles = IssuerFilesOf<string>;

/** Pairs that are kept beside the one in force. */
export type KeptPair = 'prepared' | 'former';

/** Is given a folder with files before they are in force, and may refuse them by throwing. */
export type JudgeFolder = (folder: string) => Promise<void>;

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
    if (found !== undefined || (name === 'key' && (await this.#read(FILES.chain)) !== undefined)) return found;
    const texts = await Promise.all(FILES_OF_ISTIO[name].map(async (file) => this.#read(file)));
    return texts[0] === undefined ? undefined : texts.flatMap((text) => text ?? []).join('\n');
  }

  /** @returns the files of a pair beside the one in force; nothing where there is none. @throws AuthorityError CAP-X03 */
  async kept(pair: KeptPair): Promise<IssuerFiles | undefined> {
    const generation = await this.#writing(async () => this.#generationOf(pair));
    if (generation === undefined) return undefined;
    const [chain, key, anchors] = await Promise.all(
      [FILES.chain, FILES.key, FILES.anchors].map(async (file) => this.#read(path.join(generation, file))),
    );
    return chain === undefined || key === undefined ? undefined : { chain, key, anchors: anchors ?? '' };
  }

  /** @throws AuthorityError CAP-X03 when there is one already, or it cannot be written. */
  async keepNextKey(pem: string): Promise<void> {
    await this.#writing(async () => {
      await mkdir(this.place, { recursive: true, mode: 0o700 });
      // Under its name it is whole, whenever the process is killed or the disk is full; a name that is taken stays so.
      const fresh = path.join(this.place, `${NEXT_KEY}.new`);
      await rm(fresh, { force: true });
      try {
        await writeNew(fresh, pem);
        await link(fresh, this.nextKeyPlace);
      } finally {
        await rm(fresh, { force: true });
      }
      await flushFolder(this.place);
    });
  }

  /**
   * Gives up the key that waits for its certificate, where it still is this one. To be done alone.
   * @throws AuthorityError CAP-X03 when the folder cannot be written.
   */
  async dropNextKey(pem: string): Promise<void> {
    await this.#writing(async () => {
      await this.#letGoOf(pem);
      await flushFolder(this.place);
    });
  }

  /**
   * Puts these in force in one step, and lets go of the key that waited if it is among them.
   * @throws AuthorityError CAP-X03; what was in force stays.
   */
  async install(files: IssuerFiles, judge: JudgeFolder): Promise<void> {
    await this.#writing(async () => {
      const generation = await this.#judged(files, judge);
      await this.#takeOver();
      await pointTo(this.#at(DATA), generation);
      await this.#link();
      await this.#letGoOf(files.key);
      await rm(this.#at(FORMER), { force: true });
      await this.#sweep();
    });
  }

  /** Keeps these beside what is in force, to follow it, and lets go of the key that waited if it is among them. @throws as `install`. */
  async prepare(files: IssuerFiles, judge: JudgeFolder): Promise<void> {
    await this.#writing(async () => {
      await pointTo(this.#at(PREPARED), await this.#judged(files, judge));
      await this.#letGoOf(files.key);
      await this.#sweep();
    });
  }

  /** What is prepared comes in force in one step; what was in force is the former then. @throws as `install`. */
  async activate(judge: JudgeFolder): Promise<void> {
    await this.#writing(async () => {
      const next = await this.#generationOf('prepared');
      if (next === undefined) return;
      await judge(this.#at(next));
      await this.#takeOver();
      await this.#putInForce(next);
      await rm(this.#at(PREPARED), { force: true });
      await this.#sweep();
    });
  }

  /** The former pair comes in force in one step, and what was in force is the former then. @throws as `install`. */
  async revert(judge: JudgeFolder): Promise<void> {
    await this.#writing(async () => {
      const next = await this.#generationOf('former');
      if (next === undefined) return;
      await judge(this.#at(next));
      await this.#putInForce(next);
      await this.#sweep();
    });
  }

  /** Lets go of a pair beside the one in force. @throws AuthorityError CAP-X03 */
  async discard(pair: KeptPair): Promise<void> {
    await this.#writing(async () => {
      await this.#settle();
      await rm(this.#at(pair === 'prepared' ? PREPARED : FORMER), { force: true });
      await this.#sweep();
    });
  }

  /** Whenever the process is killed, one of the two is in force and the other is found by its link. */
  async #putInForce(next: string): Promise<void> {
    await this.#settle();
    const current = await targetOf(this.#at(DATA));
    if (current !== undefined && current !== next) await pointTo(this.#at(LEAVING), current);
    await pointTo(this.#at(DATA), next);
    await this.#settle();
    await this.#link();
  }

  /** What was about to be the former is it, if the exchange came to pass. */
  async #settle(): Promise<void> {
    const leaving = await targetOf(this.#at(LEAVING));
    if (leaving === undefined) return;
    if (leaving === (await targetOf(this.#at(DATA)))) await rm(this.#at(LEAVING));
    else await rename(this.#at(LEAVING), this.#at(FORMER));
    await flushFolder(this.place);
  }

  /** The folder of a pair, unless it is the one in force: a link may outlive its meaning. */
  async #generationOf(pair: KeptPair): Promise<string | undefined> {
    const current = await targetOf(this.#at(DATA));
    const named = pair === 'prepared' ? [PREPARED] : [LEAVING, FORMER];
    const found = await Promise.all(named.map(async (name) => targetOf(this.#at(name))));
    return found.find((one) => one !== undefined && one !== current);
  }

  #at(name: string): string {
    return path.join(this.place, name);
  }

  /** One that waits for another certificate goes on waiting: nobody has it but this folder. */
  async #letGoOf(key: string): Promise<void> {
    if ((await this.nextKey()) === key) await rm(this.nextKeyPlace);
  }

  /** Nothing names them any more, or they are of what was killed. */
  async #sweep(): Promise<void> {
    const named = await Promise.all([DATA, PREPARED, FORMER, LEAVING].map(async (name) => targetOf(this.#at(name))));
    const others = (await readdir(this.place)).filter((name) => name.startsWith(GENERATION) && !named.includes(name));
    for (const name of others) await rm(this.#at(name), { recursive: true });
    await flushFolder(this.place);
  }

  async #judged(files: IssuerFiles, judge: JudgeFolder): Promise<string> {
    const generation = await this.#make(files);
    try {
      await judge(this.#at(generation));
    } catch (error) {
      await rm(this.#at(generation), { recursive: true });
      throw error;
    }
    return generation;
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
    await pointTo(this.#at(DATA), await this.#make({ chain, key, anchors }));
    await this.#link();
  }

  /** @returns the name of a folder with these files. */
  async #make(files: IssuerFiles): Promise<string> {
    const name = `${GENERATION}${randomBytes(8).toString('hex')}`;
    const whole = path.join(this.place, name);
    await mkdir(whole, { recursive: true, mode: 0o700 });
    try {
      for (const [of, file] of Object.entries(FILES))
        await writeNew(path.join(whole, file), files[of as keyof IssuerFiles]);
      await flushFolder(whole);
    } catch (error) {
      // No copy of a key stays behind on a disk that is full.
      await rm(whole, { recursive: true, force: true });
      throw error;
    }
    return name;
  }

  async #link(): Promise<void> {
    for (const file of Object.values(FILES)) {
      const whole = this.#at(file);
      if (await isLink(whole)) continue;
      await rm(`${whole}.new`, { force: true });
      await symlink(path.join(DATA, file), `${whole}.new`);
      await rename(`${whole}.new`, whole);
    }
    await flushFolder(this.place);
  }

  async #read(name: string): Promise<string | undefined> {
    return this.#readFile({
      path: path.join(this.place, name),
      confidential: CONFIDENTIAL.includes(path.basename(name)),
    });
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
