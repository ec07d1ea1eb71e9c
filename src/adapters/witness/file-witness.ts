// Heads in a file that only grows, on another volume than the journal: JSON Lines, as an export has them. Opened for each head, so
// that the file may be moved away by whoever keeps it, and one that is gone begins anew.
import { open, type FileHandle } from 'node:fs/promises';
import { codeOf, fileProblem, writingProblem } from '../../domain/text/system-error.ts';
import type { HeadWitness, KeptHead } from '../../ports/audit/audit-heads.ts';

/** Of its end: some thousand heads. */
const MAX_READ_BYTES = 4 * 1024 * 1024;
/** It was moved away, or the server may write it and not read. */
const UNREADABLE = ['ENOENT', 'EACCES', 'EPERM'];
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

  async lastLines(): Promise<readonly string[]> {
    try {
      return await lastLinesOf(this.name);
    } catch (cause) {
      if (UNREADABLE.includes(codeOf(cause) ?? '')) return [];
      throw new Error(`it ${fileProblem(cause)}`, { cause });
    }
  }
}

/** Whole lines, the newest first. */
async function lastLinesOf(name: string): Promise<readonly string[]> {
  await using file = await open(name, 'r');
  const stat = await file.stat();
  if (!stat.isFile()) return [];
  const from = Math.max(0, stat.size - MAX_READ_BYTES);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(stat.size - from), 0, stat.size - from, from);
  // What is behind the last line feed was cut, and what is before the first one may be.
  const lines = buffer
    .toString('utf8', 0, bytesRead)
    .split('\n')
    .slice(from === 0 ? 0 : 1, -1);
  return lines.reverse();
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
