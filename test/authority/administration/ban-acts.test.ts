import assert from 'node:assert/strict';
import { BanActs, type AskedBan } from '../../../src/authority/administration/ban-acts.ts';
import type { Operator } from '../../../src/authority/administration/issuer-acts.ts';
import { FollowedLedger } from '../../../src/authority/trust/followed-ledger.ts';
import { OWN_CLUSTER } from '../../../src/domain/revocation/ban.ts';
import { NO_BANS, type BanLedger } from '../../../src/domain/revocation/ban-ledger.ts';
import type { GuardedOperation } from '../../../src/domain/policy/documents.ts';
import { fakePolicies } from '../../support/authority-parts.ts';
import { FakeClock } from '../../support/fakes/fake-clock.ts';
import { recordEvents, type RecordedEvents } from '../../support/fakes/recorded-events.ts';
import { MemoryLedgers } from '../../support/memory-ledgers.ts';
import { bundle, policySet } from '../../support/policy/policies.ts';

const HOUR_MS = 3_600_000;
const ALICE: Operator = { actor: 'CN:alice', role: 'security', local: false };
const BOB: Operator = { actor: 'CN:bob', role: 'security', local: false };
const LOCAL: Operator = { actor: 'local', role: 'security', local: true };
const ASKED: AskedBan = { target: { node: 'worker-3' }, reason: 'a drill', dryRun: false };

describe('What operators revoke', () => {
  let clock: FakeClock;
  let ledgers: MemoryLedgers<BanLedger>;
  let twoPersons: readonly GuardedOperation[];
  let events: RecordedEvents;
  let acts: BanActs;
  let stop: AbortController;
  beforeEach(async () => {
    [clock, ledgers, twoPersons, events] = [new FakeClock(), new MemoryLedgers(NO_BANS), [], recordEvents()];
    stop = new AbortController();
    acts = await actsOn();
  });
  afterEach(() => stop.abort());

  /** Of a server on the same store. */
  async function actsOn(): Promise<BanActs> {
    const ledger = new FollowedLedger({ ledgers, clock }, { name: 'the ledger of bans' });
    await ledger.start(stop);
    const targets = { of: async () => ({ kind: 'node', node: 'worker-3', cluster: OWN_CLUSTER }) as const };
    const effects = { of: async () => ({ othersWithinMs: 0 }) };
    const policies = { current: () => fakePolicies(policySet(bundle({ twoPersons }))).current() };
    return new BanActs({ ledger, targets, effects, policies, clock, events }, { longestLeafMs: 24 * HOUR_MS });
  }

  const needTwo = (...operations: readonly GuardedOperation[]): void => void (twoPersons = operations);
  async function pending(): Promise<string> {
    const outcome = await acts.revoke(ASKED, ALICE, stop);
    return outcome.outcome === 'pending' ? outcome.pending.digest : assert.fail(outcome.outcome);
  }

  it('is done at once, recorded with who did it and why, and told of', async () => {
    const outcome = await acts.revoke(ASKED, ALICE, stop);
    assert.equal(outcome.outcome, 'revoked');
    assert.deepEqual(acts.list().length, 1);
    const [record] = ledgers.operations;
    assert.deepEqual(record?.details, {
      actor: 'CN:alice',
      role: 'security',
      target: 'node worker-3',
      reason: 'a drill',
    });
    assert.equal(events.of('banChanged').length, 1);
  });

  it('waits for another person where the bundle asks for one, and has both names then', async () => {
    needTwo('revoke');
    const digest = await pending();
    assert.deepEqual([acts.list(), acts.pending().length], [[], 1]);
    await assert.rejects(acts.approve(digest, ALICE, stop), { reason: 'CAP-O04' });
    await assert.rejects(acts.approve(digest, LOCAL, stop), { reason: 'CAP-O04' });
    await assert.rejects(acts.approve(digest, { ...BOB, role: 'operator' }, stop), { reason: 'CAP-O01' });
    assert.equal((await acts.approve(digest, BOB, stop)).outcome, 'revoked');
    const [ban] = acts.list();
    assert.deepEqual([ban?.actor, ban?.approvedBy, acts.pending()], ['CN:alice', 'CN:bob', []]);
    await assert.rejects(acts.approve(digest, BOB, stop), { reason: 'CAP-O02' });
  });

  it('is done once where two persons approve it at once, and the other is told that', async () => {
    needTwo('revoke');
    const digest = await pending();
    const carol = { ...BOB, actor: 'CN:carol' };
    const approved = await Promise.allSettled([acts.approve(digest, BOB, stop), acts.approve(digest, carol, stop)]);
    const [ban] = acts.list();
    assert.deepEqual(approved.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    const [refused] = approved.flatMap((one) => (one.status === 'rejected' ? [one.reason as Error] : []));
    assert.match(refused?.message ?? '', new RegExp(`CAP-O02 .*: it is done, .*the last as ${ban?.id}$`));
    assert.deepEqual(
      ledgers.operations.map(({ was, is }) => [was, is]),
      [
        ['free', `pending ${digest}`],
        ['free', `revoked as ${ban?.id}`],
      ],
    );
  });

  it('is approved at another server a moment after it was asked for', async () => {
    needTwo('revoke');
    const elsewhere = await actsOn();
    const digest = await pending();
    assert.equal((await elsewhere.approve(digest, BOB, stop)).outcome, 'revoked');
  });

  it('waits no longer than an hour', async () => {
    needTwo('revoke');
    const digest = await pending();
    await clock.advance(HOUR_MS);
    await assert.rejects(acts.approve(digest, BOB, stop), { reason: 'CAP-O02' });
    assert.deepEqual(acts.list(), []);
  });

  it('is lifted by one person where only revoking needs two', async () => {
    needTwo('revoke');
    const outcome = await acts.approve(await pending(), BOB, stop);
    const id = 'ban' in outcome ? outcome.ban.id : assert.fail(outcome.outcome);
    assert.equal((await acts.lift({ id, reason: 'it is over' }, ALICE, stop)).outcome, 'lifted');
    needTwo('revoke.lift');
    await assert.rejects(acts.lift({ id, reason: 'it is over' }, ALICE, stop), { reason: 'CAP-O02' });
  });

  it('is listed no longer than it can meet anything', async () => {
    await acts.revoke({ ...ASKED, forMs: HOUR_MS }, ALICE, stop);
    await clock.advance(23 * HOUR_MS);
    assert.equal(acts.list().length, 1, 'certificates from before it may live');
    await clock.advance(HOUR_MS);
    assert.deepEqual(acts.list(), []);
  });

  it('changes nothing in a dry run, also where it needs two persons', async () => {
    needTwo('revoke');
    assert.equal((await acts.revoke({ ...ASKED, dryRun: true }, ALICE, stop)).outcome, 'would-revoke');
    assert.deepEqual([acts.list(), acts.pending(), ledgers.operations], [[], [], []]);
  });
});
