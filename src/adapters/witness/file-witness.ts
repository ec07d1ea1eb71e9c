// Heads in a file that only grows, on another volume than the journal: JSON Lines, as an export has them. Opened for each head, so
// that the file may be moved away by whoever keeps it, and one that is gone begins anew.
import { open } from 'node:fs/promises';
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
      await file.appendFile(`${text}\n`);
      await file.sync();
    } catch (cause) {
      throw new Error(`it ${writingProblem(cause)}`, { cause });
    }
  }
}
