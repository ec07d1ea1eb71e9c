import assert from 'node:assert/strict';
import { AuditHeadMaker, MAX_WAITING } from '../../../src/authority/chores/audit-heads.ts';
import { FULL_EVERY_MS, type Head, type HeadStatement } from '../../../src/domain/audit/head.ts';
import { readLine, writeLine } from '../../../src/domain/audit/export-line.ts';
import { isSignedBy, statementDigest } from '../../../src/domain/audit/statement.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import type { HeadWitness, KeptHead } from '../../../src/ports/audit/audit-heads.ts';
import type { OperationJournal, OperationRecord } from '../../../src/ports/storage/operation-journal.ts';
import type { StatementSigner } from '../../../src/ports/audit/statement-signer.ts';
import { headKey, RECORDS } from '../../domain/audit/support/sample-export.ts';
import { FakeAuditStore } from '../audit/support/audit-store.ts';
import { FakeClock, NOON_MS, settle } from '../../support/fakes/fake-clock.ts';
import { FakeLease } from '../../support/fakes/lease.ts';
import { recordEvents, type RecordedEvents } from '../../support/fakes/recorded-events.ts';

const EVERY_MS = 10_000;
const RETENTION_MS = 24 * 3_600_000;
const MAKER = { trustDomain: 'cluster.local', cluster: 'kubernetes', server: 'capstan-0' };

describe('The heads of the journal', () => {
  let key: ReturnType<typeof headKey>;
  let clock: FakeClock;
  let store: FakeAuditStore;
  let lease: FakeLease;
  let end: AbortController;
  let events: RecordedEvents;
  let away: AuthorityError | undefined;
  let silent: boolean;
  let maker: AuditHeadMaker;
  let running: Promise<void>;
  let witness: HeadWitness & {
    readonly kept: KeptHead[];
    problem: string | undefined;
    unread?: string | undefined;
    says: boolean;
  };

  beforeEach(() => {
    [clock, store, lease, end] = [new FakeClock(NOON_MS), new FakeAuditStore(), new FakeLease(), new AbortController()];
    [events, away, silent, running] = [recordEvents(), undefined, false, Promise.resolve()];
    key = headKey();
    store.open('d1', 'decision', NOON_MS);
    store.open('o1', 'operation', NOON_MS);
    const kept: KeptHead[] = [];
    witness = {
      name: '/mnt/witness/heads.jsonl',
      kept,
      problem: undefined,
      says: false,
      keep: async (head) => {
        if (witness.problem !== undefined) throw new Error(witness.problem);
        kept.push(head);
      },
      lastLines: async () => {
        if (witness.unread !== undefined) throw new Error(witness.unread);
        return witness.says ? kept.map(({ text }) => text).toReversed() : [];
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
    publicKey: async () => {
      if (away !== undefined) throw away;
      return key.publicPem;
    },
  };
  const recorded: OperationRecord[] = [];
  const journal: OperationJournal = { recordOperation: async (record) => void recorded.push(record) };
  /** A head that another process made. */
  const foreign = async (chains: HeadStatement['chains'] = []): Promise<KeptHead> => {
    const previous = store.kept.at(-1)?.digest;
    const facts = { version: 1, timeMs: clock.nowMs(), ...MAKER, server: 'capstan-1' } as const;
    const statement: HeadStatement = { ...facts, chains, ...(previous !== undefined && { previous }) };
    const text = writeLine({ kind: 'head', statement, ...key.sign('head', statement) });
    const head = { timeMs: statement.timeMs, digest: statementDigest(statement), text };
    await store.keepHead(head);
    return head;
  };
  const another = (retentionMs = RETENTION_MS, witnesses: readonly HeadWitness[] = [witness]): AuditHeadMaker =>
    new AuditHeadMaker(
      { chains: store, heads: store, signer, witnesses, lease, journal, clock, events },
      { everyMs: EVERY_MS, retentionMs, maker: MAKER },
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

  it('state when the head before was made, as that says it and not as the store does', async () => {
    const madeMs = clock.nowMs();
    const { digest, text } = await foreign();
    store.kept.splice(0, 1, { timeMs: 1, digest, text });
    decide(1);
    await lead();
    const { previous, previousMs } = lastOf(store);
    assert.deepEqual([previous, previousMs], [digest, madeMs]);
  });

  it('are made anew by a key that was replaced while nothing is recorded, so that no process takes the last one for a stranger’s', async () => {
    decide(1);
    await lead();
    const newer = headKey();
    key = newer;
    await clock.advance(3 * EVERY_MS);
    assert.deepEqual(named(), [
      ['d1:1', 'o1:0'],
      ['d1:1', 'o1:0'],
    ]);
    const [, last] = heads();
    assert.ok(isSignedBy(newer.auditKey, 'head', last!));
    assert.equal(last!.statement.full, true);
    assert.equal(await another().differs(new AbortController()), undefined);
    away = new AuthorityError('CAP-S15');
    await clock.advance(3 * EVERY_MS);
    assert.deepEqual([heads().length, maker.problem], [2, undefined]);
  });

  it('name every chain once an hour, and again when another process has made one', async () => {
    await lead();
    await clock.advance(FULL_EVERY_MS);
    decide(1);
    await clock.advance(EVERY_MS);
    assert.deepEqual(named().at(-1), ['d1:1', 'o1:0']);
    lease.lose();
    await settle();
    const { digest } = await foreign();
    decide(2);
    lease.give();
    await clock.advance(EVERY_MS);
    const { chains, previous } = lastOf(store);
    assert.deepEqual([chains.length, previous], [2, digest]);
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
    await foreign();
    await lead();
    assert.equal(store.kept.length, 2);
    assert.deepEqual(witness.kept, store.kept);
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

  describe('are not made of a journal that is not what was signed of it:', () => {
    const DIFFERS = 'no head of the journal can be signed: the journal is not what was signed of it: ';
    const ACCEPT = ' (capstan journal head --accept)';
    const by = { actor: 'alice', role: 'security', reason: 'restored from the backup of 3 May' };
    const differs = (what: string): void => {
      assert.equal(maker.problem, `${DIFFERS}${what}${ACCEPT}`);
      assert.deepEqual(events.of('auditWarning').at(-1), { problem: maker.problem });
      assert.ok((maker.unsignedMs ?? 0) >= 0);
    };
    /** Ten records in twenty minutes, a head of each, and the process has ended. */
    const hasSigned = async (): Promise<void> => {
      await lead();
      for (let number = 1; number <= 10; number += 1) {
        decide(number);
        await clock.advance(2 * 60_000);
      }
      assert.equal(store.kept.length, 11);
      end.abort();
      await running;
      end = new AbortController();
    };
    const begin = async (): Promise<void> => {
      maker = another();
      await lead();
    };
    const other = RECORDS.decision(99, NOON_MS);

    const RUNNING: readonly (readonly [string, () => void, string])[] = [
      [
        'a record was changed, and all behind it linked anew',
        () => store.rewrite('d1', 1, other),
        'record 2 in the chain d1 of decisions is not the one that was signed',
      ],
      [
        'the newest records are gone',
        () => store.lose('d1', 2),
        'record 2 in the chain d1 of decisions is not the one that was signed',
      ],
      ['a chain is gone', () => store.drop('d1'), 'the chain d1 of decisions is gone'],
      ['its heads are gone', () => store.kept.splice(0), 'its heads are gone'],
      [
        'the first records are gone, and the chain is said to be an old one',
        () => {
          store.remove('d1', 1);
          store.reopen('d1', 1);
        },
        'the opening of the chain d1 of decisions is not the one that was signed',
      ],
    ];
    for (const [what, tamper, says] of RUNNING) {
      it(`${what} while the server runs`, async () => {
        decide(1);
        decide(2);
        await lead();
        const made = store.kept.length;
        tamper();
        await clock.advance(EVERY_MS);
        store.open('d2', 'decision', clock.nowMs());
        await clock.advance(EVERY_MS);
        differs(says);
        assert.ok(store.kept.length <= made);
      });
    }

    it('the last head is another than was kept', async () => {
      decide(1);
      await lead();
      const { digest } = lastKept();
      const another = await foreign();
      await clock.advance(EVERY_MS);
      differs(`its last head is ${another.digest}, and ${digest} was signed last`);
    });

    const STOPPED: readonly (readonly [string, () => void, RegExp])[] = [
      [
        'a record was changed, and all behind it linked anew',
        () => store.rewrite('d1', 5, other),
        /^record 10 in the chain d1 of decisions is not the one that was signed$/,
      ],
      [
        'the same, and the heads deleted that name it',
        () => {
          store.rewrite('d1', 3, other);
          store.kept.splice(3);
        },
        /^its last head is of 2026-01-06 12:02:\d\d UTC, long before its last records: none was made, or somebody deleted them$/,
      ],
      [
        'the first records are gone, and the chain is said to be an old one',
        () => {
          store.remove('d1', 1);
          store.reopen('d1', 1);
        },
        /^the opening of the chain d1 of decisions is not the one that was signed$/,
      ],
      [
        'the same, and the newest record said to be an old one',
        () => {
          store.rewrite('d1', 3, other);
          store.lose('d1', 10);
          store.append('d1', RECORDS.decision(10, NOON_MS), NOON_MS);
          store.kept.splice(3);
        },
        /^its last head is of 2026-01-06 12:02:\d\d UTC, long before its last records/,
      ],
      [
        'its heads are gone',
        () => store.kept.splice(0),
        /^it has old records and no head: the key of heads is new here, or somebody deleted them$/,
      ],
      [
        'a head is changed',
        () => store.kept.splice(-1, 1, { ...lastKept(), text: lastKept().text.replace('capstan-0', 'capstan-9') }),
        /^its head [0-9a-f]{64} is not what was kept$/,
      ],
      [
        'a head between two is gone',
        () => store.kept.splice(5, 1),
        /^its head [0-9a-f]{64} is gone, and older ones are there$/,
      ],
      [
        'the last head is signed by another key',
        () => store.kept.splice(-1, 1, signedBy(headKey(), lastKept())),
        /^its last head is signed by another key, [0-9a-f]{64}$/,
      ],
    ];
    for (const [what, tamper, says] of STOPPED) {
      it(`${what} while no server runs`, async () => {
        await hasSigned();
        tamper();
        const made = store.kept.length;
        await begin();
        assert.match(maker.problem ?? '', new RegExp(`^${DIFFERS}`));
        assert.match((maker.problem ?? '').slice(DIFFERS.length, -ACCEPT.length), says);
        await clock.advance(5 * EVERY_MS);
        assert.equal(store.kept.length, made);
        assert.equal(events.of('auditWarning').length, 1);
      });
    }

    it('and nor is anything else, by whichever process, until somebody accepts it', async () => {
      const idle = another();
      const differs = async (of: AuditHeadMaker) => of.differs(new AbortController());
      assert.equal(await differs(idle), undefined);
      await hasSigned();
      assert.equal(await differs(idle), undefined);
      store.rewrite('d1', 5, other);
      await begin();
      const why = `${DIFFERS.slice(DIFFERS.lastIndexOf('the journal'))}record 10 in the chain d1 of decisions is not the one that was signed${ACCEPT}`;
      assert.deepEqual([await differs(maker), await differs(idle)], [why, why]);
      await maker.accept(by, new AbortController());
      await clock.advance(EVERY_MS);
      assert.deepEqual([await differs(maker), await differs(idle)], [undefined, undefined]);
    });

    it('by who made heads before another did, which is no difference', async () => {
      await lead();
      lease.lose();
      await settle();
      await foreign((await store.chains()).map(({ opening: { chain, kind }, last }) => ({ chain, kind, ...last })));
      assert.equal(await maker.differs(new AbortController()), undefined);
    });

    it('until somebody accepts it, who is on record, and from there on they are made as before', async () => {
      await hasSigned();
      store.rewrite('d1', 5, other);
      await begin();
      assert.deepEqual(await maker.accept(by, new AbortController()), {
        accepted: 'record 10 in the chain d1 of decisions is not the one that was signed',
      });
      const { operation, was, is, details } = recorded.at(-1)!;
      assert.deepEqual(
        { operation, was, is, details },
        {
          operation: 'journal head --accept',
          was: 'record 10 in the chain d1 of decisions is not the one that was signed',
          is: 'accepted',
          details: { ...by, target: 'heads of the journal' },
        },
      );
      await clock.advance(EVERY_MS);
      assert.deepEqual([maker.problem, named().at(-1)], [undefined, ['d1:10', 'o1:0']]);
      end.abort();
      await running;
      end = new AbortController();
      await begin();
      assert.equal(maker.problem, undefined);
    });

    it('and where it is what was signed, or another makes heads, there is nothing to accept', async () => {
      await lead();
      assert.ok('problem' in (await maker.accept(by, new AbortController())));
      lease.lose();
      await settle();
      assert.deepEqual(await maker.accept(by, new AbortController()), {
        problem: 'another server makes heads, or none does yet',
      });
    });

    it('but go on after an answer of the store was lost that had kept one', async () => {
      await lead();
      const keep = store.keepHead.bind(store);
      store.keepHead = async (head) => {
        await keep(head);
        throw new AuthorityError('CAP-S04', { detail: 'the connection is lost' });
      };
      decide(1);
      await clock.advance(EVERY_MS);
      assert.match(maker.problem ?? '', /the connection is lost$/);
      store.keepHead = keep;
      decide(2);
      await clock.advance(EVERY_MS);
      assert.deepEqual([maker.problem, named().at(-1)], [undefined, ['d1:2']]);
    });

    describe('by the word of a witness', () => {
      beforeEach(() => void (witness.says = true));
      /** To an old copy: three heads, and what they name. */
      const rollBack = async (): Promise<void> => {
        await hasSigned();
        store.lose('d1', 8);
        store.kept.splice(8);
      };
      const differs =
        /the witness \S+heads\.jsonl has a head of [^,]+, and record 10 in the chain d1 of decisions is not the one that was signed/;

      it('where the whole store was copied back, until an operator accepts it', async () => {
        await rollBack();
        await begin();
        assert.match(maker.problem ?? '', differs);
        assert.match((await maker.differs(end)) ?? '', differs);
        decide(8);
        await clock.advance(EVERY_MS);
        assert.equal(store.kept.length, 8);
        const accepted = await maker.accept({ actor: 'alice', role: 'security', reason: 'restored' }, end);
        assert.ok('accepted' in accepted);
        await clock.advance(EVERY_MS);
        assert.deepEqual([maker.problem, store.kept.length], [undefined, 9]);
        assert.equal(lastOf(store).acceptedMs, lastOf(store).timeMs);
        decide(9);
        await clock.advance(EVERY_MS);
        assert.deepEqual([maker.problem, store.kept.length], [undefined, 10]);
      });

      it('and not again by that of one which has not got the heads behind that', async () => {
        await rollBack();
        witness.problem = 'it is on a read-only file system';
        await begin();
        await maker.accept({ actor: 'alice', role: 'security', reason: 'restored' }, end);
        await clock.advance(EVERY_MS);
        end.abort();
        await running;
        end = new AbortController();
        await begin();
        decide(8);
        await clock.advance(EVERY_MS);
        assert.deepEqual([/not what was signed/.test(maker.problem ?? ''), named().at(-1)?.[0]], [false, 'd1:8']);
      });

      it('beside what the store itself shows, all of which is accepted at once', async () => {
        await hasSigned();
        store.rewrite('d1', 1, other);
        await begin();
        const both =
          /^record 10 in the chain d1 of decisions is not the one that was signed; the witness \S+ has a head/;
        const accepted = await maker.accept({ actor: 'alice', role: 'security', reason: 'restored' }, end);
        assert.match('accepted' in accepted ? accepted.accepted : '', both);
        await clock.advance(EVERY_MS);
        decide(11);
        await clock.advance(EVERY_MS);
        assert.deepEqual([maker.problem, named().at(-1)], [undefined, ['d1:11']]);
      });

      it('also when it did not answer at first', async () => {
        await rollBack();
        witness.unread = 'it cannot be read';
        await begin();
        assert.match(maker.problem ?? '', /heads.jsonl keeps no heads: it cannot be read$/);
        witness.unread = undefined;
        decide(8);
        await clock.advance(EVERY_MS);
        assert.match(maker.problem ?? '', differs);
        assert.equal(witness.kept.length, 11, 'and nothing is added to it');
      });

      it('also where the store itself shows it and several are silent, none of which anybody waits for longer', async () => {
        const silentFor = (name: string): HeadWitness => ({
          name,
          keep: async () => undefined,
          lastLines: async () => new Promise(() => undefined),
        });
        await hasSigned();
        store.rewrite('d1', 5, other);
        maker = another(RETENTION_MS, [silentFor('a volume that hangs'), silentFor('a server that hangs')]);
        await lead();
        for (let second = 0; second < 9; second += 1) await clock.advance(1_000);
        assert.ok(maker.problem?.startsWith(DIFFERS) === true, maker.problem ?? 'nothing is said');
        assert.ok('accepted' in (await maker.accept(by, new AbortController())));
      });

      it('but not where it has less than the store, or heads of another journal or key, or what is no head', async () => {
        await hasSigned();
        const [first] = witness.kept;
        const other = headKey();
        const made = lastOf(store);
        const chains = made.chains.map((chain) => ({ ...chain, sequence: 99 }));
        const of = (key: typeof other, more: Partial<HeadStatement>): string => {
          const statement = { ...made, chains, ...more };
          return writeLine({ kind: 'head', statement, ...key.sign('head', statement) });
        };
        const texts = [of(other, {}), of(key, { cluster: 'another' }), of(key, { trustDomain: 'other.test' }), '{}'];
        witness.kept.splice(0, Infinity, first!, ...texts.map((text) => ({ timeMs: 0, digest: '', text })));
        await begin();
        assert.equal(maker.problem, undefined);
        witness.kept.push({ timeMs: 0, digest: '', text: of(key, {}) });
        end.abort();
        await running;
        end = new AbortController();
        await begin();
        assert.match(String(maker.problem), /record 99/);
      });
    });

    it('but go on after retention took what was signed', async () => {
      await hasSigned();
      store.remove('d1', 10);
      await begin();
      decide(11);
      await clock.advance(EVERY_MS);
      assert.equal(maker.problem, undefined);
      await clock.advance(RETENTION_MS + FULL_EVERY_MS);
      store.drop('d1');
      store.open('d2', 'decision', clock.nowMs());
      await clock.advance(EVERY_MS);
      assert.equal(maker.problem, undefined);
    });

    it('also where records are gone in the name of retention that no head names, as heads are gone with them', async () => {
      await hasSigned();
      const [first] = store.kept;
      for (const left of [[], [first!]]) {
        store.kept.splice(0, Infinity, ...left);
        store.remove('d1', 9);
        await begin();
        assert.match(
          maker.problem ?? '',
          left.length === 0
            ? /it has old records and no head/
            : /records up to 9 of the chain d1 of decisions are gone, of which no head names the last/,
        );
        end.abort();
        await running;
        end = new AbortController();
      }
    });

    it('also where all heads are gone but one that does not name every chain', async () => {
      await hasSigned();
      store.kept.splice(0, store.kept.length - 1);
      store.rewrite('o1', 1, other);
      await begin();
      assert.match(maker.problem ?? '', /heads up to that of [^,]+ are gone, and retention cannot have taken them/);
      store.kept.splice(1);
      await clock.advance(2 * RETENTION_MS);
      assert.equal(maker.problem, undefined, 'and it can by then');
    });

    it('also where acts of operators are gone that are older than what is kept', async () => {
      store.append('o1', RECORDS.operation(1, clock.nowMs()), clock.nowMs());
      await hasSigned();
      await clock.advance(2 * RETENTION_MS);
      store.drop('o1');
      await begin();
      assert.match(maker.problem ?? '', /the chain o1 of operations is gone/);
    });

    it('but go on after retention took a chain whole that is longer by now', async () => {
      await hasSigned();
      await clock.advance(2 * RETENTION_MS);
      store.drop('d1');
      maker = another(90 * RETENTION_MS);
      const keptSinceMs = clock.nowMs() - RETENTION_MS;
      await lead();
      assert.equal(maker.problem, undefined);
      const stated = { periodMs: 90 * RETENTION_MS, keptSinceMs };
      assert.deepEqual(lastOf(store).retention, stated);
      store.open('d2', 'decision', clock.nowMs());
      await clock.advance(FULL_EVERY_MS);
      assert.deepEqual(named().at(-1), ['d2:0']);
      assert.deepEqual(lastOf(store).retention, stated, 'and it stays, as what is gone does not come back');
    });

    it('also where a head of another key, or one that an operator had to accept, says that retention was shorter', async () => {
      await hasSigned();
      const made = heads().at(-1)!.statement;
      const nowMs = clock.nowMs();
      const retention = { periodMs: 1, keptSinceMs: nowMs };
      const text = writeLine({ kind: 'head', statement: { ...made, retention }, ...key.sign('head', made) });
      store.kept.splice(-1, 1, { timeMs: nowMs, digest: statementDigest({ ...made, retention }), text });
      store.drop('d1');
      await begin();
      assert.equal(maker.problem, `${DIFFERS}the signature of its last head is not good${ACCEPT}`);
      await maker.accept(by, new AbortController());
      await clock.advance(EVERY_MS);
      assert.equal(maker.problem, undefined);
      assert.ok(lastOf(store).retention!.keptSinceMs < nowMs - RETENTION_MS + FULL_EVERY_MS);
    });

    it('but go on after the process ended before its last head, however long ago', async () => {
      await hasSigned();
      decide(11);
      await clock.advance(RETENTION_MS / 2);
      decide(12);
      await begin();
      assert.deepEqual([maker.problem, named().at(-1)], [undefined, ['d1:12', 'o1:0']]);
    });

    it('but go on after a long rest, when the process was killed between a record and its head, however long ago', async () => {
      await hasSigned();
      await clock.advance(FULL_EVERY_MS);
      decide(11);
      decide(12);
      await clock.advance(FULL_EVERY_MS);
      await begin();
      assert.deepEqual([maker.problem, named().at(-1)], [undefined, ['d1:12', 'o1:0']]);
    });

    it('but go on after the first process of all was killed before its first head, however long ago', async () => {
      decide(1);
      await clock.advance(FULL_EVERY_MS);
      await begin();
      assert.deepEqual([maker.problem, named()], [undefined, [['d1:1', 'o1:0']]]);
    });

    it('but go on after a clock was ahead, when what was recorded then is long over', async () => {
      await lead();
      store.append('o1', RECORDS.operation(1, clock.nowMs() + FULL_EVERY_MS), clock.nowMs() + FULL_EVERY_MS);
      await clock.advance(EVERY_MS);
      end.abort();
      await running;
      end = new AbortController();
      await clock.advance(3 * FULL_EVERY_MS);
      await begin();
      assert.equal(maker.problem, undefined);
    });

    const lastKept = (): KeptHead => store.kept.at(-1)!;
    function signedBy(otherKey: typeof key, { digest, timeMs, text }: KeptHead): KeptHead {
      const line = readLine(text);
      assert.ok(line?.kind === 'head');
      const { statement } = line;
      return { digest, timeMs, text: writeLine({ kind: 'head', statement, ...otherKey.sign('head', statement) }) };
    }
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
