import assert from 'node:assert/strict';
import { INTERVAL_MS, NAMESPACE, RefusalRecords, STRANGERS } from '../../../src/authority/issuing/refusal-records.ts';
import type { RefusedRecord } from '../../../src/ports/storage/issuance-journal.ts';
import { FakeJournal, testCaller } from '../../support/authority-parts.ts';
import { FakeClock } from '../../support/fakes/fake-clock.ts';
import { recordEvents } from '../../support/fakes/recorded-events.ts';

const NOBODY = undefined;

function scene() {
  const parts = { journal: new FakeJournal(), events: recordEvents(), clock: new FakeClock() };
  const records = new RefusalRecords(parts);
  let ids = 0;
  const refusal = (changes: Partial<RefusedRecord> = {}): RefusedRecord => ({
    decisionId: `d${(ids += 1)}`,
    timeMs: parts.clock.nowMs(),
    api: 'csr',
    remoteAddress: '192.0.2.7:40000',
    outcome: 'refused',
    reason: 'CAP-A05',
    message: 'CAP-A05 the token does not verify: expired',
    ...changes,
  });
  return { ...parts, records, refusal };
}

describe('Refusals in a flood', () => {
  it('of a stranger: one record at once, and one with the number of the others', async () => {
    const { records, refusal, journal, events } = scene();
    assert.equal(records.count(refusal(), NOBODY), undefined);
    for (let port = 0; port < 999; port += 1) {
      assert.equal(records.count(refusal({ remoteAddress: `192.0.2.7:${port}` }), NOBODY), 'd2');
    }
    await records.endInterval();
    const [record, ...others] = journal.records;
    assert.deepEqual(others, []);
    assert.deepEqual(record, {
      ...refusal({ decisionId: 'd2', remoteAddress: '192.0.2.7' }),
      count: 999,
    });
    assert.deepEqual(events.of('refusalsCounted'), [record]);
  });

  it('of a node proxy: told apart by whom it asks for, and counted in the namespaces of those', async () => {
    const { records, refusal, journal } = scene();
    const ztunnel = testCaller('istio-system', 'ztunnel');
    const caller = ztunnel.identity.spiffeId.uri;
    const { identity: web } = testCaller('shop', 'web');
    const { identity: vault } = testCaller('bank', 'vault');
    const refuse = (subject: typeof web) =>
      records.count(refusal({ reason: 'CAP-P01', caller, identity: subject.spiffeId.uri }), ztunnel, subject);
    for (let count = 0; count <= NAMESPACE.each; count += 1) refuse(web);
    assert.equal(refuse(vault), undefined, 'a crowd of one workload does not hide another');
    await records.endInterval();
    assert.deepEqual(
      journal.records.map((record) => [record.caller, record.outcome === 'refused' && record.identity]),
      [[caller, web.spiffeId.uri]],
    );
  });

  it('of a stranger with a whole IPv6 network: it is one source', () => {
    const { records, refusal } = scene();
    const ids = new Set<string | undefined>();
    for (let host = 1; host < 500; host += 1) {
      ids.add(records.count(refusal({ remoteAddress: `2001:db8:1:2::${host.toString(16)}:7` }), NOBODY));
    }
    assert.deepEqual([...ids], [undefined, 'd2']);
  });

  it('of strangers from everywhere: a bound over all of them, and every one is counted', async () => {
    const { records, refusal, journal } = scene();
    let alone = 0;
    for (let host = 0; host < 5_000; host += 1) {
      const remoteAddress = `10.0.${host >> 8}.${host & 255}:1`;
      if (records.count(refusal({ remoteAddress }), NOBODY) === undefined) alone += 1;
    }
    await records.endInterval();
    assert.equal(alone, STRANGERS.alone);
    assert.equal(journal.records.length, 1);
    assert.deepEqual(
      journal.records.map((record) => ({ ...record, decisionId: '' })),
      [
        {
          ...refusal({ decisionId: '', remoteAddress: 'several', message: 'CAP-A05 the token does not verify' }),
          count: 4_900,
        },
      ],
    );
  });

  it('of one namespace: some of each identity and reason, then their number', async () => {
    const { records, refusal, journal } = scene();
    const caller = testCaller('team-a', 'demo');
    const own = { caller: caller.identity.spiffeId.uri, authenticationMethod: 'token', reason: 'CAP-P01' } as const;
    let alone = 0;
    for (let i = 0; i < 2_000; i += 1) if (records.count(refusal(own), caller) === undefined) alone += 1;
    assert.equal(alone, NAMESPACE.each);
    assert.equal(records.count(refusal({ ...own, reason: 'CAP-Q03' }), caller), undefined, 'another reason is told');
    const other = testCaller('team-b');
    assert.equal(records.count(refusal({ ...own, caller: other.identity.spiffeId.uri }), other), undefined);
    await records.endInterval();
    assert.deepEqual(
      journal.records.map((record) => 'count' in record && [record.caller, record.authenticationMethod, record.count]),
      [[own.caller, 'token', 2_000 - NAMESPACE.each]],
    );
  });

  it('of one identity in two clusters: told apart, and what is counted of several names none', async () => {
    const { records, refusal, journal } = scene();
    const caller = testCaller('team-a', 'demo');
    const own = { caller: caller.identity.spiffeId.uri, reason: 'CAP-P01' } as const;
    for (let count = 0; count <= NAMESPACE.each; count += 1) {
      for (const cluster of ['own', 'west']) records.count(refusal({ ...own, cluster }), caller);
    }
    for (let other = 0; other < NAMESPACE.kinds; other += 1) {
      const one = testCaller('team-a', `sa-${other}`);
      for (let count = 0; count <= NAMESPACE.each; count += 1) records.count(refusal({ cluster: 'own' }), one);
    }
    await records.endInterval();
    const named = journal.records.filter((record) => record.caller === own.caller);
    assert.deepEqual(
      named.map(({ cluster }) => cluster),
      ['own', 'west'],
    );
    const several = journal.records.filter(({ caller: named }) => named === undefined);
    assert.ok(several.length > 0 && several.every(({ cluster }) => cluster === undefined));
  });

  it('of one namespace with many identities: a bound over all of them', async () => {
    const { records, refusal, journal } = scene();
    let alone = 0;
    for (let i = 0; i < 3_000; i += 1) {
      const caller = testCaller('team-a', `sa-${i % 1_000}`);
      const own = { caller: caller.identity.spiffeId.uri, reason: 'CAP-P01' } as const;
      if (records.count(refusal(own), caller) === undefined) alone += 1;
    }
    await records.endInterval();
    assert.ok(alone <= NAMESPACE.alone);
    assert.ok(journal.records.length <= NAMESPACE.kinds + 1);
    const counted = journal.records.reduce((sum, record) => sum + ('count' in record ? (record.count ?? 0) : 0), 0);
    assert.equal(alone + counted, 3_000);
  });

  it('of a million in an hour, by strangers from everywhere and by namespaces: a bound on records, and every one is counted', async () => {
    const { records, refusal, journal, clock } = scene();
    const stop = new AbortController();
    const ended = records.run({ signal: stop.signal });
    const minutes = 60;
    const callers = Array.from({ length: 1_000 }, (_, i) => testCaller(`team-${i % 4}`, `sa-${i}`));
    let alone = 0;
    for (let asked = 0; asked < 1_000_000; asked += 1) {
      const caller = asked % 2 === 0 ? undefined : callers[(asked >> 1) % callers.length];
      const remoteAddress = `10.${asked % 7}.${asked % 251}.${asked % 241}:40000`;
      if (records.count(refusal({ remoteAddress }), caller) === undefined) alone += 1;
      if ((asked + 1) % Math.ceil(1_000_000 / minutes) === 0) await clock.advance(INTERVAL_MS);
    }
    await records.endInterval();
    stop.abort();
    await ended;
    const each = STRANGERS.alone + STRANGERS.kinds + 1 + 4 * (NAMESPACE.alone + NAMESPACE.kinds + 1);
    assert.ok(alone + journal.records.length <= minutes * each, `${alone} and ${journal.records.length}`);
    const counted = journal.records.reduce((sum, record) => sum + ('count' in record ? (record.count ?? 0) : 0), 0);
    assert.equal(alone + counted, 1_000_000);
  }).timeout(60_000);

  it('to ourselves each have a record', () => {
    const { records, refusal } = scene();
    for (let i = 0; i < 100; i += 1) assert.equal(records.count(refusal({ api: 'self' }), NOBODY), undefined);
  });

  it('are written every minute', async () => {
    const { records, refusal, journal, clock } = scene();
    const stop = new AbortController();
    const ended = records.run({ signal: stop.signal });
    for (let i = 0; i < 3; i += 1) records.count(refusal(), NOBODY);
    await clock.advance(INTERVAL_MS);
    assert.equal(journal.records.length, 1);
    stop.abort();
    await ended;
  });

  it('wait for a journal that fails, and are written once when it works again', async () => {
    const { records, refusal, journal } = scene();
    for (let i = 0; i < 3; i += 1) records.count(refusal(), NOBODY);
    journal.failing = true;
    await records.endInterval();
    for (let i = 0; i < 3; i += 1) records.count(refusal(), NOBODY);
    journal.failing = false;
    await records.endInterval();
    await records.endInterval();
    assert.deepEqual(
      journal.records.map((record) => 'count' in record && [record.decisionId, record.count]),
      [
        ['d2', 2],
        ['d5', 2],
      ],
    );
  });
});
