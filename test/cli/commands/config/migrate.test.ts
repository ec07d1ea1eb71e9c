// Files on disk; what is printed is in test/transcripts/config-migrate.txt.
import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runCli } from '../../../../src/cli/program.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';
import { recordTerminal } from '../../support/recorded-terminal.ts';

const OLD = '# ours\r\nlisten:\r\n    unprovenShare:   0.5   # half\r\n';
const NEW = '# ours\r\nlisten:\r\n    unauthenticatedShare:   0.5   # half\r\n';

async function migrate(...words: readonly string[]): Promise<{ code: number; out: string; error: string }> {
  const { terminal, out, error } = recordTerminal();
  const code = await runCli(['config', 'migrate', ...words], {
    terminal,
    environment: {},
    clock: new FakeClock(0),
    signal: AbortSignal.abort(),
  });
  return { code, out: out(), error: error() };
}

describe('capstan config migrate', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'capstan-migrate-'));
    file = path.join(folder, 'real/capstan.yaml');
    mkdirSync(path.dirname(file));
    writeFileSync(file, OLD, { mode: 0o600 });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('changes no file unless it is told to', async () => {
    assert.equal((await migrate(file)).out, NEW.replaceAll('\r', ''));
    assert.equal(readFileSync(file, 'utf8'), OLD);
  });

  it('replaces the file that a link leads to, with its mode and its line ends, and leaves nothing beside it', async () => {
    const link = path.join(folder, 'capstan.yaml');
    symlinkSync('real/capstan.yaml', link);
    assert.equal((await migrate('--write', link)).code, 0);
    assert.equal(readFileSync(file, 'utf8'), NEW);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(path.dirname(file)), ['capstan.yaml']);
  });

  it('leaves a file alone in which nothing is to be renamed', async () => {
    await migrate('--write', file);
    const { ino } = statSync(file);
    assert.match((await migrate('--write', file)).out, /has no key that was renamed/);
    assert.equal(statSync(file).ino, ino);
  });

  it('says that it cannot write, and leaves the file as it was', async function () {
    if (process.getuid?.() === 0) this.skip();
    chmodSync(path.dirname(file), 0o500);
    assert.equal((await migrate('--write', file)).code, 73);
    chmodSync(path.dirname(file), 0o700);
    assert.equal(readFileSync(file, 'utf8'), OLD);
  });
});
