// What the page of refusals asks of the store: of a team only what is its own crosses to the thread that issues.
import assert from 'node:assert/strict';
import { MAX_RECORDS } from '../../../../src/adapters/http/admin/records/administer-records.ts';
import { composeRecordAdministration } from '../../../../src/app/compose/administration/record-administration.ts';
import type { Foundation } from '../../../../src/app/compose/foundation.ts';
import type { RefusedRecord } from '../../../../src/ports/storage/issuance-journal.ts';
import type { FoundRefused, NewestRecords, RefusedIn } from '../../../../src/ports/storage/operation-journal.ts';
import { refused, traced } from '../../../adapters/storage/sqlite/records.ts';
import { FakeClock, NOON_MS } from '../../../support/fakes/fake-clock.ts';

const idIn = (namespace: string): string => `spiffe://cluster.local/ns/${namespace}/sa/web`;
const HOUR_MS = 3_600_000;

describe('The refusals that a team is shown', () => {
  let asked: RefusedIn[];
  beforeEach(() => (asked = []));

  async function shown(found: FoundRefused) {
    const newest: Pick<NewestRecords, 'refusedIn' | 'list'> = {
      refusedIn: async (question) => {
        asked.push(question);
        return Promise.resolve(found);
      },
      list: async () => Promise.reject(new Error('the records of all cross to the thread that issues')),
    };
    const foundation = { clock: new FakeClock(), running: new AbortController().signal } as unknown as Foundation;
    const { refusals } = composeRecordAdministration(foundation, { newest: newest as NewestRecords });
    return refusals({ sinceMs: NOON_MS - HOUR_MS, namespaces: ['shop'] });
  }

  const own = (count: number): readonly RefusedRecord[] =>
    Array.from({ length: count }, (_, at) => refused(`${at}`, { timeMs: NOON_MS - at, caller: idIn('shop') }));

  it('are asked for by its namespaces, and go back as far as the store looked', async () => {
    const { groups, sinceMs } = await shown({ records: own(3), sinceMs: NOON_MS - 60_000 });
    assert.deepEqual(
      groups.map((group) => (group as { readonly count: number }).count),
      [3],
    );
    assert.equal(sinceMs, NOON_MS - 60_000);
    assert.deepEqual(asked, [{ namespaces: ['shop'], sinceMs: NOON_MS - HOUR_MS, among: 20_000, limit: MAX_RECORDS }]);
  });

  it('go back to the oldest of them where there may be more', async () => {
    const { sinceMs } = await shown({ records: own(MAX_RECORDS), sinceMs: NOON_MS - HOUR_MS });
    assert.equal(sinceMs, NOON_MS - MAX_RECORDS + 1);
  });

  it('are its own by the identity that policy judged, whatever the store went by', async () => {
    const policy = { ...traced(), subject: idIn('pay') };
    const records = [refused('1', { caller: idIn('shop'), policy }), ...own(1)];
    const { groups } = await shown({ records, sinceMs: NOON_MS - HOUR_MS });
    assert.deepEqual(
      groups.map((group) => (group as { readonly count: number }).count),
      [1],
    );
  });
});
