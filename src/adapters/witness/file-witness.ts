// Heads in a file that only grows, on another volume than the journal: JSON Lines, as an export has them. Opened for each head, so
// that the file may be moved away by whoever keeps it, and one that is gone begins anew.
import { open, type FileHandle } from 'node:fs/promises';
import { writingProblem } from '../../domain/text/system-error.ts';
import type { HeadWitness, KeptHead } from '../../ports/audit/audit-heads.ts';

/** Read by auditors; written by the server alone. */
const MODE = 0o644;

export class FileWitness implements HeadWitness {
  readonly name: string;

  constructor(file: string) {
    this.name = file;
  }

  async keep({ text }: KeptHead): Promise<void> {
    try {
      await using file = await open(this.name, 'a', MODE);
      const before = (await isCut(this.name, file)) ? '\n' : '';
      await file.appendFile(`${before}${text}\n`);
      await file.sync();
    } catch (cause) {
      throw new Error(`it ${writingProblem(cause)}`, { cause });
    }
  }
}

/** Whether its last line has no end: the disk was full, or the process ended meanwhile. What only grows keeps the half of it. */
async function isCut(name: string, appended: FileHandle): Promise<boolean> {
  const stat = await appended.stat();
  if (!stat.isFile() || stat.size === 0) return false;
  try {
    await using file = await open(name, 'r');
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, stat.size - 1);
    return bytesRead === 1 && buffer.toString() !== '\n';
  } catch {
    // Whoever may only write cannot know.
    return false;
  }
}
