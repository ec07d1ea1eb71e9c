import assert from 'node:assert/strict';
import { IssuerActs, type ActOutcome, type Operator } from '../../../src/authority/administration/issuer-acts.ts';
import { FollowedLedger } from '../../../src/authority/trust/followed-ledger.ts';
import { GovernedIssuers } from '../../../src/authority/trust/governed-issuers.ts';
import type { GuardedOperation } from '../../../src/domain/policy/documents.ts';
import { NO_LEDGER, type IssuerLedger } from '../../../src/domain/trust/issuer-ledger.ts';
import type { IssuerAct } from '../../../src/domain/trust/issuer-state.ts';
import type { LiveLeaves } from '../../../src/ports/storage/issuer-statistics.ts';
import { SettledTime } from '../../../src/live/settled-time.ts';
import { fakeIssuers, fakePolicies, readyState, type FakeIssuers } from '../../support/authority-parts.ts';
import { testAuthority, type TestAuthority } from '../../support/certificates.ts';
import { FakeClock } from '../../support/fakes/fake-clock.ts';
import { recordEvents, type RecordedEvents } from '../../support/fakes/recorded-events.ts';
import { MemoryLedgers } from '../../support/memory-ledgers.ts';
import { bundle, policySet } from '../../support/policy/policies.ts';

const HOUR_MS = 3_600_000;
const ALICE: Operator = { actor: 'CN:alice', role: 'security', local: false };
const BOB: Operator = { actor: 'CN:bob', role: 'security', local: false };
const LOCAL: Operator = { actor: 'local', role: 'security', local: true };

describe('What operators do to issuers', () => {
  let own: TestAuthority;
  let gold: TestAuthority;
  let clock: FakeClock;
  let issuers: FakeIssuers;
  let ledgers: MemoryLedgers<IssuerLedger>;
  let live: LiveLeaves;
  let events: RecordedEvents;
  let stop: AbortController;
  before(async () => {
    [own, gold] = await Promise.all([testAuthority(), testAuthority()]);
  });
  beforeEach(() => {
    clock = new FakeClock();
    issuers = fakeIssuers(own.material);
    issuers.put('gold', readyState(gold.material));
    ledgers = new MemoryLedgers(NO_LEDGER);
    live = { count: 0 };
    events = recordEvents();
    stop = new AbortController();
  });
  afterEach(() => stop.abort());

  /** As one process, or one server of several on one store. */
  async function serverOf(twoPersons: readonly GuardedOperation[] = []) {
    const ledger = new FollowedLedger({ ledgers, clock }, { name: 'the ledger of issuers' });
    await ledger.start(stop);
    const former = { issuersAt: async () => [] };
    const statistics = { liveLeavesOf: async () => live };
    const policies = fakePolicies(policySet(bundle({ twoPersons })));
    const parts = { issuers, former, ledger, statistics, policies, clock, settled: new SettledTime(clock), events };
    const acts = new IssuerActs(parts, { longestLeafMs: HOUR_MS });
    const ask = async (act: IssuerAct, issuer: string, more: object = {}, by = ALICE): Promise<ActOutcome> =>
      acts.ask({ act, issuer, reason: 'a drill', override: false, ...more }, by, stop);
    const signing = (): readonly string[] =>
      new GovernedIssuers({ issuers, ledger })
        .all()
        .flatMap(({ name, state }) => (state.kind === 'ready' ? [name] : []));
    return { acts, ask, signing, look: async () => ledger.look(stop) };
  }
  function digestOf(outcome: ActOutcome): string {
    return outcome.outcome === 'pending' ? outcome.pending.digest : assert.fail('it was done');
  }

  it('never leave nobody to sign by two operators of two servers who each take away what the other counted on', async () => {
    const [one, other] = [await serverOf(), await serverOf()];
    await one.ask('taint', 'default');
    // The other has not looked since.
    assert.deepEqual(other.signing(), ['default', 'gold']);
    await assert.rejects(other.ask('taint', 'gold'), { reason: 'CAP-O03', message: /no other issuer can sign/ });
    await other.look();
    assert.deepEqual(other.signing(), ['gold']);
  });

  it('is on record with what it did it to, and is told', async () => {
    const { ask } = await serverOf();
    await ask('suspend', 'gold', {}, LOCAL);
    const details = { actor: 'local', role: 'security', target: `issuer gold ${gold.issuer.id}`, reason: 'a drill' };
    const record = { timeMs: clock.nowMs(), operation: 'issuer suspend', was: 'active', is: 'suspended', details };
    assert.deepEqual(ledgers.operations, [record]);
    const [told] = events.of('issuerMoved');
    assert.deepEqual([told?.['name'], told?.['from'], told?.['to']], ['gold', 'active', 'suspended']);
  });

  it('is refused for an issuer or a certificate that is not there, and for one of another issuer', async () => {
    const { ask } = await serverOf();
    await assert.rejects(ask('suspend', 'silver'), { reason: 'CAP-O02', message: /there are default, gold/ });
    await assert.rejects(ask('suspend', 'gold', { id: 'f'.repeat(16) }), { message: /has no certificate f+/ });
    await assert.rejects(ask('suspend', 'gold', { id: own.issuer.id }), { message: /is of issuer default/ });
    assert.deepEqual(ledgers.operations, []);
  });

  it('does not retire what leaves live of, with their number and end, unless that is overridden', async () => {
    const { ask, signing } = await serverOf();
    live = { count: 3, latestEndMs: clock.nowMs() + HOUR_MS };
    await assert.rejects(ask('retire', 'gold'), {
      reason: 'CAP-O03',
      message: /3 leaves .* live, the last until .*13:00:00/,
    });
    assert.equal((await ask('retire', 'gold', { override: true })).outcome, 'done');
    assert.deepEqual(signing(), ['default']);
  });

  it('waits for a second person no longer than an hour', async () => {
    const { acts, ask, signing } = await serverOf(['issuer.taint']);
    const digest = digestOf(await ask('taint', 'gold'));
    await clock.advance(HOUR_MS);
    assert.deepEqual(acts.pending(), []);
    await assert.rejects(acts.approve(digest, BOB, stop), { reason: 'CAP-O02' });
    assert.deepEqual(signing(), ['default', 'gold']);
  });

  it('is approved by nobody who could not have asked for it', async () => {
    const { acts, ask, signing } = await serverOf(['issuer.taint', 'issuer.suspend']);
    const digest = digestOf(await ask('taint', 'gold'));
    for (const role of ['viewer', 'operator', 'constructor']) {
      await assert.rejects(acts.approve(digest, { ...BOB, role }, stop), { reason: 'CAP-O01' });
    }
    assert.deepEqual(signing(), ['default', 'gold']);
    const suspended = digestOf(await ask('suspend', 'gold'));
    await acts.approve(suspended, { ...BOB, role: 'operator' }, stop);
    assert.deepEqual(signing(), ['default']);
  });

  it('is approved by nobody who shares a name with who asked for it, in whichever certificate', async () => {
    const { acts, ask } = await serverOf(['issuer.taint']);
    const alice = { ...ALICE, names: ['CN:alice', 'URI:spiffe://corp/alice', 'EMAIL:alice@corp'] };
    const digest = digestOf(await ask('taint', 'gold', { override: true }, alice));
    for (const names of [['URI:spiffe://corp/alice'], ['DNS:other', 'EMAIL:alice@corp'], ['CN:alice']]) {
      const [actor = ''] = names;
      const other = { ...alice, actor, names };
      await assert.rejects(acts.approve(digest, other, stop), { reason: 'CAP-O04', message: /alice.* asked for it/ });
    }
    assert.equal((await acts.approve(digest, { ...BOB, names: ['CN:bob'] }, stop)).outcome, 'done');
  });

  it('is approved as it was asked for: one whose content is another by now is not there', async () => {
    const { acts, ask, look } = await serverOf(['issuer.taint']);
    const digest = digestOf(await ask('taint', 'gold', { override: true }));
    const { revision, ledger } = await ledgers.read(stop);
    const changed = { ...ledger, pending: ledger.pending.map((one) => ({ ...one, act: 'retire' as const })) };
    await ledgers.replace(revision, changed, { timeMs: 0, operation: 'by hand', was: '', is: '' }, stop);
    await look();
    await assert.rejects(acts.approve(digest, BOB, stop), { reason: 'CAP-O02' });
  });

  it('is done to an issuer whose key does not answer, by its name, and the next one that policy allows is asked then', async () => {
    const certified = own.issuer;
    issuers.put('default', { kind: 'unavailable', why: 'has a signing key that does not answer', certified });
    const { ask } = await serverOf();
    const outcome = await ask('suspend', 'default');
    assert.deepEqual(outcome.outcome === 'done' && [outcome.move.id, outcome.move.from, outcome.move.to], [
      own.issuer.id,
      'active',
      'suspended',
    ]);
    const ledger = new FollowedLedger({ ledgers, clock }, { name: 'the ledger of issuers' });
    await ledger.start(stop);
    const [first] = new GovernedIssuers({ issuers, ledger }).all();
    assert.equal(first.state.kind === 'unavailable' && first.state.withdrawn, 'suspended');
    assert.equal((await ask('resume', 'default')).outcome, 'done');
  });

  it('is done once, although two approve it at two servers', async () => {
    const [one, other] = [await serverOf(['issuer.taint']), await serverOf(['issuer.taint'])];
    const digest = digestOf(await one.ask('taint', 'gold'));
    await other.look();
    await one.acts.approve(digest, BOB, stop);
    await assert.rejects(other.acts.approve(digest, { ...BOB, actor: 'CN:carol' }, stop), { reason: 'CAP-O02' });
    assert.equal(ledgers.operations.filter(({ is }) => is === 'tainted').length, 1);
  });

  it('is judged again when the second person comes: what stands against it by then stops it', async () => {
    const { acts, ask } = await serverOf(['issuer.retire']);
    const digest = digestOf(await ask('retire', 'gold'));
    live = { count: 1, latestEndMs: clock.nowMs() + HOUR_MS };
    await assert.rejects(acts.approve(digest, BOB, stop), { reason: 'CAP-O03', message: /1 leaf of certificate/ });
    live = { count: 0 };
    assert.equal((await acts.approve(digest, BOB, stop)).outcome, 'done');
  });

  it('is approved by somebody else, never by who has the socket', async () => {
    const { acts, ask } = await serverOf(['issuer.suspend']);
    const byAlice = digestOf(await ask('suspend', 'gold'));
    for (const nobody of [ALICE, LOCAL])
      await assert.rejects(acts.approve(byAlice, nobody, stop), { reason: 'CAP-O04' });
    const byLocal = digestOf(await ask('suspend', 'default', {}, LOCAL));
    await assert.rejects(acts.approve(byLocal, LOCAL, stop), { reason: 'CAP-O04' });
    assert.equal((await acts.approve(byLocal, ALICE, stop)).outcome, 'done');
  });
});
