// A disk of a few megabytes, mounted in a folder, which a test fills to its last byte and empties again. Only root may mount one, and not in
// every container: elsewhere the test is skipped, and says so.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync, statfsSync } from 'node:fs';
import path from 'node:path';
import type { Context } from 'mocha';

const FILLER = 'filler';

export class SmallDisk implements Disposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** @param folder is made. */
  static orSkip(test: Context, folder: string, megabytes: number): SmallDisk {
    mkdirSync(folder, { recursive: true });
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder], { stdio: 'ignore' });
    } catch {
      test.test!.title += ' (skipped: no small disk can be mounted here)';
      test.skip();
    }
    return new SmallDisk(folder);
  }

  /** Until nothing goes in any more. What is allocated already may still be written over. */
  fill(): void {
    const filler = path.join(this.#folder, FILLER);
    for (const bytes of [1 << 20, 4_096, 1]) {
      assert.throws(() => {
        for (;;) appendFileSync(filler, Buffer.alloc(bytes));
      }, /ENOSPC/);
    }
    assert.equal(statfsSync(this.#folder).bavail, 0);
  }

  empty(): void {
    rmSync(path.join(this.#folder, FILLER), { force: true });
  }

  [Symbol.dispose](): void {
    execFileSync('umount', ['--lazy', this.#folder]);
  }
}
