// Which pair of an issuer signs in each phase of a rotation, and that whatever it was killed after, the next process goes on.
import assert from 'node:assert/strict';
import { AnchorAdoption } from '../../../src/authority/chores/adopt-anchors.ts';
import { FollowedLedger } from '../../../src/authority/trust/followed-ledger.ts';
import { anchorsAbove } from '../../../src/domain/trust/anchors-above.ts';
import { NO_LEDGER, type IssuerLedger } from '../../../src/domain/trust/issuer-ledger.ts';
import { advanced, NO_ANCHORS, started, type AnchorLedger } from '../../../src/domain/trust/rotation/anchor-ledger.ts';
import type { RotationStep } from '../../../src/domain/trust/rotation/rotation.ts';
import { good, testAuthority, type TestAuthority } from '../../support/certificates.ts';
import { FakeClock, NOON_MS } from '../../support/fakes/fake-clock.ts';
import { recordEvents } from '../../support/fakes/recorded-events.ts';
import { MemoryLedgers } from '../../support/memory-ledgers.ts';
import { MemoryGenerations, pairOf } from '../../support/upstream/memory-generations.ts';

const BY = { timeMs: NOON_MS, actor: 'CN:alice', role: 'security', reason: 'a drill' };

describe('The adoption of a trust anchor', () => {
  let old: TestAuthority;
  let next: TestAuthority;
  let stop: AbortController;
  before(async () => {
    [old, next] = await Promise.all([testAuthority({ nowMs: NOON_MS }), testAuthority({ nowMs: NOON_MS })]);
  });
  beforeEach(() => (stop = new AbortController()));
  afterEach(() => stop.abort());

  const of = ({ intermediate }: TestAuthority) => pairOf(intermediate.certificatePem);
  /** @param signing ids that signed when it began, at the server that was told to. */
  function rotation(steps: readonly RotationStep[], signing: readonly string[]): AnchorLedger {
    const begun: AnchorLedger = good(started(NO_ANCHORS, { added: next.bundle, inForce: old.bundle, signing }, BY));
    return steps.reduce<AnchorLedger>((now, step) => good(advanced(now, step, BY)), begun);
  }
  async function server(steps: readonly RotationStep[] = [], signing: readonly string[] = []) {
    const clock = new FakeClock();
    const events = recordEvents();
    const generations = new MemoryGenerations('default');
    generations.pairs = { current: of(old), prepared: of(next) };
    const ledgers = new MemoryLedgers<IssuerLedger>(NO_LEDGER);
    const ledger = new FollowedLedger({ ledgers, clock }, { name: 'the ledger of issuers' });
    await ledger.start(stop);
    const place = { anchors: rotation(steps, signing) };
    const both = old.bundle.joinedWith(next.bundle);
    const inForce = { bundle: both };
    const anchorsOf = (chainPem: string) => anchorsAbove(chainPem, inForce.bundle, NOON_MS);
    const parts = { anchorLedger: { current: () => place.anchors }, ledger, generations, anchorsOf, clock, events };
    return {
      events,
      generations,
      inForce,
      look: async () => ledger.look(stop),
      phase: (...now: readonly RotationStep[]) => void (place.anchors = rotation(now, signing)),
      adoption: new AnchorAdoption(parts),
      signer: () => generations.pairs.current?.id,
      moves: () => ledger.current().moves.map(({ id, from, to, reason }) => [id, from, to, reason]),
    };
  }
  type Server = Awaited<ReturnType<typeof server>>;
  /** @returns the moves of a former pair that are on record, without why. */
  const movesOf = ({ moves }: Server, authority: TestAuthority) =>
    moves()
      .filter(([id]) => id === of(authority).id)
      .map(([, from, to]) => `${from}>${to}`);

  it('has what was prepared below it sign in phase adopt and not before, with a record, and once', async () => {
    const given = await server();
    await given.adoption.look(stop);
    assert.equal(given.signer(), of(old).id);
    given.phase('advance');
    await given.adoption.look(stop);
    assert.equal(given.signer(), of(next).id);
    assert.deepEqual(movesOf(given, old), ['active>retiring']);
    assert.match(String(given.moves()[0]?.[3]), /^rotation [0-9a-f]{16} is in phase adopt$/);
    await given.adoption.look(stop);
    assert.equal(given.moves().length, 1);
    assert.equal(given.events.of('issuerMoved').length, 1);
  });

  for (const steps of [
    ['advance', 'retire'],
    ['advance', 'retire', 'finish'],
  ] as const) {
    it(`is made up for by a server that was away in adopt, ${steps.length === 2 ? 'while the old one goes' : 'when it is done'}`, async () => {
      const given = await server(steps);
      given.inForce.bundle = next.bundle;
      await given.adoption.look(stop);
      assert.equal(given.signer(), of(next).id);
      assert.deepEqual(movesOf(given, old), ['active>retiring']);
      // Another one that stands below an anchor in force is prepared for its rollover, and waits for that.
      const later = await testAuthority({ root: next.root, nowMs: NOON_MS });
      given.generations.pairs = { current: of(next), prepared: of(later) };
      await given.adoption.look(stop);
      assert.equal(given.signer(), of(next).id);
    });
  }

  it('leaves alone what is prepared below the old one, and an issuer that has nothing prepared', async () => {
    for (const prepared of [await testAuthority({ root: old.root, nowMs: NOON_MS }), undefined]) {
      const given = await server(['advance']);
      given.generations.pairs = { current: of(old), ...(prepared && { prepared: of(prepared) }) };
      await given.adoption.look(stop);
      assert.equal(given.signer(), of(old).id);
      assert.deepEqual(given.moves(), []);
    }
  });

  it('has the one of before sign again after an abort, also at a server that nobody told to begin', async () => {
    const given = await server(['advance'], ['of another server']);
    await given.adoption.look(stop);
    given.phase('advance', 'abort');
    await given.adoption.look(stop);
    assert.equal(given.signer(), of(old).id);
    assert.deepEqual(movesOf(given, old), ['active>retiring', 'retiring>active']);
  });

  it('takes nothing back that signed below the new anchor before the rotation, or that has nothing else below the old', async () => {
    const signedBefore = await server(['abort'], [of(next).id]);
    signedBefore.generations.pairs = { current: of(next), former: of(old) };
    await signedBefore.adoption.look(stop);
    assert.equal(signedBefore.signer(), of(next).id);
    const another = await testAuthority({ root: next.root, nowMs: NOON_MS });
    const alike = await server(['abort']);
    alike.generations.pairs = { current: of(next), former: of(another) };
    await alike.adoption.look(stop);
    assert.equal(alike.signer(), of(next).id);
  });

  for (const [step, change] of [
    ['advance', 'activate'],
    ['abort', 'revert'],
  ] as const) {
    for (const when of ['before', 'after'] as const) {
      it(`goes on when it is killed ${when} the folder has it, in phase ${step === 'abort' ? 'aborted' : 'adopt'}`, async () => {
        const given = await server(['advance']);
        if (step === 'abort') {
          await given.adoption.look(stop);
          given.phase('advance', 'abort');
        }
        given.generations.crash = { at: change, when, killed: () => undefined };
        await given.adoption.look(stop);
        assert.match(given.adoption.problem ?? '', /^issuer default: killed$/);
        await given.adoption.look(stop);
        const [signs, waits] = step === 'abort' ? [old, next] : [next, old];
        assert.equal(given.signer(), of(signs).id);
        assert.equal(movesOf(given, waits).at(-1), 'active>retiring', 'it is on record');
        assert.equal(given.adoption.problem, undefined);
      });
    }
  }

  it('says why an issuer does not follow, once, until it does', async () => {
    const given = await server(['advance']);
    for (let looks = 0; looks < 2; looks += 1) {
      given.generations.crash = { at: 'activate', when: 'before', killed: () => undefined };
      await given.adoption.look(stop);
    }
    assert.equal(given.events.of('trustWarning').length, 1);
    await given.adoption.look(stop);
    assert.equal(given.adoption.problem, undefined);
  });
});
