import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SystemClock } from '../../../src/adapters/clock/system-clock.ts';
import { watchFolder, type WatchFolder } from '../../../src/adapters/files/watch-folder.ts';
import { MAX_FILE_BYTES, watchedFiles, type WatchedFile } from '../../../src/adapters/files/watched-files.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeClock } from '../../support/fakes/fake-clock.ts';

const SOON = { withinMs: 20_000, everyMs: 2 };

/** Waits for nothing between a notice and the reading that follows it. */
class HurriedClock extends FakeClock {
  /** Each comes after a reading that is over. */
  waits = 0;

  override async sleep(ms: number, options: { readonly signal: AbortSignal }): Promise<void> {
    if (ms < 1_000) return;
    this.waits += 1;
    await super.sleep(ms, options);
  }
}

describe('Watched files', () => {
  let folder: string;
  let file: string;
  let end: AbortController;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'capstan-files-'));
    file = path.join(folder, 'document');
    end = new AbortController();
    await writeFile(file, 'one', { mode: 0o600 });
  });
  afterEach(async () => {
    end.abort();
    await rm(folder, { recursive: true });
  });

  async function refuses(watched: WatchedFile, problem: string): Promise<void> {
    await assert.rejects(
      watchedFiles({ document: watched }, { clock: new SystemClock(), watchFolder }).read(),
      (error: unknown) => {
        assert.ok(error instanceof AuthorityError);
        assert.equal(error.reason, 'CAP-X03');
        assert.ok(
          error.message.includes(`${typeof watched === 'string' ? watched : watched.path} ${problem}`),
          error.message,
        );
        return true;
      },
    );
  }

  /** Makes the change once the files are watched; resolves when a later call reads `text`. */
  async function reads(text: string, change: () => Promise<void>): Promise<void> {
    const source = watchedFiles({ document: file }, { clock: new SystemClock(), watchFolder });
    const seen: (string | undefined)[] = [];
    await new Promise<void>((resolve) => {
      const look = async (): Promise<void> => {
        const now = await source.read().catch(() => undefined);
        if (seen.push(now?.get('document')) === 1) setImmediate(() => void change());
        else if (seen.at(-1) === text) resolve();
      };
      source.onChange(look, { signal: end.signal });
    });
    assert.notEqual(seen[0], text);
  }

  it('are read by name', async () => {
    const other = path.join(folder, 'other');
    await writeFile(other, 'two');
    const source = watchedFiles({ a: file, b: other }, { clock: new SystemClock(), watchFolder });
    assert.deepEqual(
      [...(await source.read())],
      [
        ['a', 'one'],
        ['b', 'two'],
      ],
    );
    assert.equal(source.placeOf('b'), other);
  });

  it('are refused with their path when one is missing, no file, or too large', async () => {
    await refuses(path.join(folder, 'missing'), 'does not exist');
    await refuses(folder, 'is not a regular file');
    await truncate(file, MAX_FILE_BYTES + 1);
    await refuses(file, `is larger than ${MAX_FILE_BYTES} bytes`);
  });

  it('are refused when a private one is open to others', async () => {
    const watched = { path: file, confidential: true } as const;
    assert.equal(
      (await watchedFiles({ key: watched }, { clock: new SystemClock(), watchFolder }).read()).get('key'),
      'one',
    );
    for (const mode of [0o400, 0o440, 0o640]) {
      await chmod(file, mode);
      assert.equal(
        (await watchedFiles({ key: watched }, { clock: new SystemClock(), watchFolder }).read()).get('key'),
        'one',
      );
    }
    for (const mode of [0o644, 0o604, 0o660]) {
      await chmod(file, mode);
      await refuses(
        watched,
        `has mode 0${mode.toString(8)}: what is secret must not be open to others, nor writable by its group (chmod 600)`,
      );
    }
  });

  it('tell soon of an edit in place', async () => reads('two', async () => writeFile(file, 'two')));

  it('tell soon of a file that is renamed into place', async () => {
    await reads('two', async () => {
      await writeFile(`${file}.new`, 'two');
      await rename(`${file}.new`, file);
    });
  });

  it('tell soon of a volume that Kubernetes updates by swapping a symlink', async () => {
    const volume = path.join(folder, 'volume');
    for (const version of ['one', 'two']) {
      await mkdir(path.join(volume, version), { recursive: true });
      await writeFile(path.join(volume, version, 'document'), version);
    }
    await symlink('one', path.join(volume, '..data'));
    await symlink(path.join('..data', 'document'), path.join(volume, 'document'));
    file = path.join(volume, 'document');
    await reads('two', async () => {
      await symlink('two', path.join(volume, '..data_tmp'));
      await rename(path.join(volume, '..data_tmp'), path.join(volume, '..data'));
    });
  });

  it('tell of a file that is removed and comes back', async () => {
    await reads('back', async () => {
      await rm(file);
      await writeFile(file, 'back');
    });
  });

  it('are looked at every half minute, whatever became of the watch', async () => {
    const clock = new FakeClock();
    let looks = 0;
    watchedFiles({ document: path.join(folder, 'no', 'such', 'folder') }, { clock, watchFolder }).onChange(
      async () => void (looks += 1),
      { signal: end.signal },
    );
    await clock.advance(0);
    assert.equal(looks, 1);
    await clock.advance(31_000);
    assert.equal(looks, 2);
    await clock.advance(90_500);
    assert.equal(looks, 5);
  });

  it('are not read again for what others write beside them, but every half minute', async () => {
    const clock = new HurriedClock();
    // The platform gives several notices of one write, at moments of its own: here each is given by hand.
    let give = (): void => undefined;
    const byHand: WatchFolder = (_folder, changed) => void (give = () => changed('journal-wal'));
    let looks = 0;
    watchedFiles({ document: file }, { clock, watchFolder: byHand }).onChange(async () => void (looks += 1), {
      signal: end.signal,
    });
    const notice = async (): Promise<number> => {
      const { waits } = clock;
      give();
      await eventually('the notice is dealt with', () => clock.waits > waits, SOON);
      return looks;
    };
    await eventually('they are watched', () => clock.waits > 0, SOON);
    await notice();
    await clock.advance(1_000);
    const settled = await notice();
    assert.equal(await notice(), settled);
    // Of another length: two writes may have one time.
    await writeFile(file, 'another');
    assert.equal(await notice(), settled + 1);
    await clock.advance(1_000);
    const again = await notice();
    await clock.advance(20_000);
    assert.equal(await notice(), again);
    await clock.advance(20_000);
    assert.ok((await notice()) > again);
  });

  it('never tell of a change while the last one is still being looked at', async () => {
    const clock = new FakeClock();
    const looks: (() => void)[] = [];
    const listener = (): Promise<void> => new Promise((resolve) => looks.push(resolve));
    watchedFiles({ document: file }, { clock, watchFolder }).onChange(listener, { signal: end.signal });
    await clock.advance(120_000);
    assert.equal(looks.length, 1);
    looks[0]!();
    await clock.advance(31_000);
    assert.equal(looks.length, 2);
    looks[1]!();
  });

  it('tell nothing any more once the signal aborts', async () => {
    const clock = new FakeClock();
    let looks = 0;
    watchedFiles({ document: file }, { clock, watchFolder }).onChange(async () => void (looks += 1), {
      signal: end.signal,
    });
    await clock.advance(0);
    end.abort();
    await clock.advance(120_000);
    assert.equal(looks, 1);
    assert.equal(clock.sleepers, 0);
  });
});
