import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { environmentOf, LANES, testFiles } from './lanes.ts';
import { MochaRun } from './mocha-run.ts';
import { AGAIN_AT_MOST, type ReportSettings, reportOf } from './report.ts';

const BODIES = {
  good: "it('holds', () => undefined); it('holds too', () => undefined); it('is not written yet');",
  bad: "it('holds', () => undefined); it('does not', () => { throw new Error('seen'); });",
  empty: '',
  hook: "describe('all', () => { before(() => { throw new Error('seen'); }); it('holds', () => undefined); });",
  starved: "it('holds the second time', () => { if (process.env.TEST_PORTS !== 'alone') throw new Error('seen'); });",
  crashed: "throw new Error('does not even load');",
};

describe('The two lanes of the tests', () => {
  it('run every test file exactly once', () => {
    const files = testFiles();
    assert.ok(files.length > 400);
    for (const file of files) assert.equal(LANES.filter(({ has }) => has(file)).length, 1, file);
    for (const { name, has } of LANES) assert.ok(files.some(has), `${name} has no file`);
  });

  it('never give the same port', () => {
    const [one, other] = LANES.map(({ ports }) => ports);
    assert.ok(one![1] <= other![0] || other![1] <= one![0]);
  });

  it('have an environment in which the server and its commands find nothing that they would take for a setting', () => {
    const names = LANES.flatMap((lane) => Object.keys(environmentOf(lane)));
    assert.deepEqual(new Set(names), new Set(['TEST_PORTS']));
    assert.ok(names.every((name) => !name.startsWith('CAPSTAN_')));
  });

  describe('side by side', () => {
    let folder: string;
    let said: string;
    before(() => {
      folder = mkdtempSync(path.join(tmpdir(), 'capstan-lanes-'));
      for (const [name, body] of Object.entries(BODIES)) writeFileSync(fileOf(name), body);
    });
    after(() => rmSync(folder, { recursive: true }));

    const fileOf = (name: string): string => path.join(folder, `${name}.test.mjs`);
    function report(names: readonly (keyof typeof BODIES)[], settings: Partial<ReportSettings> = {}): Promise<boolean> {
      said = '';
      const runs = names.map((name) => ({ name, run: new MochaRun([fileOf(name)], []) }));
      return reportOf(runs, { mayBeEmpty: false, write: (text) => (said += text.toString()), ...settings });
    }
    const again = (files: readonly string[]): MochaRun => new MochaRun(files, [], { TEST_PORTS: 'alone' });

    it('are well when both are, and say so in one sum', async () => {
      assert.equal(await report(['good', 'good']), true);
      assert.equal(said.split('holds too').length, 3, said);
      assert.match(said, /== tests: all\n {2}4 passing\n {2}2 pending\n {2}0 failing\n$/);
    });

    for (const pair of [
      ['good', 'bad'],
      ['bad', 'good'],
    ] as const) {
      it(`fail when one does: ${pair.join(', ')}`, async () => {
        assert.equal(await report(pair), false);
        assert.match(said, /Error: seen/);
        assert.match(said, / {2}3 passing\n {2}1 pending\n {2}1 failing\n {2}bad failed\n$/);
      });
    }

    it('tell each failure in full behind all that passed, with the file in which it is', async () => {
      await report(['bad', 'good']);
      const end = said.slice(said.indexOf('== failed: bad'));
      assert.match(end, /1 failing[^]+Error: seen[^]+failed in .*bad\.test\.mjs\n[^]+== tests: all\n/);
      await report(['hook', 'good']);
      assert.match(said, /failed in .*hook\.test\.mjs\n/);
    });

    it('are well when what failed holds alone, and say so', async () => {
      assert.equal(await report(['good', 'starved'], { again }), true);
      assert.match(said, /== failed: starved[^]+Error: seen/);
      assert.match(
        said,
        / {2}1 failing\n {2}starved failed\n {2}and held when run again, alone: .*starved\.test\.mjs\n$/,
      );
    });

    it('fail when it fails again', async () => {
      assert.equal(await report(['good', 'bad'], { again }), false);
      assert.equal(said.split('== tests: again').length, 2, said);
      assert.match(said, / {2}bad failed\n$/);
    });

    it('fail when one of them does not load or ran no test, whatever another does the second time', async () => {
      assert.equal(await report(['crashed', 'starved'], { again }), false);
      assert.doesNotMatch(said, /== tests: again/);
      assert.equal(await report(['empty', 'starved'], { again }), false);
    });

    it(`run nothing again when more than ${AGAIN_AT_MOST} files failed`, async () => {
      const many: (keyof typeof BODIES)[] = Array.from({ length: AGAIN_AT_MOST + 1 }, () => 'starved');
      assert.equal(await report(many, { again }), false);
      assert.doesNotMatch(said, /== tests: again/);
    });

    it('fail when one of them does not load', async () => {
      assert.equal(await report(['good', 'crashed']), false);
      assert.match(said, /does not even load/);
      assert.match(said, /crashed failed\n$/);
    });

    it('fail when one of them ran no test, unless tests were chosen', async () => {
      assert.equal(await report(['good', 'empty']), false);
      assert.match(said, /empty ran no test\n$/);
      assert.equal(await report(['good', 'empty'], { mayBeEmpty: true }), true);
    });

    it('fail when one of them is ended from outside', async () => {
      const run = new MochaRun([fileOf('good')], []);
      run.signal('SIGTERM');
      assert.equal((await run.ended()).ok, false);
    });
  });
});
