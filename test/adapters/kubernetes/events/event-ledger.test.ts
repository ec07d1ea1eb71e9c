import assert from 'node:assert/strict';
import { EventLedger } from '../../../../src/adapters/kubernetes/events/event-ledger.ts';
import type { ReportedRefusal } from '../../../../src/ports/policy/refusal-reporter.ts';

const BOUNDS = { maxKinds: 3, maxKindsEach: 3, againMs: 300_000, forgetMs: 3_000_000 };

function refusal(name: string, reason = 'CAP-P12', message = 'no', namespace = 'shop'): ReportedRefusal {
  return { involved: { kind: 'ServiceAccount', namespace, name }, reason, message };
}

describe('The ledger of Events', () => {
  it('has the first of a kind due at once, and those that follow once, five minutes later, with their number', () => {
    const ledger = new EventLedger(BOUNDS);
    ledger.take(refusal('web', 'CAP-P12', 'first'), 0);
    assert.deepEqual(ledger.next(0), { ...refusal('web', 'CAP-P12', 'first'), count: 1, firstMs: 0, lastMs: 0 });
    for (let ms = 1; ms <= 10; ms += 1) ledger.take(refusal('web', 'CAP-P12', 'later'), ms);
    assert.equal(ledger.next(10), undefined);
    assert.equal(ledger.nextMs(), 300_000);
    assert.deepEqual(ledger.next(300_000), {
      ...refusal('web', 'CAP-P12', 'later'),
      count: 11,
      firstMs: 0,
      lastMs: 10,
    });
    assert.deepEqual([ledger.next(900_000), ledger.nextMs()], [undefined, Infinity]);
  });

  it('keeps accounts and reasons apart', () => {
    const ledger = new EventLedger(BOUNDS);
    for (const one of [refusal('web'), refusal('api'), refusal('web', 'CAP-Q03')]) ledger.take(one, 0);
    const due = [ledger.next(0), ledger.next(0), ledger.next(0)];
    assert.deepEqual(
      due.map((one) => [one?.involved.name, one?.reason]),
      [
        ['web', 'CAP-P12'],
        ['api', 'CAP-P12'],
        ['web', 'CAP-Q03'],
      ],
    );
  });

  it('has no room for more kinds than its bound, until one has been quiet for a while', () => {
    const ledger = new EventLedger(BOUNDS);
    for (const name of ['a', 'b', 'c']) ledger.take(refusal(name), 0);
    assert.equal(ledger.take(refusal('d'), 0), false);
    ledger.next(0);
    assert.equal(ledger.take(refusal('d'), 1), false);
    assert.equal(ledger.take(refusal('d'), 300_000), true);
    assert.equal(ledger.take(refusal('a'), 300_000), false);
  });

  it('begins anew with what the API server has forgotten', () => {
    const ledger = new EventLedger(BOUNDS);
    ledger.take(refusal('web'), 0);
    ledger.next(0);
    ledger.take(refusal('web'), 3_000_000);
    assert.deepEqual(ledger.next(3_000_000)?.count, 1);
  });

  it('gives namespaces turns, and each a part of the room: who is refused under many names waits for himself', () => {
    const ledger = new EventLedger({ ...BOUNDS, maxKinds: 10, maxKindsEach: 4 });
    const took = Array.from({ length: 6 }, (_, index) => ledger.take(refusal(`w${index}`), 0));
    assert.deepEqual(took, [true, true, true, true, false, false]);
    assert.equal(ledger.take(refusal('api', 'CAP-P12', 'no', 'data'), 0), true);
    assert.deepEqual(
      [ledger.next(0), ledger.next(0), ledger.next(0)].map((due) => due?.involved.namespace),
      ['shop', 'data', 'shop'],
    );
    // The first of its own that was told and is quiet makes room, and no other namespace's.
    assert.equal(ledger.take(refusal('later'), 300_000), true);
    ledger.take(refusal('api', 'CAP-P12', 'no', 'data'), 300_000);
    assert.equal(ledger.next(300_000)?.involved.namespace, 'shop');
    assert.equal(ledger.next(300_000)?.count, 2);
  });
});
