import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { crlFileOf, FileCrls } from '../../../../src/adapters/storage/embedded/file-crls.ts';
import { AuthorityError } from '../../../../src/domain/errors.ts';
import { describeCrls, keptCrl } from '../../../support/contracts/crls.ts';
import { MemoryCrls } from '../../../support/paths/crls.ts';

const OPTIONS = { nowMs: 0, signal: new AbortController().signal };

describe('Of an embedded store', () => {
  let directory: string;
  let file: string;
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'crls-'));
    file = crlFileOf(path.join(directory, 'journal.db'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  describeCrls('in its file', () => [new FileCrls(file), new FileCrls(file)]);

  it('the file of revocation lists is for this user alone', async () => {
    await new FileCrls(file).keep(keptCrl(1), OPTIONS);
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  it('a file that holds no lists is taken for none, since they can be signed again', async () => {
    writeFileSync(file, 'not JSON');
    const crls = new FileCrls(file);
    assert.deepEqual(await crls.all(OPTIONS), []);
    assert.equal(await crls.keep(keptCrl(1), OPTIONS), true);
    assert.equal((await crls.all(OPTIONS)).length, 1);
  });

  it('a file that cannot be written is CAP-S04', async () => {
    rmSync(directory, { recursive: true });
    await assert.rejects(
      new FileCrls(file).keep(keptCrl(1), OPTIONS),
      (error) => error instanceof AuthorityError && error.reason === 'CAP-S04',
    );
    directory = mkdtempSync(path.join(tmpdir(), 'crls-'));
  });
});

describeCrls('in memory, for tests', () => {
  const crls = new MemoryCrls();
  return [crls, crls];
});
