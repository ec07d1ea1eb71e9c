// Whether the journal's files are still those that were opened, with the bytes that were left there. SQLite goes on
// writing into a file that was unlinked, renamed or overwritten, and says nothing: records would be durable nowhere.
import { statSync } from 'node:fs';
import { JournalProblem } from './journal-problem.ts';

/** Readers write the shared memory too, so of it only the file counts. */
const PARTS = [
  { suffix: '', bytes: true },
  { suffix: '-wal', bytes: true },
  { suffix: '-shm', bytes: false },
] as const;

interface Seen {
  /** Device and inode; empty when there is no such file. */
  readonly inode: string;
  /** Size and time of the last change. */
  readonly bytes: string;
}

export class JournalPlace {
  readonly #file: string;
  #seen: readonly Seen[];

  /** Takes the files as they are now, while the journal is open. */
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
    this.#compare(look(this.#file), (now, then, { bytes }) => !bytes || now.bytes === then.bytes);
  }

  /** After writing ourselves. @throws JournalProblem when what was written is not at its place any more. */
  note(): void {
    const seen = look(this.#file);
    this.#compare(seen, () => true);
    this.#seen = seen;
  }

  #compare(seen: readonly Seen[], holds: (now: Seen, then: Seen, part: (typeof PARTS)[number]) => boolean): void {
    for (const [index, part] of PARTS.entries()) {
      const [now, then] = [seen[index], this.#seen[index]];
      if (now === undefined || then === undefined) continue;
      demandInode(this.#file + part.suffix, now.inode, then.inode);
      if (!holds(now, then, part)) throw changed(this.#file + part.suffix);
    }
  }
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
  return PARTS.map(({ suffix }) => seenAt(file + suffix));
}

function seenAt(file: string): Seen {
  const found = statSync(file, { bigint: true, throwIfNoEntry: false });
  if (found === undefined) return { inode: '', bytes: '' };
  const { dev, ino, size, mtimeNs } = found;
  return { inode: `${dev}:${ino}`, bytes: `${size} ${mtimeNs}` };
}
