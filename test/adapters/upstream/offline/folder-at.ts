// The folder of a ceremony, whose files are read as the commands do.
import { watchFolder } from '../../../../src/adapters/files/watch-folder.ts';
import { watchedFiles } from '../../../../src/adapters/files/watched-files.ts';
import { IssuerFolder } from '../../../../src/adapters/upstream/offline/issuer-folder.ts';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';

const WATCHING = { clock: new SystemClock(), watchFolder };

export function folderAt(directory: string): IssuerFolder {
  return new IssuerFolder(directory, async (file) =>
    (await watchedFiles({ file: { ...file, optional: true } }, WATCHING).read()).get('file'),
  );
}
