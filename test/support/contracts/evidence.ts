// What the ports of evidence promise, of each implementation.
import assert from 'node:assert/strict';
import type { WorkloadEvidence } from '../../../src/domain/trust/rotation/evidence.ts';
import type { ClosingRecord } from '../../../src/ports/storage/closing-journal.ts';
import type { EvidenceNotes, EvidenceReader, ProxyNote } from '../../../src/ports/storage/evidence.ts';
import type { IssuedRecord } from '../../../src/ports/storage/issuance-journal.ts';
import { closing, issued, refused, traced } from '../../adapters/storage/sqlite/records.ts';
import { NOON_MS } from '../fakes/fake-clock.ts';

const HOUR_MS = 3_600_000;
const NEVER = { signal: new AbortController().signal };
const [OLD, NEW] = ['a'.repeat(64), 'b'.repeat(64)];
const DEMO = 'spiffe://cluster.local/ns/default/sa/demo';
const VM = 'spiffe://cluster.local/ns/vm/sa/web';
const ZTUNNEL = 'spiffe://cluster.local/ns/istio-system/sa/ztunnel';
const BUNDLES = [
  { digest: 'first', anchors: [OLD] },
  { digest: 'both', anchors: [OLD, NEW] },
];

export interface KnownEvidence {
  readonly decisions: readonly (IssuedRecord | ReturnType<typeof refused>)[];
  readonly closings?: readonly ClosingRecord[];
  readonly notes?: Partial<EvidenceNotes>;
}

let decisions = 0;
const leaf = (changes: Partial<IssuedRecord> = {}): IssuedRecord => {
  decisions += 1;
  const of = { trustAnchor: OLD, timeMs: NOON_MS - HOUR_MS, notAfterMs: NOON_MS + HOUR_MS };
  return issued(`decision-${decisions}`, { serial: decisions.toString(16), podUid: 'pod-1', ...of, ...changes });
};
/** As a machine has it. */
function withoutPod(record: IssuedRecord): IssuedRecord {
  const fields = Object.entries({ ...record, caller: VM, identity: VM });
  return Object.fromEntries(fields.filter(([name]) => !/^(pod|node)/.test(name))) as unknown as IssuedRecord;
}
const note = (changes: Partial<ProxyNote> = {}): ProxyNote => ({
  identity: DEMO,
  podUid: 'pod-1',
  proxy: 'sidecar~1',
  timeMs: NOON_MS - 1_000,
  seenMs: NOON_MS - 1_000,
  ...changes,
});

export function describeEvidence(what: string, make: (known: KnownEvidence) => Promise<EvidenceReader>): void {
  describe(`Evidence ${what}`, () => {
    const found = async (known: KnownEvidence): Promise<readonly WorkloadEvidence[]> => {
      const reader = await make(known);
      const workloads = await Array.fromAsync(reader.liveWorkloads({ nowMs: NOON_MS }, NEVER));
      return workloads.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
    };
    const only = async (known: KnownEvidence): Promise<WorkloadEvidence> => {
      const [workload, ...more] = await found(known);
      assert.equal(more.length, 0);
      assert.ok(workload);
      return workload;
    };

    it('has one workload for each pod of an identity and one for all holders without a pod, with what is valid of each', async () => {
      const workloads = await found({
        decisions: [
          leaf({ notAfterMs: NOON_MS + 5, issuerName: 'gold', podUid: 'pod-1' }),
          leaf({ timeMs: NOON_MS - 9, trustAnchor: NEW, serial: 'beef', issuer: 'c'.repeat(16), api: 'sds' }),
          leaf({ notAfterMs: NOON_MS, podUid: 'pod-3' }),
          leaf({ podUid: 'pod-2', podName: 'demo-2' }),
          withoutPod(leaf({ notAfterMs: NOON_MS + 7 })),
          withoutPod(leaf({ timeMs: NOON_MS - 5 })),
          leaf({ api: 'self', identity: 'capstan.example' }),
          refused('no', { caller: DEMO, podUid: 'pod-4' }),
        ],
      });
      assert.deepEqual(workloads.map(nameOf), [`${DEMO} pod-1`, `${DEMO} pod-2`, `${VM} `]);
      const [renewed, , machines] = workloads;
      assert.deepEqual(renewed, {
        identity: DEMO,
        podUid: 'pod-1',
        podName: 'demo-1',
        nodeName: 'node-1',
        leaf: {
          serial: 'beef',
          api: 'sds',
          issuer: 'c'.repeat(16),
          trustAnchor: NEW,
          issuedMs: NOON_MS - 9,
          notAfterMs: NOON_MS + HOUR_MS,
        },
        live: [
          { trustAnchor: NEW, latestEndMs: NOON_MS + HOUR_MS },
          { trustAnchor: OLD, latestEndMs: NOON_MS + 5 },
        ],
        streams: [],
      });
      assert.deepEqual(machines?.live, [{ trustAnchor: OLD, latestEndMs: NOON_MS + HOUR_MS }]);
      assert.equal(machines.leaf.issuedMs, NOON_MS - 5);
    });

    it('tells the same names in two clusters apart', async () => {
      const workloads = await found({ decisions: [leaf(), leaf({ remoteCluster: 'west' })] });
      assert.deepEqual(
        workloads.map(({ cluster }) => cluster),
        [undefined, 'west'],
      );
    });

    it('knows what a pod was sent last with the answer to a CSR', async () => {
      const { received } = await only({
        decisions: [leaf({ bundle: 'first' }), leaf({ bundle: 'both', timeMs: NOON_MS - 9 }), leaf({ api: 'sds' })],
        notes: { bundles: BUNDLES },
      });
      assert.deepEqual(received, [{ anchors: [OLD, NEW], timeMs: NOON_MS - 9 }]);
    });

    it('takes of holders without a pod each that they were sent, for any may be in use', async () => {
      const { received } = await only({
        decisions: [leaf({ bundle: 'first' }), leaf({ bundle: 'both', timeMs: NOON_MS - 9 })].map(withoutPod),
        notes: { bundles: BUNDLES },
      });
      assert.deepEqual(received, [
        { anchors: [OLD, NEW], timeMs: NOON_MS - 9 },
        { anchors: [OLD], timeMs: NOON_MS - HOUR_MS },
      ]);
    });

    it('takes a bundle that nobody noted for one without anchors, and an answer that named none for none', async () => {
      const [older, unknown] = await found({
        decisions: [
          leaf({ bundle: 'first' }),
          leaf({ timeMs: NOON_MS - 9 }),
          leaf({ bundle: 'first', podUid: 'pod-2' }),
        ],
      });
      assert.deepEqual(unknown?.received?.[0]?.anchors, []);
      assert.equal(older?.received, undefined);
    });

    it('knows the anchor of the certificate that a workload showed last, and takes none that its relay showed', async () => {
      const [own, relayed] = await found({
        decisions: [
          leaf({ caller: ZTUNNEL, podUid: 'relay', presentedAnchor: NEW }),
          leaf({ presentedAnchor: OLD, trustAnchor: NEW }),
          leaf({ presentedAnchor: NEW, trustAnchor: NEW, timeMs: NOON_MS - 9 }),
          leaf({ timeMs: NOON_MS - 8 }),
        ],
      });
      assert.deepEqual(own?.presented, { trustAnchor: NEW, timeMs: NOON_MS - 9 });
      assert.equal(relayed?.presented, undefined);
      assert.equal(relayed?.relay, ZTUNNEL);
    });

    it('has what each proxy acknowledged, and what it rejected since', async () => {
      const rejected = { message: 'Failed to load trusted CA', timeMs: NOON_MS - 500 };
      const { streams } = await only({
        decisions: [leaf({ api: 'sds' })],
        notes: {
          bundles: BUNDLES,
          proxies: [
            note({ bundle: 'both', rejected }),
            note({ proxy: 'sidecar~2' }),
            note({ podUid: 'pod-2', bundle: 'both' }),
            note({ remoteCluster: 'west', bundle: 'both' }),
            note({ identity: VM, bundle: 'both' }),
          ],
        },
      });
      const timeMs = NOON_MS - 1_000;
      assert.deepEqual(
        streams.toSorted((a, b) => (a.proxy < b.proxy ? -1 : 1)),
        [
          { proxy: 'sidecar~1', anchors: [OLD, NEW], timeMs, rejected },
          { proxy: 'sidecar~2', anchors: [], timeMs },
        ],
      );
    });

    it('lets the later note of a proxy count, and leaves one out that was not seen since the oldest live certificate', async () => {
      const gone = note({ proxy: 'gone', seenMs: NOON_MS - 3 * HOUR_MS });
      const known = note({ bundle: 'both' });
      const earlier = note({ bundle: 'first', seenMs: known.seenMs - 1 });
      const { streams } = await only({
        decisions: [leaf({ api: 'sds' })],
        notes: { bundles: BUNDLES, proxies: [known, earlier, gone] },
      });
      assert.deepEqual(streams, [{ proxy: 'sidecar~1', anchors: [OLD, NEW], timeMs: NOON_MS - 1_000 }]);
    });

    it('has the certificate that a proxy acknowledged last, also when it is back and has acknowledged none since', async () => {
      const acknowledged = { trustAnchor: OLD, notAfterMs: NOON_MS + HOUR_MS };
      const known = note({ bundle: 'both', leaf: acknowledged, seenMs: NOON_MS - 2_000 });
      const { streams } = await only({
        decisions: [leaf({ api: 'sds', trustAnchor: NEW })],
        notes: { bundles: BUNDLES, proxies: [known, note({ bundle: 'both' })] },
      });
      assert.deepEqual(streams[0]?.leaf, acknowledged);
    });

    it('keeps whatever text a client says', async () => {
      const message = 'a\u0000b "c" \\u0000';
      const proxy = note({ proxy: '\ud800 node', rejected: { message, timeMs: NOON_MS } });
      const { streams } = await only({ decisions: [leaf()], notes: { proxies: [proxy] } });
      assert.equal(streams.length, 1);
      assert.match(String(streams[0]?.rejected?.message), /"c" \\u0000$/);
    });

    it('leaves out pods that ended, but not the pod that lives on under another account', async () => {
      const attested = (serviceAccountUid: string): Partial<IssuedRecord> => ({ attestation: { serviceAccountUid } });
      const workloads = await found({
        decisions: [
          leaf({ podUid: 'ended', ...attested('account-1') }),
          leaf({ podUid: 'reborn', ...attested('account-1') }),
          leaf({ podUid: 'reborn', timeMs: NOON_MS - 9, ...attested('account-2') }),
          leaf({ podUid: 'elsewhere', ...attested('account-1') }),
          leaf({ podUid: 'lives', ...attested('account-1') }),
        ],
        closings: [
          closing('ended', { serviceAccountUid: 'account-1' }),
          closing('reborn', { serviceAccountUid: 'account-1' }),
          closing('elsewhere', { serviceAccountUid: 'account-1', remoteCluster: 'west' }),
        ],
      });
      assert.deepEqual(
        workloads.map(({ podUid }) => podUid),
        ['elsewhere', 'lives', 'reborn'],
      );
    });

    it('leaves out what a node proxy has for pods that all ended, or has ended itself', async () => {
      const relayed = (podUid: string, ...uids: readonly string[]): IssuedRecord => {
        const podNames = uids.map((uid) => ({ name: uid, uid }));
        const policy = traced({ podNames });
        return leaf({ caller: ZTUNNEL, podUid, policy, attestation: { serviceAccountUid: 'proxies' } });
      };
      const workloads = await found({
        decisions: [relayed('node-1', 'a'), relayed('node-2', 'a', 'b'), relayed('node-3', 'c'), relayed('node-4')],
        closings: [closing('a'), closing('node-3', { identity: ZTUNNEL, serviceAccountUid: 'proxies' })],
      });
      assert.deepEqual(
        workloads.map(({ podUid }) => podUid),
        ['node-2', 'node-4'],
      );
    });

    it('has at an earlier moment also who has no certificate any more, and of who renewed since the newest', async () => {
      const reader = await make({
        decisions: [
          leaf({ podUid: 'ran-out', notAfterMs: NOON_MS - 5 }),
          leaf({ podUid: 'renewed', notAfterMs: NOON_MS - 5 }),
          leaf({ podUid: 'renewed', timeMs: NOON_MS - 2, serial: 'beef' }),
          leaf({ podUid: 'long-ago', notAfterMs: NOON_MS - 11 }),
        ],
      });
      const then = await Array.fromAsync(reader.liveWorkloads({ nowMs: NOON_MS - 10 }, NEVER));
      assert.deepEqual(then.map(({ podUid }) => podUid).toSorted(), ['ran-out', 'renewed']);
      assert.equal(then.find(({ podUid }) => podUid === 'renewed')?.leaf.serial, 'beef');
    });

    it('knows when a workload was issued to last, also what has ended, and nothing of what Capstan issues to itself', async () => {
      const reader = await make({
        decisions: [
          leaf({ timeMs: NOON_MS - 9, notAfterMs: NOON_MS - 8 }),
          leaf({ timeMs: NOON_MS - 7, notAfterMs: NOON_MS - 6 }),
          leaf({ timeMs: NOON_MS - 5, api: 'self', identity: 'capstan.example' }),
          refused('not', { caller: DEMO, timeMs: NOON_MS - 4 }),
        ],
      });
      assert.equal(await reader.lastIssuedMs({ beforeMs: NOON_MS }, NEVER), NOON_MS - 7);
      assert.equal(await reader.lastIssuedMs({ beforeMs: NOON_MS - 7 }, NEVER), NOON_MS - 9);
      assert.equal(await reader.lastIssuedMs({ beforeMs: NOON_MS - 9 }, NEVER), undefined);
    });

    it('gives each workload once, however many identities, pods and certificates there are', async () => {
      const identities = Array.from({ length: 700 }, (_, index) => `spiffe://cluster.local/ns/many/sa/${index}`);
      const many = identities.map((identity) => leaf({ identity, caller: identity }));
      const pods = Array.from({ length: 1_300 }, (_, index) => leaf({ podUid: `pod-${index}` }));
      const again = Array.from({ length: 900 }, () => leaf({ podUid: 'pod-7' }));
      const workloads = await found({ decisions: [...many, ...pods, ...again] });
      assert.equal(new Set(workloads.map(nameOf)).size, 2_000);
      assert.equal(workloads.length, 2_000);
    });

    it('may be left anywhere, and is not read for who gave up', async () => {
      const pods = Array.from({ length: 1_200 }, (_, index) => leaf({ podUid: `pod-${index}` }));
      const reader = await make({ decisions: pods });
      const some = reader.liveWorkloads({ nowMs: NOON_MS }, NEVER)[Symbol.asyncIterator]();
      await some.next();
      await some.return?.();
      assert.equal((await Array.fromAsync(reader.liveWorkloads({ nowMs: NOON_MS }, NEVER))).length, 1_200);
      const reason = new Error('the server stops');
      const stopped = reader.liveWorkloads({ nowMs: NOON_MS }, { signal: AbortSignal.abort(reason) });
      await assert.rejects(Array.fromAsync(stopped), reason);
    });
  });
}

function nameOf({ identity, podUid = '', cluster = '' }: WorkloadEvidence): string {
  return `${identity} ${podUid}${cluster}`;
}
