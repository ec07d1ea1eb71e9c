import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  isTainted,
  moved,
  NO_LEDGER,
  standingOf,
  withdrawalOf,
  type Generation,
  type IssuerLedger,
} from '../../../src/domain/trust/issuer-ledger.ts';
import { ISSUER_ACTS, isWithdrawn, type IssuerAct } from '../../../src/domain/trust/issuer-state.ts';

const FAR_MS = 1e15;
const generation = (n: number, key = n): Generation => ({
  issuer: 'default',
  id: n.toString(16).padStart(16, '0'),
  keyId: key.toString(16).padStart(64, '0'),
  notAfterMs: FAR_MS,
});
const by = (timeMs = 0) => ({ timeMs, actor: 'local', role: 'security', reason: 'a drill' });

/** The ledger after the acts, leaving out those that are refused. */
function after(acts: readonly (readonly [IssuerAct, Generation])[], ledger = NO_LEDGER): IssuerLedger {
  return acts.reduce((known, [act, one], index) => {
    const next = moved(known, one, act, 'active', by(index));
    return 'problem' in next ? known : next.ledger;
  }, ledger);
}

describe('The ledger of issuers', () => {
  it('has a generation of which nobody said anything in the state that its files give it', () => {
    assert.deepEqual(standingOf(NO_LEDGER, generation(1), 'retiring'), { state: 'retiring' });
    assert.equal(withdrawalOf(NO_LEDGER, generation(1)), undefined);
  });

  it('says who moved a generation, when and why', () => {
    const { state, by: move } = standingOf(after([['suspend', generation(1)]]), generation(1), 'active');
    assert.equal(state, 'suspended');
    assert.deepEqual(move, { ...generation(1), ...by(0), from: 'active', to: 'suspended' });
  });

  it('keeps other generations as they are, unless they have the same key', () => {
    const ledger = after([['taint', generation(1)]]);
    assert.equal(standingOf(ledger, generation(2), 'active').state, 'active');
    assert.equal(standingOf(ledger, generation(3, 1), 'active').state, 'tainted');
  });

  it('knows every certificate of a tainted key as tainted, also when it is retired afterwards, and no other', () => {
    const ledger = after([
      ['taint', generation(1)],
      ['retire', generation(1)],
      ['retire', generation(2)],
      ['suspend', generation(4)],
    ]);
    for (const tainted of [generation(1), generation(3, 1)]) assert.ok(isTainted(ledger, tainted));
    for (const other of [generation(2), generation(4), generation(5)]) assert.ok(!isTainted(ledger, other));
  });

  it('resumes a certificate of a suspended key by the one that was suspended', () => {
    const ledger = after([['suspend', generation(1)]]);
    const other = moved(ledger, generation(3, 1), 'resume', 'active', by());
    assert.ok('problem' in other);
    assert.match(other.problem, /is suspended as 0+1, which has the same key/);
    assert.equal(standingOf(after([['resume', generation(1)]], ledger), generation(3, 1), 'active').state, 'active');
  });

  it('never lets anything sign that was tainted or retired, whatever is done to whichever certificate later', () => {
    const generations = [generation(1), generation(2), generation(3, 1)];
    const act = fc.tuple(fc.constantFrom(...ISSUER_ACTS), fc.constantFrom(...generations));
    fc.assert(
      fc.property(fc.array(act, { maxLength: 12 }), fc.array(act, { maxLength: 12 }), (first, second) => {
        const before = after(first);
        const final = generations.filter((one) =>
          ['tainted', 'retired'].includes(standingOf(before, one, 'active').state),
        );
        const later = after(second, before);
        for (const one of final) assert.ok(isWithdrawn(standingOf(later, one, 'active').state));
      }),
    );
  });

  it('has every move follow from the state before it', () => {
    const act = fc.tuple(fc.constantFrom(...ISSUER_ACTS), fc.constantFrom(generation(1), generation(2)));
    fc.assert(
      fc.property(fc.array(act, { maxLength: 20 }), (acts) => {
        const { moves } = after(acts);
        const last = new Map<string, string>();
        for (const { id, from, to } of moves) {
          assert.equal(from, last.get(id) ?? 'active');
          last.set(id, to);
        }
      }),
    );
  });

  it('forgets the oldest moves when there are a thousand, and never one that a certificate stands by', () => {
    const turns = Array.from({ length: 1_500 }, (_, index) => index);
    const acts = turns.map((turn) => [turn % 2 === 0 ? 'suspend' : 'resume', generation(2)] as const);
    const ledger = after([['taint', generation(1)], ...acts]);
    assert.equal(ledger.moves.length, 1_000);
    assert.equal(standingOf(ledger, generation(1), 'active').state, 'tainted');
  });

  it('forgets by then what is of certificates that have ended', () => {
    const ended = { ...generation(1), notAfterMs: 0 };
    const turns = Array.from({ length: 1_200 }, (_, index) => index);
    const acts = turns.map((turn) => [turn % 2 === 0 ? 'suspend' : 'resume', generation(2)] as const);
    const ledger = after([['taint', ended], ...acts]);
    assert.equal(
      ledger.moves.some(({ id }) => id === ended.id),
      false,
    );
  });
});
