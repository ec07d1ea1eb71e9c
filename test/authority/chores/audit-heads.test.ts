import assert from 'node:assert/strict';
import { AuditHeadMaker, MAX_WAITING } from '../../../src/authority/chores/audit-heads.ts';
import { FULL_EVERY_MS, type Head } from '../../../src/domain/audit/head.ts';
import { readLine } from '../../../src/domain/audit/export-line.ts';
import { isSignedBy, statementDigest } from '../../../src/domain/audit/statement.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import type { HeadWitness, KeptHead } from '../../../src/ports/audit/audit-heads.ts';
import type { StatementSigner } from '../../../src/ports/audit/statement-signer.ts';
import { headKey, RECORDS } from '../../domain/audit/support/sample-export.ts';
import { FakeAuditStore } from '../audit/support/audit-store.ts';
import { FakeClock, NOON_MS, settle } from '../../support/fakes/fake-clock.ts';
import { FakeLease } from '../../support/fakes/lease.ts';
import { recordEvents, type RecordedEvents } from '../../support/fakes/recorded-events.ts';

const EVERY_MS = 10_000;
const MAKER = { trustDomain: 'cluster.local', cluster: 'kubernetes', server: 'capstan-0' };

describe('The heads of the journal', () => {
  const key = headKey();
  let clock: FakeClock;
  let store: FakeAuditStore;
  let lease: FakeLease;
  let end: AbortController;
  let events: RecordedEvents;
  let away: AuthorityError | undefined;
  let silent: boolean;
  let maker: AuditHeadMaker;
  let running: Promise<void>;
  let witness: HeadWitness & { readonly kept: KeptHead[]; problem: string | undefined };

  beforeEach(() => {
    [clock, store, lease, end] = [new FakeClock(NOON_MS), new FakeAuditStore(), new FakeLease(), new AbortController()];
    [events, away, silent, running] = [recordEvents(), undefined, false, Promise.resolve()];
    store.open('d1', 'decision', NOON_MS);
    store.open('o1', 'operation', NOON_MS);
    const kept: KeptHead[] = [];
    witness = {
      name: '/mnt/witness/heads.jsonl',
      kept,
      problem: undefined,
      keep: async (head) => {
        if (witness.problem !== undefined) throw new Error(witness.problem);
        kept.push(head);
      },
    };
    maker = another();
  });
  afterEach(async () => {
    end.abort();
    await running;
  });

  const signer: StatementSigner = {
    sign: async (purpose, statement) => {
      if (silent) return new Promise(() => undefined);
      if (away !== undefined) throw away;
      return { statement, ...key.sign(purpose, statement) };
    },
    publicKey: async () => key.publicPem,
  };
  const another = (): AuditHeadMaker =>
    new AuditHeadMaker(
      { chains: store, heads: store, signer, witnesses: [witness], lease, clock, events },
      { everyMs: EVERY_MS, maker: MAKER },
    );
  const lead = async (): Promise<void> => {
    running = maker.run(end);
    await settle();
    lease.give();
    await clock.advance(1);
  };
  const decide = (number: number): void => store.append('d1', RECORDS.decision(number, clock.nowMs()), clock.nowMs());
  const heads = (): readonly Head[] =>
    store.kept.map(({ text }) => {
      const line = readLine(text);
      assert.ok(line?.kind === 'head');
      return line;
    });
  const named = () =>
    heads().map(({ statement }) => statement.chains.map(({ chain, sequence }) => `${chain}:${sequence}`));

  it('are signed when something was recorded, and name what moved and the head before', async () => {
    decide(1);
    await lead();
    await clock.advance(EVERY_MS);
    decide(2);
    await clock.advance(EVERY_MS);
    assert.deepEqual(named(), [['d1:1', 'o1:0'], ['d1:2']]);
    const [first, second] = heads();
    assert.equal(second!.statement.previous, statementDigest(first!.statement));
    assert.ok(heads().every((head) => isSignedBy(key.auditKey, 'head', head)));
    const { version, trustDomain, cluster, server } = second!.statement;
    assert.deepEqual({ version, trustDomain, cluster, server }, { version: 1, ...MAKER });
  });

  it('name every chain once an hour, and again when another process has made one', async () => {
    await lead();
    await clock.advance(FULL_EVERY_MS);
    decide(1);
    await clock.advance(EVERY_MS);
    assert.deepEqual(named().at(-1), ['d1:1', 'o1:0']);
    await store.keepHead({ timeMs: clock.nowMs(), digest: 'ab'.repeat(32), text: '' });
    decide(2);
    await clock.advance(EVERY_MS);
    const { chains, previous } = lastOf(store);
    assert.deepEqual([chains.length, previous], [2, 'ab'.repeat(32)]);
  });

  it('are late while the key is away, which is said once, and counted until it is back', async () => {
    await lead();
    away = new AuthorityError('CAP-S15', { detail: 'the token does not answer' });
    decide(1);
    await clock.advance(3 * EVERY_MS);
    assert.equal(maker.problem, 'no head of the journal can be signed: the token does not answer');
    assert.deepEqual(events.of('auditWarning'), [{ problem: maker.problem }]);
    assert.equal(maker.unsignedMs, 2 * EVERY_MS + 1);
    away = undefined;
    await clock.advance(EVERY_MS);
    assert.deepEqual([maker.problem, maker.unsignedMs], [undefined, 0]);
    assert.deepEqual(named().at(-1), ['d1:1']);
  });

  it('are late while the key is silent, and are tried again', async () => {
    silent = true;
    await lead();
    await clock.advance(EVERY_MS);
    assert.equal(maker.problem, 'no head of the journal was signed within 10 seconds');
    silent = false;
    await clock.advance(2 * EVERY_MS);
    assert.equal(store.kept.length, 1);
    assert.equal(maker.problem, undefined);
  });

  it('are late while the store cannot be asked', async () => {
    store.problem = new AuthorityError('CAP-S04', { detail: 'the disk is full' });
    await lead();
    assert.equal(maker.problem, 'no head of the journal can be signed: the disk is full');
    store.problem = undefined;
    await clock.advance(EVERY_MS);
    assert.equal(maker.problem, undefined);
  });

  it('are kept by a witness too, in their order, and those that it missed when it is back', async () => {
    witness.problem = 'it is full';
    await lead();
    for (const number of [1, 2]) {
      decide(number);
      await clock.advance(EVERY_MS);
    }
    assert.equal(maker.problem, 'the witness /mnt/witness/heads.jsonl keeps no heads: it is full');
    assert.deepEqual([maker.unwitnessed, maker.unsignedMs], [3, 0]);
    witness.problem = undefined;
    await clock.advance(EVERY_MS);
    assert.deepEqual(
      witness.kept.map(({ digest }) => digest),
      store.kept.map(({ digest }) => digest),
    );
    assert.deepEqual([maker.problem, maker.unwitnessed], [undefined, 0]);
  });

  it('wait for a witness that stays away within a bound', async () => {
    witness.problem = 'it is full';
    await lead();
    for (let number = 1; number <= MAX_WAITING + 2; number += 1) {
      decide(number);
      await clock.advance(EVERY_MS);
    }
    assert.equal(maker.unwitnessed, MAX_WAITING);
  });

  it('reach a witness also when the process ended between the two', async () => {
    decide(1);
    await store.keepHead({ timeMs: NOON_MS, digest: 'ab'.repeat(32), text: 'the head before' });
    await lead();
    assert.deepEqual(
      witness.kept.map(({ text }) => text.slice(0, 15)),
      ['the head before', store.kept[1]!.text.slice(0, 15)],
    );
  });

  it('are made by who has the lease alone', async () => {
    running = maker.run(end);
    decide(1);
    await clock.advance(EVERY_MS);
    assert.deepEqual([store.kept.length, maker.unsignedMs, maker.unwitnessed], [0, undefined, undefined]);
  });

  it('are late in the words of what keeps the key, which is not that of an issuer', async () => {
    away = new AuthorityError('CAP-S15', { cause: new Error('the transit engine cannot be reached') });
    await lead();
    assert.equal(maker.problem, 'no head of the journal can be signed: the transit engine cannot be reached');
  });

  it('are waited for by no process that ends where another makes them', async () => {
    running = maker.run(end);
    decide(1);
    end.abort();
    await running;
    await maker.finish(new AbortController());
    assert.deepEqual([store.kept.length, clock.sleepers], [0, 0]);
  });

  it('are late where they are made alone: who has lost the lease says nothing of them', async () => {
    await lead();
    [away] = [new AuthorityError('CAP-S15', { detail: 'the token "mesh" is away' })];
    decide(1);
    await clock.advance(EVERY_MS);
    assert.match(maker.problem ?? '', /the token "mesh" is away/);
    lease.lose();
    await settle();
    assert.equal(maker.problem, undefined);
  });

  it('end with one of what was recorded last', async () => {
    await lead();
    end.abort();
    await running;
    decide(1);
    const finished = maker.finish(new AbortController());
    await settle();
    lease.give();
    await finished;
    assert.deepEqual(named().at(-1), ['d1:1']);
  });
});

function lastOf(store: FakeAuditStore): Head['statement'] {
  const line = readLine(store.kept.at(-1)!.text);
  assert.ok(line?.kind === 'head');
  return line.statement;
}
