// What the port of a ledger promises, of each implementation; shown with that of issuers.
import assert from 'node:assert/strict';
import { NO_LEDGER, moved, type IssuerLedger } from '../../../src/domain/trust/issuer-ledger.ts';
import type { IssuerAct } from '../../../src/domain/trust/issuer-state.ts';
import { UNCHANGED, type Ledgers } from '../../../src/ports/storage/ledgers.ts';
import type { OperationRecord } from '../../../src/ports/storage/operation-journal.ts';

const NEVER = { signal: new AbortController().signal };

/** The ledger after one more act on the same certificate. */
export function ledgerAfter(ledger: IssuerLedger, act: IssuerAct, reason = 'a drill'): IssuerLedger {
  const generation = { issuer: 'default', id: 'a'.repeat(16), keyId: 'b'.repeat(64), notAfterMs: 1e15 };
  const next = moved(ledger, generation, act, 'active', { timeMs: 5, actor: 'local', role: 'security', reason });
  return 'problem' in next ? assert.fail(next.problem) : next.ledger;
}

export function operation(reason = 'a drill'): OperationRecord {
  const details = { actor: 'local', role: 'security', target: 'issuer default', reason };
  return { timeMs: 5, operation: 'issuer suspend', was: 'active', is: 'suspended', details };
}

export interface SharedLedgers {
  /** Two views of one empty ledger, as two processes have them; one twice where only one process may have it. */
  readonly views: readonly [Ledgers<IssuerLedger>, Ledgers<IssuerLedger>];
  /** What has been recorded of its changes. */
  readonly recorded: () => readonly OperationRecord[] | Promise<readonly OperationRecord[]>;
}

export function describeLedgers(what: string, make: () => SharedLedgers | Promise<SharedLedgers>): void {
  describe(`A ledger ${what}`, () => {
    let one: Ledgers<IssuerLedger>;
    let other: Ledgers<IssuerLedger>;
    let recorded: SharedLedgers['recorded'];
    beforeEach(
      async () =>
        ({
          views: [one, other],
          recorded,
        } = await make()),
    );

    it('is empty before the first change, then what was written, and the change is on record', async () => {
      assert.deepEqual(
        [await one.revision(NEVER), await one.read(NEVER)],
        [UNCHANGED, { revision: UNCHANGED, ledger: NO_LEDGER }],
      );
      const next = ledgerAfter(NO_LEDGER, 'suspend');
      const written = await one.replace(UNCHANGED, next, operation(), NEVER);
      assert.ok(written !== undefined && written.number > 0);
      const read = await other.read(NEVER);
      assert.deepEqual(read.ledger, next);
      assert.ok(read.revision.number >= written.number);
      assert.deepEqual(await other.revision(NEVER), read.revision);
      assert.deepEqual(await recorded(), [operation()]);
    });

    it('is not changed by who saw an older one, and nothing of that is on record', async () => {
      const first = ledgerAfter(NO_LEDGER, 'suspend');
      await one.replace(UNCHANGED, first, operation(), NEVER);
      const late = ledgerAfter(NO_LEDGER, 'taint');
      assert.equal(await other.replace(UNCHANGED, late, operation('too late'), NEVER), undefined);
      assert.deepEqual((await other.read(NEVER)).ledger, first);
      assert.deepEqual(await recorded(), [operation()]);
    });

    it('takes one of several changes of one moment', async () => {
      const next = ledgerAfter(NO_LEDGER, 'suspend');
      const tries = Array.from({ length: 8 }, async (_, index) =>
        (index % 2 === 0 ? one : other).replace(UNCHANGED, next, operation(`try ${index}`), NEVER),
      );
      assert.equal((await Promise.all(tries)).filter(Boolean).length, 1);
      assert.equal((await recorded()).length, 1);
    });

    it('goes on from each change', async () => {
      await one.replace(UNCHANGED, ledgerAfter(NO_LEDGER, 'suspend'), operation(), NEVER);
      const { revision, ledger } = await other.read(NEVER);
      const next = ledgerAfter(ledger, 'resume', 'it is over');
      const written = await other.replace(revision, next, operation('it is over'), NEVER);
      assert.ok(written !== undefined);
      assert.deepEqual((await one.read(NEVER)).ledger, next);
      assert.deepEqual(await recorded(), [operation(), operation('it is over')]);
    });

    it('takes nothing that could not be read again, names the field, and stays as it was', async () => {
      const first = ledgerAfter(NO_LEDGER, 'suspend');
      await one.replace(UNCHANGED, first, operation(), NEVER);
      const { revision, ledger } = await other.read(NEVER);
      const next = ledgerAfter(ledger, 'resume', 'x'.repeat(1_001));
      await assert.rejects(one.replace(revision, next, operation('too long'), NEVER), {
        reason: 'CAP-O02',
        message: /the ledger of issuers would have moves\.1\.reason/,
      });
      assert.deepEqual(await other.read(NEVER), { revision, ledger: first });
      assert.deepEqual(await recorded(), [operation()]);
    });

    it('is not changed by a call that was given up before', async () => {
      const reason = new Error('the server stops');
      const change = one.replace(UNCHANGED, ledgerAfter(NO_LEDGER, 'suspend'), operation(), {
        signal: AbortSignal.abort(reason),
      });
      await assert.rejects(change, reason);
      assert.deepEqual((await other.read(NEVER)).ledger, NO_LEDGER);
    });
  });
}
