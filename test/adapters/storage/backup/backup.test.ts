import assert from 'node:assert/strict';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { backUp, restore, type Copying } from '../../../../src/adapters/storage/backup/copying.ts';
import { copySqliteStore } from '../../../../src/adapters/storage/backup/copied-sqlite-store.ts';
import { ledgersBeside } from '../../../../src/adapters/storage/backup/ledgers-beside.ts';
import { RestoredSqliteStore } from '../../../../src/adapters/storage/backup/restored-sqlite-store.ts';
import { planSlots, slotFile } from '../../../../src/adapters/storage/slots/journal-slots.ts';
import { StoreReader } from '../../../../src/adapters/storage/slots/store-reader.ts';
import { JournalLock } from '../../../../src/adapters/storage/sqlite/file/journal-lock.ts';
import { SqliteJournalReader } from '../../../../src/adapters/storage/sqlite/sqlite-journal-reader.ts';
import { JournalWriter } from '../../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import { NO_LEDGER } from '../../../../src/domain/trust/issuer-ledger.ts';
import { NO_ANCHORS } from '../../../../src/domain/trust/rotation/anchor-ledger.ts';
import type { PolicyBundleState, RollbackState } from '../../../../src/ports/policy/policy-bundle-state.ts';
import type { DecisionRecord } from '../../../../src/ports/storage/issuance-journal.ts';
import type { RecordedIssuer } from '../../../../src/ports/storage/issuer-records.ts';
import { NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { closing, issued, NEVER, refused, traced } from '../sqlite/records.ts';

const WAITING = { signal: NEVER };
const NOW = { nowMs: NOON_MS, signal: NEVER };
const DAY_MS = 86_400_000;
const OPERATION = { timeMs: NOON_MS, operation: 'bundle reset-time', was: 'then', is: 'now' };
const CLOSING = closing('8a1f', { serviceAccountUid: 'sa-1' });
const RECORDS = [
  issued('a', { policy: traced(), proofId: 'a', provenAtMs: NOON_MS }),
  refused('b', { timeMs: NOON_MS + 1, count: 3 }),
  issued('c', { timeMs: NOON_MS + 2 }),
];
import { provenLinks } from '../contracts/chains.ts';

describe('A backup of an SQLite store', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'capstan-backup-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const at = (name: string): string => path.join(folder, name);
  const copying = (bundleState?: Copying['bundleState']): Copying => ({
    file: at('backup'),
    bundleState,
    reach: () => undefined,
  });
  const issuer = (id: string, notAfterMs = NOON_MS + 9 * DAY_MS): RecordedIssuer => ({
    id,
    certificateDer: Buffer.from(id),
    notAfterMs,
    longestLeafMs: DAY_MS,
  });

  function write(file: string, records: readonly DecisionRecord[]): void {
    const writer = new JournalWriter({ file });
    writer.append(records);
    writer.close();
  }

  async function backedUp(file: string, bundleState?: Copying['bundleState']) {
    await using store = await copySqliteStore(file, WAITING);
    return await backUp(store, copying(bundleState), NOW);
  }

  async function restored(file: string, bundleState?: Copying['bundleState']) {
    await using store = RestoredSqliteStore.open(file);
    return await restore(store, copying(bundleState), WAITING);
  }

  async function readAll(file: string): Promise<readonly DecisionRecord[]> {
    using reader = await StoreReader.open(file, WAITING);
    return await Array.fromAsync(reader.scan({}, WAITING));
  }

  async function chainsOf(file: string) {
    using reader = await StoreReader.open(file, WAITING);
    await using chains = await reader.chainsNow(WAITING);
    const states = await chains.chains(WAITING);
    return await Promise.all(states.map(async (state) => ({ state, records: await provenLinks(chains, state) })));
  }

  function issuersIn(file: string): readonly unknown[] {
    using database = new DatabaseSync(file, { readOnly: true });
    return database.prepare('SELECT id, until_ms AS untilMs FROM issuers ORDER BY id').all();
  }

  it('brings everything back into a store that is lost, and is a journal that can be listed', async () => {
    const writer = new JournalWriter({ file: at('journal') });
    writer.append(RECORDS);
    writer.recordOperation(OPERATION);
    writer.recordClosings([CLOSING], { untilMs: NOON_MS });
    writer.keepIssuers([issuer('one')], NOON_MS);
    writer.close();
    const counts = { decisions: 3, closings: 1, operations: 1, issuers: 1, bans: 0, bundleState: undefined };
    assert.deepEqual(await backedUp(at('journal')), counts);
    assert.equal(statSync(at('backup')).mode & 0o777, 0o600);
    for (const name of readdirSync(folder)) if (name !== 'backup') rmSync(at(name));
    assert.deepEqual(await restored(at('journal')), counts);
    assert.deepEqual(await readAll(at('journal')), RECORDS);
    using reader = await StoreReader.open(at('journal'), WAITING);
    assert.deepEqual(await reader.operations({ limit: 9 }, WAITING), [OPERATION]);
    assert.deepEqual(await reader.closings({ limit: 9 }, WAITING), [CLOSING]);
    assert.equal((await restored(at('journal'))).closings, 0, 'and not twice');
    assert.deepEqual({ ...(issuersIn(at('journal'))[0] as object) }, { id: 'one', untilMs: NOON_MS + 9 * DAY_MS });
    using database = new DatabaseSync(at('journal'), { readOnly: true });
    const indexes = database.prepare("SELECT name FROM sqlite_schema WHERE name = 'decisions_by_refusal'").all();
    assert.equal(indexes.length, 1, 'with all indexes of this version');
    using lock = JournalLock.take(at('journal'));
    assert.equal(lock.found, 'closed', 'and a server starts with it as after a stop in order');
    using listed = await SqliteJournalReader.open(at('backup'), WAITING);
    assert.deepEqual(await listed.list({ limit: 9 }, WAITING), RECORDS.toReversed());
  });

  it('brings records back in the chains that prove them, which the store then leaves alone', async () => {
    const file = at('journal');
    const writer = new JournalWriter({ file });
    const at9 = issued('last', { timeMs: NOON_MS + 9 });
    writer.append([...RECORDS, at9]);
    writer.recordOperation(OPERATION);
    writer.recordClosings([CLOSING], { untilMs: NOON_MS });
    writer.deleteBefore(NOON_MS + 9, 2, Infinity);
    writer.close();
    const before = await chainsOf(file);
    await backedUp(file);
    for (const name of readdirSync(folder)) if (name !== 'backup') rmSync(at(name));
    write(file, [issued('since the loss', { timeMs: NOON_MS + 20 })]);
    await restored(file);
    await restored(file);
    write(file, [issued('after', { timeMs: NOON_MS + 30 })]);
    const after = await chainsOf(file);
    assert.deepEqual(
      before,
      after.filter(({ state: { opening } }) => before.some(({ state }) => state.opening.chain === opening.chain)),
    );
    const [own, ...more] = after.filter(({ state: { opening } }) => opening.openedMs === NOON_MS + 20);
    assert.equal(more.length, 0);
    assert.deepEqual(own?.records, [
      issued('since the loss', { timeMs: NOON_MS + 20 }),
      issued('after', { timeMs: NOON_MS + 30 }),
    ]);
  });

  it('has the heads that were made of the journal, which come back in their order and once, and never behind others', async () => {
    const file = at('journal');
    const heads = ['a', 'b', 'c'].map((name, at) => ({ timeMs: NOON_MS + at, digest: name.repeat(64), text: name }));
    const keep = (kept: typeof heads): void => {
      const writer = new JournalWriter({ file });
      writer.keepHeads(kept);
      writer.close();
    };
    const kept = async (): Promise<string> => {
      using reader = await StoreReader.open(file, WAITING);
      return (await Array.fromAsync(reader.heads({}, WAITING), ({ text }) => text)).join('');
    };
    const lose = (): void => {
      for (const name of readdirSync(folder)) if (name !== 'backup') rmSync(at(name));
    };
    keep(heads);
    await backedUp(file);
    lose();
    await restored(file);
    await restored(file);
    assert.equal(await kept(), 'abc');
    lose();
    keep(heads.slice(0, 1));
    await restored(file);
    assert.equal(await kept(), 'abc', 'one that was interrupted goes on');
    lose();
    keep([{ timeMs: NOON_MS, digest: 'd'.repeat(64), text: 'd' }]);
    await restored(file);
    assert.equal(await kept(), 'd', 'a store goes on with its own');
  });

  it('has what proxies acknowledged, of all slots; a later note in the store stays', async () => {
    const journal = at('journal');
    planSlots(journal, 2, false);
    const of = { identity: 'spiffe://cluster.local/ns/default/sa/demo', podUid: 'a', timeMs: NOON_MS };
    const note = (slot: number, proxy: string, seenMs: number, bundle: string): void => {
      const writer = new JournalWriter({ file: slotFile(journal, slot) });
      const bundles = [{ digest: bundle, anchors: ['ab'] }];
      writer.recordEvidence({ bundles, proxies: [{ ...of, proxy, seenMs, bundle }] });
      writer.close();
    };
    note(1, 'one', NOON_MS, 'first');
    note(2, 'two', NOON_MS, 'first');
    await backedUp(journal);
    for (const name of readdirSync(folder)) if (name !== 'backup') rmSync(at(name));
    planSlots(journal, 2, false);
    note(1, 'one', NOON_MS + 1, 'second');
    await restored(journal);
    using database = new DatabaseSync(slotFile(journal, 1), { readOnly: true });
    const proxies = database.prepare('SELECT proxy, bundle FROM proxies ORDER BY proxy').all();
    assert.deepEqual(
      proxies.map((row) => ({ ...row })),
      [
        { proxy: 'one', bundle: 'second' },
        { proxy: 'two', bundle: 'first' },
      ],
    );
    assert.equal(database.prepare('SELECT digest FROM bundles').all().length, 2);
  });

  it('has what operators decided, and a restore takes none of that back', async () => {
    const journal = at('journal');
    write(journal, RECORDS);
    const by = { timeMs: NOON_MS, actor: 'local', role: 'security', reason: 'a drill' };
    const ban = (id: string) => ({
      ...by,
      id: id.repeat(16),
      target: { kind: 'namespace', namespace: `shop-${id}` } as const,
      leavesUntilMs: NOON_MS + DAY_MS,
    });
    const tainted = { issuer: 'default', id: 'a'.repeat(16), keyId: 'b'.repeat(64), notAfterMs: NOON_MS + DAY_MS };
    const issuers = { moves: [{ ...tainted, ...by, from: 'active', to: 'tainted' } as const], pending: [] };
    const anchor = { sha256: 'c'.repeat(64), subject: 'CN=old', notAfterMs: NOON_MS + DAY_MS };
    const anchors = { kept: [], retired: [{ ...anchor, ...by }], left: [], pending: [] };
    const ledgers = ledgersBeside(journal);
    await ledgers.replace({ issuers, anchors, bans: { bans: [ban('1')], pending: [] } }, WAITING);
    assert.equal((await backedUp(journal)).bans, 1);
    for (const name of readdirSync(folder)) if (name !== 'backup') rmSync(at(name));
    const since = { issuers: NO_LEDGER, anchors: NO_ANCHORS, bans: { bans: [ban('2')], pending: [] } };
    await ledgersBeside(journal).replace(since, WAITING);
    assert.equal((await restored(journal)).bans, 1);
    const expected = { issuers, anchors, bans: { bans: [ban('2'), ban('1')], pending: [] } };
    assert.deepEqual(await ledgersBeside(journal).read(WAITING), expected);
    const text = readFileSync(at('journal.bans'), 'utf8');
    assert.equal((await restored(journal)).bans, 0);
    assert.equal(readFileSync(at('journal.bans'), 'utf8'), text, 'and the second time changes nothing');
    writeFileSync(at('journal.bans'), 'damaged');
    await assert.rejects(restored(journal), (error: Error) =>
      /journal.bans is not the ledger of bans/.test(error.message),
    );
    rmSync(at('journal.bans'));
    assert.equal((await restored(journal)).bans, 1, 'which is how a damaged one is mended');
  });

  it('has the journals of all slots, and what each lacks is added once', async () => {
    const journal = at('journal');
    planSlots(journal, 2, false);
    write(slotFile(journal, 1), RECORDS.slice(0, 1));
    write(slotFile(journal, 2), RECORDS.slice(1));
    assert.equal((await backedUp(journal)).decisions, 3);
    assert.equal((await restored(journal)).decisions, 0);
    assert.deepEqual(await readAll(journal), RECORDS);
    {
      using supervisor = JournalLock.take(journal);
      assert.equal(supervisor.found, 'none', 'none of the processes writes the file itself');
      await assert.rejects(restored(journal), (error: Error) => /is in use by another Capstan/.test(error.message));
    }
    rmSync(slotFile(journal, 1));
    assert.equal((await restored(journal)).decisions, 1, 'also where one journal is lost');
    assert.deepEqual(await readAll(journal), RECORDS);
  });

  it('takes nothing away: of an issuer the longer memory counts, and later records stay', async () => {
    const file = at('journal');
    const kept = new JournalWriter({ file });
    kept.append(RECORDS);
    kept.keepIssuers([issuer('one'), issuer('two')], NOON_MS);
    await backedUp(file);
    kept.append([issued('later', { timeMs: NOON_MS + 9 })]);
    kept.keepIssuers([issuer('two', NOON_MS + 20 * DAY_MS)], NOON_MS);
    kept.close();
    await restored(file);
    assert.equal((await readAll(file)).length, 4);
    assert.deepEqual(
      issuersIn(file).map((row) => ({ ...(row as object) })),
      [
        { id: 'one', untilMs: NOON_MS + 9 * DAY_MS },
        { id: 'two', untilMs: NOON_MS + 20 * DAY_MS },
      ],
    );
  });

  it('is not put back into a store that a server has', async () => {
    write(at('journal'), RECORDS);
    await backedUp(at('journal'));
    using lock = JournalLock.take(at('journal'));
    assert.ok(lock.epoch > 0);
    await assert.rejects(restored(at('journal')), (error: Error) => /is in use by another Capstan/.test(error.message));
  });

  it('is not put back into one by the name of a link either', async () => {
    write(at('journal'), RECORDS);
    await backedUp(at('journal'));
    symlinkSync(at('journal'), at('link'));
    using lock = JournalLock.take(at('journal'));
    assert.ok(lock.epoch > 0);
    await assert.rejects(restored(at('link')), (error: Error) => /is in use by another Capstan/.test(error.message));
  });

  it('leaves it to the next server to look through what the last one did not close', async () => {
    write(at('journal'), RECORDS);
    await backedUp(at('journal'));
    {
      using crashed = JournalLock.take(at('journal'));
      crashed.begin();
    }
    await restored(at('journal'));
    using lock = JournalLock.take(at('journal'));
    assert.equal(lock.found, 'open');
  });

  it('overwrites no file, and leaves none behind when it is interrupted', async () => {
    write(at('journal'), RECORDS);
    await backedUp(at('journal'));
    await assert.rejects(backedUp(at('journal')), (error: Error) => /is there already/.test(error.message));
    rmSync(at('backup'));
    await using store = await copySqliteStore(at('journal'), WAITING);
    const interrupted = { nowMs: NOON_MS, signal: AbortSignal.abort(new Error('interrupted')) };
    await assert.rejects(backUp(store, copying(), interrupted), /interrupted/);
    assert.deepEqual([existsSync(at('backup')), existsSync(at('backup.part'))], [false, false]);
  });

  it('is refused when it is damaged, or no backup', async () => {
    write(at('journal'), RECORDS);
    await backedUp(at('journal'));
    truncateSync(at('backup'), statSync(at('backup')).size - 4_096);
    await assert.rejects(restored(at('other')), { reason: 'CAP-X03' });
    rmSync(at('backup'));
    write(at('backup'), RECORDS);
    await assert.rejects(restored(at('other')), (error: Error) => /is a journal, and no backup/.test(error.message));
    assert.deepEqual(existsSync(at('other')) ? await readAll(at('other')) : [], []);
  });

  it('is whole or not there when two are made at once, and the later one says that there is one', async () => {
    write(at('journal'), RECORDS);
    await using store = await copySqliteStore(at('journal'), WAITING);
    const both = [backUp(store, copying(), NOW), backUp(store, copying(), NOW)];
    const [one, other] = await Promise.allSettled(both);
    const failed = [one, other].flatMap((result) => (result?.status === 'rejected' ? [String(result.reason)] : []));
    assert.equal(failed.length, 1);
    assert.match(failed[0] ?? '', /CAP-X03 .*backup is there already/);
    assert.equal((await restored(at('other'))).decisions, RECORDS.length);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.endsWith('.part')),
      [],
    );
  });

  describe('with the rollback state of policy bundles', () => {
    const state = (sequence: number, changes: Partial<RollbackState> = {}): RollbackState => ({
      name: 'corp',
      sequence,
      digest: String(sequence).repeat(64),
      latestSeenMs: NOON_MS + sequence,
      ...changes,
    });

    /** In memory. */
    function keeping(known: RollbackState | undefined): Pick<PolicyBundleState, 'read' | 'update'> {
      let now = known;
      return {
        read: async () => now,
        update: async (change) => (now = change(now) ?? now),
      };
    }

    async function after(known: RollbackState | undefined, inBackup: RollbackState | undefined) {
      write(at('journal'), RECORDS);
      await backedUp(at('journal'), keeping(inBackup));
      const target = keeping(known);
      await restored(at('journal'), target);
      return await target.read(WAITING);
    }

    const cases: readonly [string, RollbackState | undefined, RollbackState | undefined, RollbackState | undefined][] =
      [
        ['is that of the backup where there is none', undefined, state(2), state(2)],
        ['stays where the backup has none', state(3), undefined, state(3)],
        ['stays where it is newer', state(3), state(2), state(3)],
        ['becomes the newer one', state(2), state(3), state(3)],
        [
          'has the latest time of both',
          state(3, { latestSeenMs: 1 }),
          state(2),
          state(3, { latestSeenMs: NOON_MS + 2 }),
        ],
        [
          'stays under another name',
          state(1, { name: 'new' }),
          state(2),
          state(1, { name: 'new', latestSeenMs: NOON_MS + 2 }),
        ],
      ];
    for (const [what, known, inBackup, expected] of cases) {
      it(what, async () => assert.deepEqual(await after(known, inBackup), expected));
    }
  });
});
