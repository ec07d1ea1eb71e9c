import assert from 'node:assert/strict';
import { JournalWriter } from '../../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import { NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { HOUR_MS } from '../../../support/policy/recorded-decisions.ts';
import { PolicyFiles } from '../../support/policy-files.ts';

describe('capstan journal operations', () => {
  async function filesWith(times: readonly number[]): Promise<PolicyFiles> {
    const files = await PolicyFiles.make({}, []);
    const writer = new JournalWriter({ file: files.path('journal.db') });
    for (const timeMs of times) {
      const [was, is] = [timeMs + HOUR_MS, timeMs].map((ms) => new Date(ms).toISOString()) as [string, string];
      writer.recordOperation({ timeMs, operation: 'bundle reset-time', was, is });
    }
    writer.close();
    return files;
  }
  const ask = async (files: PolicyFiles, ...more: readonly string[]) =>
    files.run('journal', 'operations', '--journal', '@journal.db', ...more);

  it('lists them newest first, with what was and what is', async () => {
    await using files = await filesWith([NOON_MS - HOUR_MS, NOON_MS]);
    const { code, out } = await ask(files);
    assert.equal(code, 0);
    const [head, ...rows] = out.trimEnd().split('\n');
    assert.match(head!, /^TIME +OPERATION +WAS +IS +BY +TARGET +REASON$/);
    const was = [NOON_MS + HOUR_MS, NOON_MS].map((ms) => new Date(ms).toISOString());
    assert.deepEqual(
      rows.map((row) => row.includes('bundle reset-time') && was.findIndex((time) => row.includes(`  ${time}  `))),
      [0, 1],
    );
  });

  it('writes them as JSON, no older and no more than asked for', async () => {
    await using files = await filesWith([NOON_MS - HOUR_MS, NOON_MS]);
    const newest = {
      time: new Date(NOON_MS).toISOString(),
      operation: 'bundle reset-time',
      was: new Date(NOON_MS + HOUR_MS).toISOString(),
      is: new Date(NOON_MS).toISOString(),
    };
    for (const more of [
      ['--limit', '1'],
      ['--since', newest.time],
    ]) {
      assert.deepEqual(JSON.parse((await ask(files, '--output', 'json', ...more)).out), [newest]);
    }
  });

  it('says that there are none', async () => {
    await using files = await filesWith([]);
    assert.equal((await ask(files)).out, 'No operations.\n');
    assert.equal((await ask(files, '--output', 'json')).out, '[]\n');
  });
});
