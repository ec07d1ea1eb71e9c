// A file that is replaced whole is replaced whole or not at all, also where the disk has room for a part of it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const MODULE = new URL('../../../../src/adapters/storage/slots/small-file.ts', import.meta.url).href;
const SCRIPT = `
  import { replaceSmallFile } from ${JSON.stringify(MODULE)};
  try {
    replaceSmallFile(process.argv[1], 'new'.repeat(5_000));
    console.log('replaced');
  } catch (error) {
    console.log(error.message);
  }`;

describe('A small file that is replaced', () => {
  it('stays as it was, and says why, where there is room for a part of the new one only', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'capstan-small-'));
    try {
      const file = path.join(folder, 'journal.bans');
      writeFileSync(file, 'old');
      // As a disk that fills up does, the limit has the first write end early; it counts in kilobytes.
      const limited = [
        '-c',
        'ulimit -f 4; exec "$0" "$@"',
        process.execPath,
        '--input-type=module',
        '-e',
        SCRIPT,
        file,
      ];
      const said = execFileSync('bash', limited, { encoding: 'utf8' });
      assert.match(said, /journal\.bans/);
      assert.equal(readFileSync(file, 'utf8'), 'old');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
