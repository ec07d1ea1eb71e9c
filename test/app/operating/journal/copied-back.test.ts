import { renameSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { assertFound } from './support/copied-back.ts';
import { DaysOfJournal } from './support/days-of-journal.ts';

describe('A journal that was copied back while no server ran', function () {
  this.timeout(120_000);

  it('is signed no more where a witness has later heads, until an operator accepts it', async () => {
    using journal = await DaysOfJournal.create(5, {}, { hasWitness: true });
    const [file, copy] = [journal.files.path('journal.db'), journal.files.path('copy.db')];
    const copyBack = async (): Promise<void> => {
      for (const part of ['-wal', '-shm']) rmSync(`${file}${part}`, { force: true });
      renameSync(copy, file);
    };
    const keepCopy = async (): Promise<void> => {
      using database = new DatabaseSync(file);
      database.exec(`VACUUM INTO '${copy}'`);
    };
    await assertFound(journal, copyBack, keepCopy);
  });
});
