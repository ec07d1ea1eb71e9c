// Whether the journal's files are still those that were opened, with the bytes that were left there. SQLite goes on
// writing into a file that was unlinked, renamed or overwritten, and says nothing: records would be durable nowhere.
import { lstatSync } from 'node:fs';
import { JournalProblem } from './journal-problem.ts';

/** Readers write the shared memory too, and of the lock only its place counts: another server takes what is there. */
const PARTS = ['', '-wal', '-shm', '.lock'] as const;
type Suffix = (typeof PARTS)[number];

interface Seen {
  /** Device and inode; empty when there is no such file. */
  readonly inode: string;
  /** Size and time of the last change. */
  readonly bytes: string;
}

export class JournalPlace {
  readonly #file: string;
  #seen: readonly Seen[];

  /** Takes the files as they are now, while the journal is open. @param file no symbolic link. */
  constructor(file: string) {
    this.#file = file;
    this.#seen = look(file);
  }

  /** Of the journal's main file. */
  get inode(): string {
    return this.#seen[0]?.inode ?? '';
  }

  /** @throws JournalProblem when anybody but us has touched the files since they were last noted. */
  check(): void {
    this.#compare(look(this.#file), ['', '-wal']);
  }

  /**
   * Before a commit: what it writes must be as it was left. The other files are looked at once the commit is made; that
   * finds the same, and each look costs about as much as a tenth of a record.
   * @throws JournalProblem as `check`, of the WAL.
   */
  checkWal(): void {
    const then = this.#seen[PARTS.indexOf('-wal')];
    if (then !== undefined) compare(`${this.#file}-wal`, seenAt(`${this.#file}-wal`), then, true);
  }

  /**
   * After a commit, which writes into the WAL alone. Of files that are at their places what was written is noted in any
   * case, so that one that was away can come back.
   * @throws JournalProblem when what was written is not at its place any more, or anybody wrote into the main file.
   */
  noteCommit(): void {
    this.#note('-wal', ['']);
  }

  /** After a checkpoint, which writes into the main file too. @throws JournalProblem as `noteCommit`, but for that. */
  noteCheckpoint(): void {
    this.#note('', []);
  }

  #note(written: Suffix, unchanged: readonly Suffix[]): void {
    const seen = look(this.#file);
    const before = this.#seen;
    this.#seen = before.map((then, index) => {
      const now = seen[index];
      return PARTS[index] === written && now?.inode === then.inode ? now : then;
    });
    this.#compare(seen, unchanged);
  }

  #compare(seen: readonly Seen[], unchanged: readonly Suffix[]): void {
    for (const [index, suffix] of PARTS.entries()) {
      const [now, then] = [seen[index], this.#seen[index]];
      if (now !== undefined && then !== undefined) compare(this.#file + suffix, now, then, unchanged.includes(suffix));
    }
  }
}

function compare(file: string, now: Seen, then: Seen, unchanged: boolean): void {
  demandInode(file, now.inode, then.inode);
  if (unchanged && now.bytes !== then.bytes) throw changed(file);
}

/** @throws JournalProblem unless the file at the journal's place is the one that was opened. */
export function demandSameFile(file: string, inode: string): void {
  demandInode(file, seenAt(file).inode, inode);
}

function demandInode(file: string, now: string, then: string): void {
  if (now === then) return;
  const found = now === '' ? 'is gone from its place' : 'is another file now';
  throw new JournalProblem('file', `the journal's ${file} ${found}; put the same file back, or stop Capstan and look`);
}

function changed(file: string): JournalProblem {
  const what = `the journal's ${file} was changed by another program`;
  return new JournalProblem('file', `${what}; restart Capstan, which then checks the journal, or restore it first`);
}

function look(file: string): readonly Seen[] {
  return PARTS.map((suffix) => seenAt(file + suffix));
}

function seenAt(file: string): Seen {
  // A link in its place would lead SQLite elsewhere, also when the file behind it is the same.
  const found = lstatSync(file, { bigint: true, throwIfNoEntry: false });
  if (found === undefined) return { inode: '', bytes: '' };
  const { dev, ino, size, mtimeNs } = found;
  return { inode: `${dev}:${ino}`, bytes: `${size} ${mtimeNs}` };
}
