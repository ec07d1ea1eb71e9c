// The history of a store of several journals, as a server asks for it: through the thread that reads.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { planSlots, slotFile, slotsFileOf } from '../../../../src/adapters/storage/slots/journal-slots.ts';
import { SqliteIssuanceHistory } from '../../../../src/adapters/storage/sqlite/sqlite-issuance-history.ts';
import { JournalWriter } from '../../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import type { AuthorityError } from '../../../../src/domain/errors.ts';
import type { RecordedIssuer } from '../../../../src/ports/storage/issuer-records.ts';
import type { DecisionRecord } from '../../../../src/ports/storage/issuance-journal.ts';
import { NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { closing, issued, NEVER } from '../sqlite/records.ts';

const WAITING = { signal: NEVER };
const DEMO = 'spiffe://cluster.local/ns/default/sa/demo';
const HOUR_MS = 3_600_000;

describe('The history of several journals', () => {
  let directory: string;
  let file: string;
  let history: SqliteIssuanceHistory;

  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'capstan-history-'));
    file = path.join(directory, 'journal.sqlite');
    planSlots(file, 2, false);
    history = new SqliteIssuanceHistory({ clock: new SystemClock() }, file);
  });
  afterEach(async () => {
    await history[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  function inSlot(slot: number, write: (writer: JournalWriter) => void): void {
    const writer = new JournalWriter({ file: slotFile(file, slot) });
    write(writer);
    writer.close();
  }
  const record = (slot: number, ...records: readonly DecisionRecord[]): void =>
    inSlot(slot, (writer) => writer.append(records));

  it('knows the certificate that an identity got last, whichever process issued it', async () => {
    record(1, issued('newest', { timeMs: NOON_MS - 1, notAfterMs: NOON_MS + HOUR_MS }));
    record(2, issued('older', { timeMs: NOON_MS - 2, notAfterMs: NOON_MS + 9 * HOUR_MS }));
    const issuedMs = async (atMs: number): Promise<number | undefined> =>
      (await history.currentCertificateOf(DEMO, atMs, WAITING))?.issuedMs;
    assert.equal(await issuedMs(NOON_MS), NOON_MS - 1);
    assert.equal(await issuedMs(NOON_MS + HOUR_MS), NOON_MS - 2, 'once that one has ended');
    record(2, issued('last', { timeMs: NOON_MS, notAfterMs: NOON_MS + HOUR_MS }));
    assert.equal(await issuedMs(NOON_MS), NOON_MS, 'and what another process issues meanwhile');
  });

  it('finds the record of a leaf in whichever journal has it', async () => {
    record(2, issued('a', { serial: '7f00ab', proofId: 'first', provenAtMs: 1 }));
    const leaf = { identity: DEMO, serial: '7f00ab', notAfterMs: NOON_MS + HOUR_MS };
    assert.deepEqual((await history.recordOf(leaf, WAITING))?.lineage, { id: 'first', provenAtMs: 1 });
    assert.equal(await history.recordOf({ ...leaf, serial: '7f00ac' }, WAITING), undefined);
  });

  it('knows each issuer until its last leaf of any journal is over', async () => {
    const issuer = (id: string): RecordedIssuer => ({
      id,
      certificateDer: Buffer.from(id),
      notAfterMs: NOON_MS + 9 * HOUR_MS,
      longestLeafMs: HOUR_MS,
    });
    inSlot(1, (writer) => writer.keepIssuers([issuer('a')], NOON_MS));
    inSlot(2, (writer) => writer.keepIssuers([issuer('a'), issuer('b')], NOON_MS));
    inSlot(1, (writer) => writer.keepIssuers([], NOON_MS));
    const known = (await history.issuersAt(NOON_MS, WAITING)).map(
      ({ certificateDer, untilMs }) => [Buffer.from(certificateDer).toString(), untilMs] as const,
    );
    assert.deepEqual(known.sort(), [
      ['a', NOON_MS + 9 * HOUR_MS],
      ['b', NOON_MS + 9 * HOUR_MS],
    ]);
  });

  it('answers nothing rather than from what is left, when one of them cannot be read', async () => {
    record(1, issued('a'));
    rmSync(slotFile(file, 2));
    await assert.rejects(history.currentCertificateOf(DEMO, NOON_MS, WAITING), {
      reason: 'CAP-S04',
      detail: `the journal ${slotFile(file, 2)} does not exist`,
    });
  });

  it('names the list when that is what cannot be read', async () => {
    writeFileSync(slotsFileOf(file), '{}');
    await assert.rejects(history.currentCertificateOf(DEMO, NOON_MS, WAITING), (error: unknown) => {
      assert.match(String((error as AuthorityError).detail), /slots is no list of journals that this Capstan knows/);
      return true;
    });
  });

  it('knows what pods were given and which are closed, whichever process issued and recorded it', async () => {
    const attestation = { serviceAccountUid: 'sa-1' };
    record(1, issued('a', { attestation, podUid: 'a', serial: '01', timeMs: NOON_MS }));
    record(2, issued('b', { attestation, podUid: 'a', serial: '02', timeMs: NOON_MS + 1, notAfterMs: NOON_MS + 1 }));
    inSlot(1, (writer) => writer.recordClosings([closing('a')], { untilMs: NOON_MS }));
    inSlot(2, (writer) => writer.recordClosings([closing('b')], { untilMs: NOON_MS + 1 }));
    const given = await history.issuedTo({ identity: DEMO, podUids: ['a'] }, WAITING);
    assert.deepEqual(
      given.map(({ serial }) => serial),
      ['01', '02'],
    );
    const page = await history.issuedBetween({ fromMs: NOON_MS, toMs: NOON_MS + 9 }, WAITING);
    assert.deepEqual([page.issuances.length, page.untilMs], [2, NOON_MS + 9]);
    const closed = await history.closedPods(['a', 'b', 'c'], WAITING);
    assert.deepEqual(
      closed.map(({ podUid }) => podUid),
      ['a', 'b'],
    );
    assert.deepEqual(await history.followedUntil(undefined, WAITING), { untilMs: NOON_MS + 1 });
  });
});
