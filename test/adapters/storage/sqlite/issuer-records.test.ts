import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { JournalWriter } from '../../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import { SqliteIssuanceHistory } from '../../../../src/adapters/storage/sqlite/sqlite-issuance-history.ts';
import type { RecordedIssuer } from '../../../../src/ports/storage/issuer-records.ts';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { NEVER } from './records.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

describe('The issuers of a journal', () => {
  let directory: string;
  let file: string;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'capstan-issuers-'));
    file = path.join(directory, 'journal.sqlite');
  });
  afterEach(() => rm(directory, { recursive: true }));

  const issuer = (id: string, changes: Partial<RecordedIssuer> = {}): RecordedIssuer => ({
    id,
    certificateDer: Buffer.from(`certificate of ${id}`),
    notAfterMs: NOON_MS + 100 * DAY_MS,
    longestLeafMs: DAY_MS,
    ...changes,
  });

  /** As a server does that starts with it, or changes to it. */
  function keep(recorded: RecordedIssuer | readonly RecordedIssuer[], nowMs: number): void {
    const writer = new JournalWriter({ file });
    writer.keepIssuers([recorded].flat(), nowMs);
    writer.close();
  }

  async function knownAt(nowMs: number): Promise<readonly string[]> {
    await using history = new SqliteIssuanceHistory({ clock: new SystemClock() }, file);
    const known = await history.issuersAt(nowMs, { signal: NEVER });
    const texts = known.map(({ certificateDer }) => Buffer.from(certificateDer).toString('utf8'));
    return texts.map((text) => text.replace('certificate of ', '')).sort();
  }

  it('are known until they end, while they sign', async () => {
    keep(issuer('one'), NOON_MS);
    assert.deepEqual(await knownAt(NOON_MS + 100 * DAY_MS), ['one']);
    assert.deepEqual(await knownAt(NOON_MS + 100 * DAY_MS + 1), []);
  });

  it('are known, once another signs, until their last leaf is over', async () => {
    keep(issuer('one'), NOON_MS);
    keep(issuer('two'), NOON_MS + HOUR_MS);
    assert.deepEqual(await knownAt(NOON_MS + HOUR_MS + DAY_MS), ['one', 'two']);
    assert.deepEqual(await knownAt(NOON_MS + HOUR_MS + DAY_MS + 1), ['two']);
  });

  it('gain no time by restarts under the other', async () => {
    keep(issuer('one'), NOON_MS);
    for (let hours = 1; hours < 30; hours += 1) keep(issuer('two'), NOON_MS + hours * HOUR_MS);
    assert.deepEqual(await knownAt(NOON_MS + HOUR_MS + DAY_MS + 1), ['two']);
  });

  it('are remembered with the longest life that leaves ever had, when that is shortened meanwhile', async () => {
    keep(issuer('one', { longestLeafMs: 10 * DAY_MS }), NOON_MS);
    keep(issuer('one', { longestLeafMs: HOUR_MS }), NOON_MS + 1);
    keep(issuer('two', { longestLeafMs: HOUR_MS }), NOON_MS + 2);
    assert.deepEqual(await knownAt(NOON_MS + 10 * DAY_MS), ['one', 'two']);
  });

  it('never outlast their own end', async () => {
    keep(issuer('one', { notAfterMs: NOON_MS + HOUR_MS }), NOON_MS);
    keep(issuer('two'), NOON_MS + 1);
    assert.deepEqual(await knownAt(NOON_MS + HOUR_MS + 1), ['two']);
  });

  it('are known without end while several sign, and each by itself once it signs no more', async () => {
    keep([issuer('one'), issuer('two')], NOON_MS);
    assert.deepEqual(await knownAt(NOON_MS + 100 * DAY_MS), ['one', 'two']);
    keep([issuer('two'), issuer('three')], NOON_MS + HOUR_MS);
    assert.deepEqual(await knownAt(NOON_MS + HOUR_MS + DAY_MS), ['one', 'three', 'two']);
    assert.deepEqual(await knownAt(NOON_MS + HOUR_MS + DAY_MS + 1), ['three', 'two']);
  });

  it('are there again in full when they sign once more', async () => {
    keep(issuer('one'), NOON_MS);
    keep(issuer('two'), NOON_MS + 1);
    keep(issuer('one'), NOON_MS + 2);
    assert.deepEqual(await knownAt(NOON_MS + 90 * DAY_MS), ['one']);
  });
});
