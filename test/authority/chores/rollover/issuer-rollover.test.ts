// The order of the steps of a rollover, by a clock that a test moves; and that whatever it was killed after, the next process goes on.
import assert from 'node:assert/strict';
import { IssuerRollover } from '../../../../src/authority/chores/rollover/issuer-rollover.ts';
import { FollowedLedger } from '../../../../src/authority/trust/followed-ledger.ts';
import { NO_LEDGER, recorded, type IssuerLedger } from '../../../../src/domain/trust/issuer-ledger.ts';
import type { LifecycleState } from '../../../../src/domain/trust/issuer-state.ts';
import type { IssuerPair } from '../../../../src/ports/issuing/issuer-generations.ts';
import type { FormerIssuer } from '../../../../src/ports/storage/issuer-records.ts';
import { createRoot } from '../../../../src/adapters/dev/bootstrap-authority.ts';
import { SettledTime } from '../../../../src/live/settled-time.ts';
import { eventually } from '../../../support/eventually.ts';
import { FakeClock, NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { recordEvents } from '../../../support/fakes/recorded-events.ts';
import { MemoryLedgers } from '../../../support/memory-ledgers.ts';
import { FakeUpstream } from '../../../support/upstream/fake-upstream.ts';
import { derOf, MemoryGenerations } from '../../../support/upstream/memory-generations.ts';

const MINUTE_MS = 60_000;
/** Less than the CA is waited for. */
const STEP_MS = 10_000;
/** The fake CA dates a minute back, so that a life is an hour. */
const LIFETIME_MS = 59 * MINUTE_MS;
const SETTINGS = {
  name: 'default',
  lifetimeMs: LIFETIME_MS,
  longestLeafMs: 5 * MINUTE_MS,
  prepareAt: 1 / 2,
  activateAt: 5 / 6,
};

describe('The rollover of an issuer', function () {
  this.timeout(120_000);
  let stop: AbortController;
  beforeEach(() => (stop = new AbortController()));
  afterEach(() => stop.abort());

  async function parts() {
    const clock = new FakeClock();
    const root = await createRoot({ name: 'Root', nowMs: NOON_MS, lifetimeMs: 86_400_000 });
    const upstream = new FakeUpstream(root, () => clock.nowMs());
    const generations = new MemoryGenerations('default');
    const ledgers = new MemoryLedgers<IssuerLedger>(NO_LEDGER);
    const ledger = new FollowedLedger({ ledgers, clock }, { name: 'the ledger' });
    await ledger.start({ signal: stop.signal });
    const known: FormerIssuer[] = [];
    const former = { issuersAt: async (nowMs: number) => known.filter(({ untilMs }) => nowMs < untilMs) };
    const events = recordEvents();
    const held: { why?: string } = {};
    let release = (): void => undefined;
    const onRelease = (listener: () => void): void => void (release = listener);
    const settled = new SettledTime(clock);
    const given = {
      generations,
      upstream,
      ledger,
      former,
      clock,
      settled,
      events,
      heldBack: () => held.why,
      onRelease,
    };
    const rollover = new IssuerRollover(given, SETTINGS);
    const signedHere = (pair: IssuerPair | undefined): void => {
      if (pair !== undefined) known.push({ certificateDer: derOf(pair), untilMs: Infinity });
    };
    return {
      clock,
      upstream,
      generations,
      ledgers,
      ledger,
      rollover,
      given,
      known,
      signedHere,
      events,
      held,
      release: () => release(),
    };
  }
  type Parts = Awaited<ReturnType<typeof parts>>;

  /** Time passes, and stands still while a certificate is made: that is real work. */
  async function pass({ clock, upstream }: Parts, ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      await clock.advance(Math.min(STEP_MS, ms - passed));
      do await new Promise((resolve) => setImmediate(resolve));
      while (upstream.signing > 0);
    }
  }
  async function until({ clock }: Parts, what: string, seen: () => boolean): Promise<void> {
    await eventually(
      what,
      async () => {
        await clock.advance(0);
        return seen();
      },
      { withinMs: 30_000, everyMs: 1 },
    );
  }
  const movesOf = ({ ledger }: Parts) => ledger.current().moves.map(({ from, to, actor }) => `${actor} ${from}>${to}`);
  const waits = (given: Parts) =>
    until(
      given,
      'it waits for the next step',
      () =>
        given.rollover.due() !== undefined &&
        given.rollover.problem() === undefined &&
        given.generations.pairs.current !== undefined,
    );

  it('has a first certificate, asks early, activates later, and lets the former one go with its last leaf', async () => {
    const all = await parts();
    void all.rollover.run({ signal: stop.signal });
    await until(all, 'the first is in force', () => all.generations.pairs.current !== undefined);
    const first = all.generations.pairs.current;
    assert.equal(all.upstream.asked.length, 1);
    assert.equal(all.upstream.asked[0]?.lifetimeMs, LIFETIME_MS);
    all.signedHere(first);
    await waits(all);
    assert.deepEqual(all.rollover.due(), { step: 'ask', atMs: NOON_MS + 29 * MINUTE_MS });

    await pass(all, 28 * MINUTE_MS);
    assert.equal(all.upstream.asked.length, 1, 'not before half of its life');
    await pass(all, MINUTE_MS);
    await until(all, 'the next is prepared', () => all.generations.pairs.prepared !== undefined);
    assert.equal(all.generations.pairs.current?.id, first?.id, 'what signs stays');
    await until(all, 'it is on record', () => all.ledger.current().moves.length >= 5);
    assert.deepEqual(all.rollover.due(), { step: 'activate', atMs: NOON_MS + 49 * MINUTE_MS });

    await pass(all, 19 * MINUTE_MS);
    assert.equal(all.generations.pairs.current?.id, first?.id, 'not before five sixths');
    await pass(all, MINUTE_MS);
    await until(all, 'the next is in force', () => all.generations.pairs.current?.id !== first?.id);
    await until(all, 'the former one retires', () => movesOf(all).includes('capstan active>retiring'));
    assert.equal(all.generations.pairs.former?.id, first?.id, 'there is a way back');

    all.known.length = 0;
    await pass(all, 2 * MINUTE_MS);
    await until(all, 'the former one is retired', () => movesOf(all).includes('capstan retiring>retired'));
    await until(all, 'and gone', () => all.generations.pairs.former === undefined);
    assert.deepEqual(movesOf(all), [
      'capstan preparing>preparing',
      'capstan preparing>prepared',
      'capstan prepared>active',
      'capstan preparing>preparing',
      'capstan preparing>prepared',
      'capstan prepared>active',
      'capstan active>retiring',
      'capstan retiring>retired',
    ]);
    assert.deepEqual(
      all.ledgers.operations.map(({ operation, details }) => [operation, details?.actor]),
      movesOf(all).map(() => ['issuer rotate', 'capstan']),
    );
    assert.match(all.ledgers.operations[4]?.details?.reason ?? '', /^50 % of the life of certificate/);
  });

  for (const [way, stepMs] of [
    ['beyond the end of its leaves', 12 * MINUTE_MS],
    ['back', -12 * MINUTE_MS],
  ] as const) {
    it(`keeps the way back when the clock is set ${way} after it rolled over, and goes on when that is right again`, async () => {
      const all = await parts();
      void all.rollover.run({ signal: stop.signal });
      await until(all, 'the first is in force', () => all.generations.pairs.current !== undefined);
      const first = all.generations.pairs.current ?? assert.fail();
      all.known.push({ certificateDer: derOf(first), untilMs: first.notAfterMs });
      await waits(all);
      await pass(all, 50 * MINUTE_MS);
      await until(all, 'the former one retires', () => movesOf(all).includes('capstan active>retiring'));
      const [rightMs, atMs] = [all.clock.nowMs(), all.clock.monotonicMs()];
      all.clock.jumpTo(rightMs + stepMs);
      await pass(all, 3 * MINUTE_MS);
      assert.equal(all.generations.pairs.former?.id, first.id);
      assert.ok(!movesOf(all).some((move) => move.endsWith('>retired')), movesOf(all).join());
      all.clock.jumpTo(rightMs + all.clock.monotonicMs() - atMs);
      await pass(all, 11 * MINUTE_MS);
      await until(all, 'the former one is retired', () => movesOf(all).includes('capstan retiring>retired'));
    });
  }

  it('goes on signing while its CA is away, says since when and until when, and is warned of before leaves get shorter', async () => {
    const all = await parts();
    void all.rollover.run({ signal: stop.signal });
    await waits(all);
    all.signedHere(all.generations.pairs.current);
    all.upstream.problem = 'the fake CA is sealed';
    await pass(all, 30 * MINUTE_MS);
    const problem = all.rollover.problem() ?? '';
    assert.match(problem, /^issuer default, since 2026-01-06 12:(29|30):\d\d UTC: CAP-S16 .*: the fake CA is sealed;/);
    assert.match(problem, /signs until 2026-01-06 12:59:00 UTC, from 2026-01-06 12:54:00 UTC on leaves get shorter$/);
    assert.equal(all.rollover.lacks, false);
    assert.equal(all.events.of('trustWarning').length, 0);
    const failingMs = all.rollover.failingMs;
    assert.ok(failingMs > 0 && failingMs < 2 * MINUTE_MS);
    const asked = all.upstream.asked.length;
    await pass(all, 19 * MINUTE_MS);
    assert.ok(all.upstream.asked.length - asked < 8, 'a CA that is away is asked every five minutes');
    assert.ok(all.rollover.failingMs >= failingMs + 19 * MINUTE_MS, 'since it was asked first');
    await pass(all, 5 * MINUTE_MS);
    await until(all, 'it is warned of', () => all.events.of('trustWarning').length === 1);
    all.upstream.problem = undefined;
    await pass(all, 6 * MINUTE_MS);
    await until(all, 'it is as it should be again', () => all.rollover.problem() === undefined);
    assert.equal(all.rollover.failingMs, 0);
    assert.notEqual(all.generations.pairs.former, undefined, 'late, so at once in force');
  });

  it('counts the life of a certificate from when it came: a CA that dates back by more than that is not asked again and again', async () => {
    const given = await parts();
    const { rollover, upstream, generations } = given;
    upstream.backdateMs = 10 * LIFETIME_MS;
    void rollover.run({ signal: stop.signal });
    await waits(given);
    const first = generations.pairs.current!;
    await pass(given, LIFETIME_MS / 2 - MINUTE_MS);
    assert.equal(upstream.asked.length, 1);
    await pass(given, 2 * MINUTE_MS);
    assert.equal(upstream.asked.length, 2);
    assert.equal(generations.pairs.current?.id, first.id);
    await pass(given, LIFETIME_MS / 3 + MINUTE_MS);
    assert.notEqual(generations.pairs.current.id, first.id);
    assert.equal(upstream.asked.length, 2);
  });

  it('does not wait for a CA that hangs', async () => {
    const all = await parts();
    all.upstream.held = new Promise(() => undefined);
    void all.rollover.run({ signal: stop.signal });
    await until(all, 'it is asked', () => all.upstream.asked.length === 1);
    await pass(all, MINUTE_MS);
    await until(all, 'it says so', () => all.rollover.problem()?.includes('did not answer within 30 s') === true);
    assert.equal(all.rollover.lacks, true);
  });

  it('takes nothing that a server would refuse, and says who sent it', async () => {
    const all = await parts();
    all.generations.refusal = 'it leads to no trust anchor';
    void all.rollover.run({ signal: stop.signal });
    await until(all, 'it says so', () => all.rollover.problem() !== undefined);
    assert.match(
      all.rollover.problem() ?? '',
      /CAP-S16 .*: the fake CA sent what is not taken: it leads to no trust anchor/,
    );
    assert.match(all.rollover.problem() ?? '', /nothing is signed before the first certificate is there$/);
  });

  it('warns of a certificate that lives longer than it asked for, and takes it', async () => {
    const all = await parts();
    all.upstream.lifetimeMs = 10 * LIFETIME_MS;
    void all.rollover.run({ signal: stop.signal });
    await waits(all);
    const [warned, ...others] = all.events.of('trustWarning');
    assert.deepEqual(others, []);
    assert.match(
      String(warned?.['problem']),
      /^issuer default: certificate [0-9a-f]{16} ends at 2026-01-06 21:50:00 UTC, and the fake CA was asked for 59m: the next one is asked for when 50 % of that life are over$/,
    );
  });

  it('takes without a word what ends a little later than it asked for: a CA rounds up', async () => {
    const all = await parts();
    all.upstream.lifetimeMs = LIFETIME_MS + MINUTE_MS;
    void all.rollover.run({ signal: stop.signal });
    await waits(all);
    assert.deepEqual(all.events.of('trustWarning'), []);
  });

  it('tells of a key that is asked for without a state that it had before', async () => {
    const all = await parts();
    void all.rollover.run({ signal: stop.signal });
    await waits(all);
    const told = all.events.of('issuerMoved').map(({ from, to }) => [from, to]);
    assert.deepEqual(told, [
      [undefined, 'preparing'],
      ['preparing', 'prepared'],
      ['prepared', 'active'],
    ]);
  });

  for (const at of ['request', 'prepare', 'activate', 'discard'] as const)
    for (const when of ['before', 'after'] as const)
      it(`goes on after it was killed ${when} ${at}`, async () => {
        const all = await parts();
        const crashed = new AbortController();
        void all.rollover.run({ signal: AbortSignal.any([stop.signal, crashed.signal]) });
        await waits(all);
        const first = all.generations.pairs.current;
        all.signedHere(first);
        all.generations.crash = { at, when, killed: () => crashed.abort() };
        if (at === 'discard') {
          await pass(all, 50 * MINUTE_MS);
          await until(all, 'a former one', () => all.generations.pairs.former !== undefined);
          all.known.length = 0;
        }
        for (let passed = 0; !crashed.signal.aborted && passed < 60; passed += 1) await pass(all, MINUTE_MS);
        assert.ok(crashed.signal.aborted, 'it was killed');
        // Another process, with the same folder and the same ledger.
        const next = new IssuerRollover(all.given, SETTINGS);
        void next.run({ signal: stop.signal });
        if (at !== 'discard') {
          all.known.length = 0;
          for (let passed = 0; passed < 60 && all.generations.pairs.current?.id === first?.id; passed += 1)
            await pass(all, MINUTE_MS);
          assert.notEqual(all.generations.pairs.current?.id, first?.id);
        }
        await until(all, 'the former one is over', () => movesOf(all).includes('capstan retiring>retired'));
        const counts = new Map<string, number>();
        for (const { id, to } of all.ledger.current().moves)
          counts.set(`${id} ${to}`, (counts.get(`${id} ${to}`) ?? 0) + 1);
        assert.deepEqual(
          [...counts].filter(([, count]) => count > 1),
          [],
          'each step is on record once',
        );
      });

  it('does now what would be done later, for an operator, who is on record', async () => {
    const all = await parts();
    const running = all.rollover.run({ signal: stop.signal });
    await waits(all);
    const first = all.generations.pairs.current;
    all.signedHere(first);
    const by = { timeMs: NOON_MS, actor: 'alice', role: 'operator', reason: 'a drill' };
    await all.rollover.rotate({ activate: false }, by, { signal: stop.signal });
    assert.equal(all.generations.pairs.current?.id, first?.id);
    assert.equal(all.upstream.asked.length, 2);
    await all.rollover.rotate({ activate: true }, { ...by, actor: 'bob' }, { signal: stop.signal });
    assert.equal(all.upstream.asked.length, 2, 'what is prepared is taken');
    assert.equal(all.generations.pairs.former?.id, first?.id);
    assert.deepEqual(movesOf(all).slice(3), [
      'alice preparing>preparing',
      'alice preparing>prepared',
      'bob prepared>active',
      'bob active>retiring',
    ]);
    all.signedHere(all.generations.pairs.current);
    await all.rollover.rotate({ activate: true }, by, { signal: stop.signal });
    assert.notEqual(all.generations.pairs.former?.id, first?.id, 'the way back is the last one');
    all.known.length = 0;
    await pass(all, 2 * MINUTE_MS);
    await until(
      all,
      'both are over',
      () => movesOf(all).filter((one) => one === 'capstan retiring>retired').length === 2,
    );
    stop.abort();
    await running;
  });

  it('has nothing in force that is held back, also for an operator, and says so when it is late', async () => {
    const all = await parts();
    void all.rollover.run({ signal: stop.signal });
    await waits(all);
    all.signedHere(all.generations.pairs.current);
    all.held.why = 'its trust anchor is not everywhere yet';
    await pass(all, 50 * MINUTE_MS);
    assert.equal(all.generations.pairs.former, undefined);
    assert.match(
      all.rollover.problem() ?? '',
      /does not come in force: its trust anchor is not everywhere yet; certificate/,
    );
    const by = { timeMs: NOON_MS, actor: 'alice', role: 'operator', reason: 'a drill' };
    await assert.rejects(all.rollover.rotate({ activate: true }, by, { signal: stop.signal }), /CAP-X03 .*held back/);
    all.held.why = undefined as never;
    all.release();
    await until(all, 'it is in force', () => all.generations.pairs.former !== undefined);
  });

  /** What an operator does, as the commands do. */
  async function move({ ledger }: Parts, pair: IssuerPair, from: LifecycleState, to: LifecycleState): Promise<void> {
    const by = { timeMs: NOON_MS, actor: 'alice', role: 'security', reason: 'a drill' };
    await ledger.change(
      (known) => ({
        ...recorded(known, { issuer: 'default', ...pair }, { from, to }, by),
        operation: { timeMs: NOON_MS, operation: 'issuer move', was: from, is: to },
      }),
      { signal: stop.signal },
    );
  }
  async function prepared(all: Parts): Promise<IssuerPair> {
    await waits(all);
    all.signedHere(all.generations.pairs.current);
    await pass(all, 30 * MINUTE_MS);
    await until(all, 'the next is prepared', () => all.generations.pairs.prepared !== undefined);
    const { prepared: next } = all.generations.pairs;
    await until(all, 'it is on record', () => all.rollover.due()?.step === 'activate');
    return next!;
  }

  it('does not get round an operator who tainted what is prepared: it is thrown away at once, and another one asked for', async () => {
    const all = await parts();
    void all.rollover.run({ signal: stop.signal });
    const tainted = await prepared(all);
    await move(all, tainted, 'prepared', 'tainted');
    await until(all, 'another is prepared', () => (all.generations.pairs.prepared?.id ?? tainted.id) !== tainted.id);
    assert.notEqual(all.generations.pairs.prepared?.keyId, tainted.keyId);
  });

  it('puts what is prepared in force at once when the one in force is tainted', async () => {
    const all = await parts();
    void all.rollover.run({ signal: stop.signal });
    const next = await prepared(all);
    await move(all, all.generations.pairs.current!, 'active', 'tainted');
    await until(all, 'it is in force', () => all.generations.pairs.current?.id === next.id);
  });

  it('waits from the moment on at which the one in force is suspended, and goes on when that is resumed', async () => {
    const all = await parts();
    void all.rollover.run({ signal: stop.signal });
    const next = await prepared(all);
    const current = all.generations.pairs.current!;
    await move(all, current, 'active', 'suspended');
    await until(all, 'it depends on somebody', () => all.rollover.due() === undefined);
    await pass(all, 22 * MINUTE_MS);
    assert.equal(all.generations.pairs.current?.id, current.id);
    await move(all, current, 'suspended', 'active');
    await until(all, 'it is in force', () => all.generations.pairs.current?.id === next.id);
  });

  it('asks a CA that is away no more often for what it records itself', async () => {
    const all = await parts();
    void all.rollover.run({ signal: stop.signal });
    await waits(all);
    all.signedHere(all.generations.pairs.current);
    all.upstream.problem = 'sealed';
    await pass(all, 29 * MINUTE_MS);
    await until(all, 'it fails', () => all.rollover.problem() !== undefined);
    for (let turns = 0; turns < 20; turns += 1) await all.clock.advance(0);
    assert.equal(all.upstream.asked.length, 2);
  });
});
