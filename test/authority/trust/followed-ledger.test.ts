import assert from 'node:assert/strict';
import { FollowedLedger } from '../../../src/authority/trust/followed-ledger.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import { NO_LEDGER, type IssuerLedger } from '../../../src/domain/trust/issuer-ledger.ts';
import { UNCHANGED } from '../../../src/ports/storage/ledgers.ts';
import { ledgerAfter, operation } from '../../support/contracts/ledgers.ts';
import { FakeClock, settle } from '../../support/fakes/fake-clock.ts';
import { MemoryLedgers } from '../../support/memory-ledgers.ts';

const NAMED = { name: 'the ledger of issuers' };

describe('A ledger as one process follows it', () => {
  let clock: FakeClock;
  let ledgers: MemoryLedgers<IssuerLedger>;
  let stop: AbortController;
  beforeEach(() => {
    [clock, ledgers, stop] = [new FakeClock(), new MemoryLedgers(NO_LEDGER), new AbortController()];
  });
  afterEach(() => stop.abort());

  const suspended = ledgerAfter(NO_LEDGER, 'suspend');
  const elsewhere = async (): Promise<unknown> => ledgers.replace(UNCHANGED, suspended, operation(), stop);

  it('is not known before it was read, however long that takes, so that nothing signs by an empty one', async () => {
    await elsewhere();
    ledgers.failure = new AuthorityError('CAP-S04', { detail: 'the database is away' });
    const followed = new FollowedLedger({ ledgers, clock }, NAMED);
    const started = followed.start(stop);
    await settle();
    assert.throws(() => followed.current(), { reason: 'CAP-S04' });
    assert.match(followed.problem ?? '', /the database is away/);
    ledgers.failure = undefined;
    await clock.advance(500);
    await started;
    assert.deepEqual(followed.current(), suspended);
    assert.equal(followed.problem, undefined);
  });

  it('is an error that ends a start where only an operator can mend it', async () => {
    ledgers.failure = new AuthorityError('CAP-X03', { detail: 'journal.db.issuers is not the ledger' });
    await assert.rejects(new FollowedLedger({ ledgers, clock }, NAMED).start(stop), { reason: 'CAP-X03' });
  });

  it('goes by what the store has also when that was set back, and by what is decided after that', async () => {
    const followed = new FollowedLedger({ ledgers, clock }, NAMED);
    ledgers.setBack({ revision: { number: 50 }, ledger: NO_LEDGER });
    await followed.start(stop);
    ledgers.setBack({ revision: { number: 40 }, ledger: NO_LEDGER });
    await followed.change((ledger) => ({ ledger: ledgerAfter(ledger, 'suspend'), operation: operation() }), stop);
    assert.deepEqual(followed.current(), suspended, 'an act is in force when it was done');
    ledgers.setBack({ revision: { number: 30 }, ledger: ledgerAfter(NO_LEDGER, 'taint') });
    await clock.advance(2_000);
    assert.deepEqual(followed.current(), ledgerAfter(NO_LEDGER, 'taint'));
  });

  it('goes by what the store has also where that was set back and has come as far with another ledger', async () => {
    const followed = new FollowedLedger({ ledgers, clock }, NAMED);
    ledgers.setBack({ revision: { number: 7, digest: 'a' }, ledger: suspended });
    await followed.start(stop);
    ledgers.setBack({ revision: { number: 7, digest: 'b' }, ledger: ledgerAfter(NO_LEDGER, 'taint') });
    await clock.advance(2_000);
    assert.deepEqual(followed.current(), ledgerAfter(NO_LEDGER, 'taint'));
    await clock.advance(2_000);
    assert.equal(ledgers.reads, 2);
  });

  it('shows what another process changed within two seconds, once', async () => {
    const followed = new FollowedLedger({ ledgers, clock }, NAMED);
    await followed.start(stop);
    let changes = 0;
    followed.onChange(() => (changes += 1), stop);
    await elsewhere();
    await clock.advance(2_000);
    assert.deepEqual([followed.current(), changes], [suspended, 1]);
    await clock.advance(2_000);
    assert.equal(changes, 1);
    // The whole of it is read when there is another: at the start, and once since.
    assert.equal(ledgers.reads, 2);
  });

  it('stays as it was known while it cannot be read, and says so', async () => {
    await elsewhere();
    const followed = new FollowedLedger({ ledgers, clock }, NAMED);
    await followed.start(stop);
    ledgers.failure = new AuthorityError('CAP-S04');
    await clock.advance(2_000);
    assert.deepEqual(followed.current(), suspended);
    assert.match(followed.problem ?? '', /CAP-S04/);
  });

  it('is changed on what it is then, not on what was known, and the others are told before it returns', async () => {
    const told: string[] = [];
    const spread = async (): Promise<void> => void told.push('others');
    const followed = new FollowedLedger({ ledgers, clock, spread }, NAMED);
    await followed.start(stop);
    await elsewhere();
    const { ledger } = await followed.change(
      (known) => ({ ledger: ledgerAfter(known, 'resume', 'it is over'), operation: operation('it is over') }),
      stop,
    );
    assert.deepEqual([ledger.moves.map(({ to }) => to), told], [['suspended', 'active'], ['others']]);
    assert.deepEqual(followed.current(), ledger);
  });

  it('is as it was when a change throws, and is changed also where the others cannot be told', async () => {
    const spread = async (): Promise<void> => assert.fail('they are gone');
    const followed = new FollowedLedger({ ledgers, clock, spread }, NAMED);
    await followed.start(stop);
    const refuse = (): never => {
      throw new AuthorityError('CAP-O03');
    };
    await assert.rejects(followed.change(refuse, stop), { reason: 'CAP-O03' });
    assert.deepEqual(ledgers.operations, []);
    await followed.change((known) => ({ ledger: ledgerAfter(known, 'suspend'), operation: operation() }), stop);
    assert.deepEqual(followed.current(), suspended);
  });
});
