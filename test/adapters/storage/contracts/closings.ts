// What whoever closes identities may rely on, whichever store the journal is in.
import assert from 'node:assert/strict';
import type { ClosingRecord } from '../../../../src/ports/storage/closing-journal.ts';
import { NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { closing, issued, NEVER, refused, traced } from '../sqlite/records.ts';
import type { OpenStore, StoredJournal } from './stored-journal.ts';

const DEMO = 'spiffe://cluster.local/ns/default/sa/demo';
const OTHER = 'spiffe://cluster.local/ns/default/sa/other';
const ZTUNNEL = 'spiffe://cluster.local/ns/istio-system/sa/ztunnel';
const WAITING = { signal: NEVER };
const ATTESTED = { attestation: { serviceAccountUid: 'sa-1' } };

export function itKeepsClosings(open: OpenStore): void {
  let journal: StoredJournal;
  beforeEach(async () => {
    journal = await open();
  });
  afterEach(() => journal[Symbol.asyncDispose]());

  const podsOf = (records: readonly ClosingRecord[]): readonly string[] => records.map(({ podUid }) => podUid);

  it('gives back all that a closing says, and nothing that it does not', async () => {
    const whole = closing('a', {
      remoteCluster: 'west',
      serviceAccountUid: 'sa-1',
      nodeName: 'node-1',
      lastSeenMs: NOON_MS - 1,
      serials: ['7f', '80'],
    });
    const least = closing('b', { timeMs: NOON_MS + 1, liveCertificates: 0, serials: [] });
    await journal.recordClosings([whole, least]);
    assert.deepEqual(await Array.fromAsync(journal.reader.scanClosings(WAITING)), [whole, least]);
    assert.deepEqual(await journal.reader.list({ limit: 9 }, WAITING), [], 'it is no decision');
  });

  it('has one for each pod, account, identity and cluster, and leaves it as it was first', async () => {
    await journal.recordClosings([closing('a')]);
    const others = [
      closing('a', { serviceAccountUid: 'sa-2' }),
      closing('a', { identity: OTHER }),
      closing('a', { remoteCluster: 'west', cluster: 'west' }),
    ];
    await journal.recordClosings([closing('a', { reason: 'namespace_removed', timeMs: NOON_MS + 1 }), ...others]);
    const records = await Array.fromAsync(journal.reader.scanClosings(WAITING));
    assert.deepEqual(records, [closing('a'), ...others]);
    assert.deepEqual(
      new Set((await journal.issuances.closedPods(['a', 'b'], WAITING)).map((closed) => JSON.stringify(closed))),
      new Set(
        [
          { identity: DEMO, podUid: 'a' },
          { identity: DEMO, podUid: 'a', serviceAccountUid: 'sa-2' },
          { identity: OTHER, podUid: 'a' },
          { identity: DEMO, podUid: 'a', remoteCluster: 'west' },
        ].map((closed) => JSON.stringify(closed)),
      ),
    );
  });

  it('lists them newest first, of an identity and since a moment', async () => {
    const at = (podUid: string, seconds: number, identity = DEMO): ClosingRecord =>
      closing(podUid, { timeMs: NOON_MS + seconds * 1_000, identity });
    await journal.recordClosings([at('a', 0), at('b', 1, OTHER), at('c', 2)]);
    const { reader } = journal;
    assert.deepEqual(podsOf(await reader.closings({ limit: 2 }, WAITING)), ['c', 'b']);
    assert.deepEqual(podsOf(await reader.closings({ identity: DEMO, limit: 9 }, WAITING)), ['c', 'a']);
    const since = { identity: DEMO, sinceMs: NOON_MS + 1, limit: 9 };
    assert.deepEqual(podsOf(await reader.closings(since, WAITING)), ['c']);
  });

  it('knows until when the ends of each cluster are on record', async () => {
    const { issuances } = journal;
    assert.equal(await issuances.followedUntil(undefined, WAITING), undefined);
    await journal.recordClosings([], { untilMs: NOON_MS });
    await journal.recordClosings([], { remoteCluster: 'west', untilMs: NOON_MS + 1 });
    await journal.recordClosings([closing('a')], { untilMs: NOON_MS + 2.5 });
    await journal.recordClosings([closing('b')]);
    assert.deepEqual(await issuances.followedUntil(undefined, WAITING), { untilMs: NOON_MS + 2 });
    assert.deepEqual(await issuances.followedUntil('west', WAITING), { remoteCluster: 'west', untilMs: NOON_MS + 1 });
  });

  it('forgets them with the decisions of their time, a step at a time', async () => {
    const at = (podUid: string, seconds: number): ClosingRecord =>
      closing(podUid, { timeMs: NOON_MS + seconds * 1_000 });
    await journal.record(issued('old'), issued('young', { timeMs: NOON_MS + 9_000 }));
    await journal.recordClosings([at('a', 0), at('b', 1), at('c', 2), at('d', 9)]);
    const beforeMs = NOON_MS + 5_000;
    assert.equal(await journal.deleteBefore(beforeMs, 2), 2, 'as many of a kind as were asked for: more may be left');
    assert.equal(await journal.deleteBefore(beforeMs, 2), 1);
    assert.deepEqual(podsOf(await journal.reader.closings({ limit: 9 }, WAITING)), ['d']);
    assert.equal(await journal.reader.count({}, WAITING), 1);
  });

  it('tells what pods of an identity were given, of whom an API server vouched and in which cluster', async () => {
    await journal.record(
      issued('first', { ...ATTESTED, podUid: 'a', serial: '01', notAfterMs: NOON_MS + 1 }),
      issued('second', { ...ATTESTED, podUid: 'a', serial: '02', notAfterMs: NOON_MS + 2 }),
      issued('not asked for', { ...ATTESTED, podUid: 'b' }),
      issued('not attested', { podUid: 'a' }),
      issued('elsewhere', { ...ATTESTED, podUid: 'a', remoteCluster: 'west', serial: '03' }),
      issued('of another', { ...ATTESTED, podUid: 'a', identity: OTHER, caller: OTHER }),
      refused('no', { ...ATTESTED, podUid: 'a', caller: DEMO }),
    );
    const asked = { identity: DEMO, podUids: ['a', 'c'] };
    const pod = { identity: DEMO, podName: 'demo-1', podUid: 'a', nodeName: 'node-1', serviceAccountUid: 'sa-1' };
    assert.deepEqual(await journal.issuances.issuedTo(asked, WAITING), [
      { timeMs: NOON_MS, ...pod, serial: '02', notAfterMs: NOON_MS + 2 },
      { timeMs: NOON_MS, ...pod, serial: '01', notAfterMs: NOON_MS + 1 },
    ]);
    const [remote, ...more] = await journal.issuances.issuedTo({ ...asked, remoteCluster: 'west' }, WAITING);
    assert.deepEqual([remote?.serial, remote?.remoteCluster, more], ['03', 'west', []]);
  });

  it('counts what a node proxy asked for as given to the pods that it is for, not to the proxy', async () => {
    const podNames = [{ name: 'demo-1', uid: 'a' }, { name: 'demo-2', uid: 'b' }, { name: 'without a uid' }];
    const relayed = { ...ATTESTED, caller: ZTUNNEL, podName: 'ztunnel-1', podUid: 'z', policy: traced({ podNames }) };
    await journal.record(issued('relayed', relayed));
    const found = await journal.issuances.issuedTo({ identity: DEMO, podUids: ['a', 'b', 'z'] }, WAITING);
    assert.deepEqual(
      found.map(({ podName, podUid, serviceAccountUid, nodeName }) => [podName, podUid, serviceAccountUid, nodeName]),
      [
        ['demo-1', 'a', undefined, 'node-1'],
        ['demo-2', 'b', undefined, 'node-1'],
      ],
    );
  });

  it('goes through what was issued page by page, however much is of one moment, and misses none', async () => {
    const count = 2_501;
    const at = (n: number): number => NOON_MS + (n < 1_200 ? 0 : n);
    await journal.record(
      ...Array.from({ length: count }, (_, n) =>
        n % 2 === 0
          ? issued(`d${n}`, { ...ATTESTED, podUid: `p${n}`, timeMs: at(n) })
          : refused(`d${n}`, { timeMs: at(n) }),
      ),
    );
    const found: string[] = [];
    let pages = 0;
    for (let fromMs = NOON_MS; fromMs < NOON_MS + count; pages += 1) {
      const page = await journal.issuances.issuedBetween({ fromMs, toMs: NOON_MS + count }, WAITING);
      found.push(...page.issuances.map(({ podUid }) => podUid));
      fromMs = page.untilMs;
    }
    const expected = Array.from({ length: (count + 1) / 2 }, (_, n) => `p${n * 2}`);
    assert.deepEqual(found.toSorted(), expected.toSorted());
    assert.ok(pages >= 2 && pages <= 4, `${pages} pages`);
  });
}
