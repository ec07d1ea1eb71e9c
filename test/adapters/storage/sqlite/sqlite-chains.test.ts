// The chains of an embedded journal: the contract, and what only a file can show.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { TABLES } from '../../../../src/adapters/storage/chain-records.ts';
import { MIGRATIONS } from '../../../../src/adapters/storage/sqlite/file/journal-schema.ts';
import { SqliteJournal } from '../../../../src/adapters/storage/sqlite/sqlite-journal.ts';
import { SqliteJournalReader } from '../../../../src/adapters/storage/sqlite/sqlite-journal-reader.ts';
import { JournalWriter } from '../../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import type { ChainState } from '../../../../src/ports/audit/chain-reader.ts';
import { NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { recordEvents } from '../../../support/fakes/recorded-events.ts';
import { itLinksRecords, provenRecords, type ChainedStore } from '../contracts/chains.ts';
import { closing, issued, NEVER, refused, traced } from './records.ts';

const WAITING = { signal: NEVER };

describe('The chains of an SQLite journal', () => {
  let directory: string;
  let file: string;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'capstan-chains-'));
    file = path.join(directory, 'journal.db');
  });
  afterEach(() => rm(directory, { recursive: true }));

  describe('as a server writes it', () => itLinksRecords(async () => chainedStore(file), { continued: true }));

  const written = (...work: readonly ((writer: JournalWriter) => void)[]): void => {
    const writer = new JournalWriter({ file, server: 'capstan-0' });
    try {
      for (const each of work) each(writer);
    } finally {
      writer.close();
    }
  };
  const states = async (): Promise<readonly ChainState[]> => {
    using reader = await SqliteJournalReader.open(file, WAITING);
    await using chains = await reader.chainsNow(WAITING);
    return await chains.chains(WAITING);
  };
  const proven = async () => {
    using reader = await SqliteJournalReader.open(file, WAITING);
    return await provenRecords(reader);
  };

  it('say who opened them, and when the first record was made', async () => {
    written((writer) => writer.append([issued('a')]));
    const [{ opening } = assert.fail()] = await states();
    assert.match(opening.chain, /^[0-9a-f]{16}$/);
    assert.deepEqual(opening, { chain: opening.chain, kind: 'decision', server: 'capstan-0', openedMs: NOON_MS });
  });

  it('have no link of a batch that was rolled back', async () => {
    written(
      (writer) => writer.append([issued('a')]),
      (writer) => assert.throws(() => writer.append([issued('b'), { ...issued('c'), api: undefined } as never])),
      (writer) => writer.append([issued('d')]),
    );
    assert.deepEqual((await proven()).decision, [issued('a'), issued('d')]);
  });

  it('go on after the process is killed, from the last record that is durable', async () => {
    for (const round of [1, 2, 3]) {
      const child = spawn(process.execPath, [path.join(import.meta.dirname, 'append-forever.ts'), file], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let acknowledged = 0;
      for await (const id of createInterface(child.stdout)) {
        assert.ok(id !== '');
        acknowledged += 1;
        if (acknowledged === 100) child.kill('SIGKILL');
      }
      const { decision } = await proven();
      assert.ok(decision.length >= round * 100);
      const [{ last } = assert.fail(), ...more] = await states();
      assert.deepEqual([last.sequence, more.length], [decision.length, 0]);
    }
  });

  it('fork when an old copy of the file is put back and written', async () => {
    written((writer) => writer.append([issued('a')]));
    copyFileSync(file, `${file}.old`);
    written((writer) => writer.append([issued('b')]));
    const [before] = await states();
    for (const part of ['-wal', '-shm']) rmSync(file + part, { force: true });
    copyFileSync(`${file}.old`, file);
    written((writer) => writer.append([issued('c')]));
    const [after] = await states();
    assert.deepEqual(after?.opening, before?.opening);
    assert.equal(after?.last.sequence, before?.last.sequence);
    assert.notEqual(after?.last.digest, before?.last.digest, 'whoever saw the one head knows that the other is a fork');
  });

  it('leave out what was recorded before there were chains', async () => {
    const old = new DatabaseSync(file);
    for (const step of MIGRATIONS.slice(0, 13)) old.exec(step);
    old.exec(`INSERT INTO decisions (decision_id, time_ms, outcome, api, remote_address)
      VALUES ('old', 1, 'refused', 'csr', '127.0.0.1:1'); PRAGMA application_id = 0x43415053; PRAGMA user_version = 13`);
    old.close();
    const unchained = async () => {
      using reader = await SqliteJournalReader.open(file, WAITING);
      await using chains = await reader.chainsNow(WAITING);
      return await Array.fromAsync(chains.unchained(WAITING), ({ kind, record }) => [
        kind,
        (record as { decisionId: string }).decisionId,
      ]);
    };
    assert.deepEqual(await unchained(), [['decision', 'old']], 'also in a file that was not migrated yet');
    assert.deepEqual(await states(), []);
    written((writer) => writer.append([issued('new')]));
    assert.deepEqual(await unchained(), [['decision', 'old']]);
    assert.deepEqual((await proven()).decision, [issued('new')]);
  });

  it('are told by nobody who may not know all fields of their records', async () => {
    written((writer) => writer.append([issued('a')]));
    const newer = new DatabaseSync(file);
    newer.exec(`ALTER TABLE decisions ADD COLUMN further TEXT; PRAGMA user_version = ${MIGRATIONS.length + 1}`);
    newer.close();
    await assert.rejects(states(), {
      reason: 'CAP-X03',
      message: /what its records are linked by only the newer Capstan can tell/,
    });
  });

  it('show one bit that was changed in any field of any record, to who has seen where they ended', async () => {
    written(
      (writer) => writer.append([full(), refused('b', { count: 2, identity: 'spiffe://cluster.local/ns/a/sa/b' })]),
      (writer) =>
        writer.recordOperation({ timeMs: 1, operation: 'a', was: 'b', is: 'c', details: { actor: 'd', role: 'e' } }),
      (writer) =>
        writer.recordClosings([closing('x', { serviceAccountUid: 'a', lastSeenMs: 7, remoteCluster: 'b' })], undefined),
    );
    await proven();
    const seen = await states();
    const database = new DatabaseSync(file);
    const cells = cellsOf(database);
    assert.ok(cells.length > 60, `${cells.length} cells`);
    try {
      for (const cell of cells) {
        await fc.assert(
          fc.asyncProperty(fc.nat(), async (pick) => {
            const changed = flipped(cell.value, pick);
            if (changed === undefined) return;
            set(database, cell, changed);
            const same = await proven().then(
              async () => isDeepStrictEqual(await states(), seen),
              () => false,
            );
            set(database, cell, cell.value);
            assert.equal(same, false, `${cell.table}.${cell.column}: ${cell.value} as ${changed}`);
          }),
          { numRuns: 4 },
        );
      }
    } finally {
      database.close();
    }
    await proven();
  }).timeout(60_000);
});

async function chainedStore(file: string): Promise<ChainedStore> {
  let writer = await startedJournal(file);
  const reader = await SqliteJournalReader.open(file, WAITING);
  const epoch = async (): Promise<{ readonly epoch: number; readonly signal: AbortSignal }> => ({
    epoch: (await writer.acquire(WAITING)).epoch,
    ...WAITING,
  });
  return {
    journal: {
      record: async (...records) => {
        await Promise.all(records.map(async (record) => writer.append(record, WAITING)));
      },
      recordOperation: async (operation) => writer.recordOperation(operation, WAITING),
      recordClosings: async (closings) => writer.recordClosings(closings, undefined, await epoch()),
      deleteBefore: async (beforeMs, limit) => writer.deleteBefore(beforeMs, limit, await epoch()),
    },
    snapshots: reader,
    async restart() {
      await writer[Symbol.asyncDispose]();
      writer = await startedJournal(file);
    },
    async [Symbol.asyncDispose]() {
      reader[Symbol.dispose]();
      await writer[Symbol.asyncDispose]();
    },
  };
}

async function startedJournal(file: string): Promise<SqliteJournal> {
  const journal = new SqliteJournal({ clock: new SystemClock(), events: recordEvents() }, { file });
  await journal.start(WAITING);
  return journal;
}

/** A record that has every field. */
function full() {
  return issued('a', {
    ...{ policy: traced(), proofId: 'p', provenAtMs: 1, issuerName: 'prod', trustAnchor: 'ab', bundle: 'cd' },
    ...{ presentedAnchor: 'ef', remoteCluster: 'east', cluster: 'west', attestation: { serviceAccountUid: 'sa' } },
  });
}

interface Cell {
  readonly table: string;
  readonly column: string;
  readonly id: number;
  readonly value: string | number;
}

/** Everything that is stored of records and of their places; the number of a row is SQLite's own. */
function cellsOf(database: DatabaseSync): readonly Cell[] {
  return Object.values(TABLES).flatMap((table) =>
    database
      .prepare(`SELECT * FROM ${table}`)
      .all()
      .flatMap(({ id, ...row }) =>
        Object.entries(row).flatMap(([column, value]) =>
          value === null || value === '' ? [] : [{ table, column, id: Number(id), value: value as string | number }],
        ),
      ),
  );
}

/** @returns the value with one bit changed; nothing where that is no text. */
function flipped(value: string | number, pick: number): string | number | undefined {
  if (typeof value === 'number') return value ^ (1 << (pick % 20));
  const bytes = Buffer.from(value);
  const at = pick % bytes.length;
  bytes[at] = bytes[at]! ^ (1 << (pick % 7));
  const text = bytes.toString();
  return Buffer.from(text).equals(bytes) ? text : undefined;
}

function set(database: DatabaseSync, { table, column, id }: Cell, value: string | number): void {
  database.exec('PRAGMA ignore_check_constraints = 1');
  database.prepare(`UPDATE ${table} SET ${column} = ? WHERE id = ?`).run(value, id);
}
