import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SystemClock } from '../../../../../src/adapters/clock/system-clock.ts';
import { runProgram } from '../../../../../src/adapters/kubernetes/api/access/run-program.ts';
import { NEVER } from '../../../../../src/live/abortable.ts';
import { eventually } from '../../../../support/eventually.ts';
import { FakeClock } from '../../../../support/fakes/fake-clock.ts';

const clock = new SystemClock();

describe('A program for credentials', function () {
  this.timeout(60_000);
  let folder: string;
  before(() => (folder = mkdtempSync(path.join(tmpdir(), 'program-'))));
  after(() => rmSync(folder, { recursive: true }));

  const program = (script: string, command = 'sh') => ({
    place: 'here',
    command,
    args: ['-c', script],
    environment: { PATH: process.env['PATH'], GIVEN: 'given' },
    apiVersion: 'v1',
    installHint: 'install it so',
  });
  const run = async (script: string, command?: string) =>
    runProgram(program(script, command), { clock, signal: NEVER });

  it('is run with its arguments and environment and nobody to ask; only what it prints is taken', async () => {
    assert.equal(await run('read line; echo "[$line$GIVEN$HOME]"; echo se-cret >&2'), '[given]\n');
  });

  for (const [script, problem] of [
    ['echo se-cret; echo se-cret >&2; exit 3', /^Error: ended with exit code 3$/],
    ['kill -9 $$', /^Error: was ended by SIGKILL$/],
    ['exec cat /dev/zero', /^Error: prints more than 262144 bytes$/],
  ] as const) {
    it(`that does "${script}" gives none, and nothing of it is quoted`, async () =>
      assert.rejects(run(script), problem));
  }

  it('that is not there is named by the hint to get it', async () =>
    assert.rejects(run('', path.join(folder, 'none')), /^Error: is not installed: install it so$/));

  /** Prints who it has started, which goes on. */
  const hangs = (): {
    readonly script: string;
    readonly isThere: () => boolean;
    readonly hasStarted: () => boolean;
  } => {
    const file = path.join(folder, 'started');
    rmSync(file, { force: true });
    const started = (): string => {
      try {
        return readFileSync(file, 'utf8').trim();
      } catch {
        return '';
      }
    };
    const isThere = (): boolean => {
      try {
        return process.kill(Number(started()), 0);
      } catch {
        return false;
      }
    };
    return { script: `sleep 600 & echo $! > ${file}; wait`, isThere, hasStarted: () => started() !== '' };
  };

  it('that hangs is ended with all that it has started when its time is over', async () => {
    const { script, isThere, hasStarted } = hangs();
    const fake = new FakeClock();
    const running = runProgram(program(script), { clock: fake, signal: NEVER });
    await eventually('it has started something', hasStarted, { withinMs: 20_000 });
    await Promise.all([assert.rejects(running, /^Error: did not end within 10 s$/), fake.advance(10_000)]);
    await eventually('nothing of it is left', () => !isThere(), { withinMs: 20_000 });
  });

  it('that nobody waits for any more is ended at once', async () => {
    const { script, isThere, hasStarted } = hangs();
    const left = new AbortController();
    const running = runProgram(program(script), { clock, signal: left.signal });
    await eventually('it has started something', hasStarted, { withinMs: 20_000 });
    left.abort();
    await assert.rejects(running, /was given up/);
    await eventually('nothing of it is left', () => !isThere(), { withinMs: 20_000 });
  });
});
