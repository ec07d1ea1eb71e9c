import assert from 'node:assert/strict';
import { LiveRound } from '../../../src/authority/drift/live-round.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import type { InventoryEntry } from '../../../src/domain/inventory/entry.ts';
import type { InventoryQuestion } from '../../../src/ports/inventory/inventory.ts';
import type { DecisionRecord, IssuedRecord } from '../../../src/ports/storage/issuance-journal.ts';
import { policySet } from '../../support/policy/policies.ts';

const NEVER = { signal: new AbortController().signal };
/** What judging one certificate takes, in ms. */
const EACH_MS = 0.3;

describe('A round over live certificates', () => {
  let nowMs: number;
  let judged: string[];
  let asked: (readonly string[])[];
  let questions: InventoryQuestion['conditions'][];
  let problem: AuthorityError | undefined;

  beforeEach(() => ([nowMs, judged, asked, questions, problem] = [0, [], [], [], undefined]));

  function round(ids: readonly string[], namespaces?: readonly string[]): LiveRound<readonly string[]> {
    const reviewer = {
      add: (record?: DecisionRecord) => {
        nowMs += EACH_MS;
        judged.push(record?.decisionId ?? 'gone');
      },
      result: () => judged,
    };
    const page = async ({ conditions }: InventoryQuestion) => {
      questions.push(conditions);
      return { entries: ids.map((decisionId) => ({ decisionId }) as InventoryEntry), asOfMs: 1 };
    };
    const issuedBy = async (decisionIds: readonly string[]) => {
      asked.push(decisionIds);
      if (problem !== undefined) throw problem;
      const kept = decisionIds.filter((id) => id !== 'gone').toReversed();
      return kept.map((decisionId) => ({ decisionId }) as IssuedRecord);
    };
    const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
    const settings = { policies: policySet(), asOfMs: 0, reviewer, ...(namespaces && { namespaces }) };
    const inventory = { page, endsIn: async () => [ids.length] };
    return new LiveRound({ inventory, records: { issuedBy }, clock }, settings);
  }

  it('judges no more at once than the event loop can spare, however much policies ask', async () => {
    const some = round(Array.from({ length: 100 }, (_, index) => `d-${index}`));
    await some.step(NEVER);
    for (let slices = 0; !some.isComplete; slices += 1) {
      const sinceMs = nowMs;
      await some.step(NEVER);
      assert.ok(nowMs - sinceMs < 1 + EACH_MS);
    }
    assert.equal(new Set(judged).size, 100);
    assert.equal(asked.length, 1, 'all of a page are asked for in one question');
  });

  it('counts a page once whose records could not be read at first, and in the order of names', async () => {
    const some = round(['one', 'gone', 'two']);
    problem = new AuthorityError('CAP-S04', { detail: 'away' });
    await assert.rejects(some.step(NEVER), { reason: 'CAP-S04' });
    problem = undefined;
    while (!some.isComplete) await some.step(NEVER);
    assert.deepEqual([judged, some.entries], [['one', 'gone', 'two'], 3]);
  });

  it('is over those of some namespaces where it is told so, one after the other', async () => {
    const some = round(['one'], ['shop', 'bank']);
    while (!some.isComplete) await some.step(NEVER);
    assert.deepEqual(questions, [{ namespace: 'shop' }, { namespace: 'bank' }]);
  });
});
