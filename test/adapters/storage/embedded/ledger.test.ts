import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { relayedLedger, serveLedger } from '../../../../src/adapters/processes/relays/ledger.ts';
import {
  FileLedger,
  ledgerFileOf,
  type KeptLedger,
  type LedgerFile,
  type LedgerHead,
} from '../../../../src/adapters/storage/embedded/file-ledger.ts';
import { JournaledLedger } from '../../../../src/adapters/storage/embedded/journaled-ledger.ts';
import { ISSUER_LEDGER } from '../../../../src/adapters/storage/ledgers/issuer-ledger.ts';
import { AuthorityError } from '../../../../src/domain/errors.ts';
import { NO_LEDGER, type IssuerLedger } from '../../../../src/domain/trust/issuer-ledger.ts';
import type { OperationJournal, OperationRecord } from '../../../../src/ports/storage/operation-journal.ts';
import { UNCHANGED } from '../../../../src/ports/storage/ledgers.ts';
import { describeLedgers, ledgerAfter, operation, type SharedLedgers } from '../../../support/contracts/ledgers.ts';
import { FakeClock, settle } from '../../../support/fakes/fake-clock.ts';
import { linkedPair } from '../../../support/fakes/linked-pair.ts';
import { MemoryLedgers } from '../../../support/memory-ledgers.ts';

type Kept = KeptLedger<IssuerLedger>;

const NEVER = { signal: new AbortController().signal };

class ListedOperations implements OperationJournal {
  readonly records: OperationRecord[] = [];
  full = false;

  async recordOperation(record: OperationRecord): Promise<void> {
    if (this.full) throw new AuthorityError('CAP-S04');
    this.records.push(record);
  }
}

describe('Of an embedded store', () => {
  let directory: string;
  let file: string;
  let journal: ListedOperations;
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'ledger-'));
    file = ledgerFileOf(path.join(directory, 'journal.db'), ISSUER_LEDGER);
    journal = new ListedOperations();
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const over = (ledgerFile: LedgerFile<IssuerLedger>, recordsForOthers = true): JournaledLedger<IssuerLedger> =>
    new JournaledLedger({ file: ledgerFile, journal }, { recordsForOthers });

  function ofWorkers(): readonly [JournaledLedger<IssuerLedger>, JournaledLedger<IssuerLedger>] {
    const kept = new FileLedger(file, ISSUER_LEDGER);
    const relayed = (): LedgerFile<IssuerLedger> => {
      const { supervisor, worker } = linkedPair(new FakeClock());
      serveLedger(supervisor, 'IssuerLedger', kept);
      return relayedLedger<LedgerHead, Kept>(worker, 'IssuerLedger', file);
    };
    return [over(relayed()), over(relayed(), false)];
  }

  const shared = (views: SharedLedgers['views']): SharedLedgers => ({ views, recorded: () => journal.records });
  describeLedgers('of one process in a file', () => {
    const own = over(new FileLedger(file, ISSUER_LEDGER));
    return shared([own, own]);
  });
  describeLedgers('that a supervisor keeps for two workers', () => shared(ofWorkers()));
  describeLedgers('that a test shares', () => {
    const own = new MemoryLedgers(NO_LEDGER, ISSUER_LEDGER);
    return { views: [own, own], recorded: () => own.operations };
  });

  describe('the ledger of issuers', () => {
    it('is the same after a restart, for its user alone to read', async () => {
      const next = ledgerAfter(NO_LEDGER, 'taint');
      await over(new FileLedger(file, ISSUER_LEDGER)).replace(UNCHANGED, next, operation(), NEVER);
      assert.deepEqual((await over(new FileLedger(file, ISSUER_LEDGER)).read(NEVER)).ledger, next);
      assert.equal(statSync(file).mode & 0o777, 0o600);
    });

    it('that is damaged is an error and never an empty one', async () => {
      await over(new FileLedger(file, ISSUER_LEDGER)).replace(
        UNCHANGED,
        ledgerAfter(NO_LEDGER, 'taint'),
        operation(),
        NEVER,
      );
      for (const damage of ['', '{}', readFileSync(file, 'utf8').replace('tainted', 'trusted')]) {
        writeFileSync(file, damage);
        await assert.rejects(over(new FileLedger(file, ISSUER_LEDGER)).read(NEVER), {
          reason: 'CAP-X03',
          message: /journal\.db\.issuers is not the ledger of issuers/,
        });
      }
    });

    it('keeps the record of a change that the journal could not take, for a later look, and gives it once', async () => {
      journal.full = true;
      const next = ledgerAfter(NO_LEDGER, 'suspend');
      await over(new FileLedger(file, ISSUER_LEDGER)).replace(UNCHANGED, next, operation(), NEVER);
      assert.deepEqual(journal.records, []);
      journal.full = false;
      const restarted = over(new FileLedger(file, ISSUER_LEDGER));
      for (let look = 0; look < 4; look += 1) {
        await restarted.revision(NEVER);
        await settle();
      }
      assert.deepEqual(journal.records, [operation()]);
      assert.deepEqual((await restarted.read(NEVER)).ledger, next);
    });

    it('has one of several workers record what another left', async () => {
      const [first, second] = ofWorkers();
      journal.full = true;
      await second.replace(UNCHANGED, ledgerAfter(NO_LEDGER, 'suspend'), operation(), NEVER);
      journal.full = false;
      for (let look = 0; look < 4; look += 1) {
        await Promise.all([first.revision(NEVER), second.revision(NEVER)]);
        await settle();
      }
      assert.deepEqual(journal.records, [operation()]);
    });

    it('stays as it was when it cannot be written', async () => {
      const own = over(new FileLedger(path.join(directory, 'gone', 'journal.db.issuers'), ISSUER_LEDGER));
      const change = own.replace(UNCHANGED, ledgerAfter(NO_LEDGER, 'suspend'), operation(), NEVER);
      await assert.rejects(change, { reason: 'CAP-S04', message: /journal\.db\.issuers/ });
      assert.deepEqual(await own.read(NEVER), { revision: UNCHANGED, ledger: NO_LEDGER });
      assert.deepEqual(journal.records, []);
    });
  });
});
