// What policy, renewal and trust rely on of what was issued before, whichever store it is in.
import assert from 'node:assert/strict';
import type { RecordedIssuer } from '../../../../src/ports/storage/issuer-records.ts';
import { NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { issued, NEVER, refused, traced } from '../sqlite/records.ts';
import type { OpenStore, StoredJournal } from './stored-journal.ts';

const DEMO = 'spiffe://cluster.local/ns/default/sa/demo';
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const WAITING = { signal: NEVER };

export function itKnowsWhatWasIssued(open: OpenStore): void {
  let journal: StoredJournal;
  beforeEach(async () => {
    journal = await open();
  });
  afterEach(() => journal[Symbol.asyncDispose]());

  describe('the certificate that an identity has', () => {
    it('is the one that it was given last, refusals and other identities aside', async () => {
      await journal.record(
        issued('older', { timeMs: NOON_MS - 2000, notAfterMs: NOON_MS + 9 * HOUR_MS }),
        issued('newest', { timeMs: NOON_MS - 1000, notAfterMs: NOON_MS + HOUR_MS }),
        refused('no', { caller: DEMO }),
        issued('of another', { identity: 'spiffe://cluster.local/ns/default/sa/other' }),
      );
      assert.deepEqual(await journal.history.currentCertificateOf(DEMO, NOON_MS, WAITING), {
        issuedMs: NOON_MS - 1000,
        notAfterMs: NOON_MS + HOUR_MS,
        waived: {},
      });
    });

    it('is none that the same identity of a remote cluster was given, however new', async () => {
      await journal.record(
        issued('here', { timeMs: NOON_MS - 2000 }),
        issued('there', { timeMs: NOON_MS - 1000, remoteCluster: 'west' }),
      );
      assert.equal((await journal.history.currentCertificateOf(DEMO, NOON_MS, WAITING))?.issuedMs, NOON_MS - 2000);
      assert.equal((await journal.history.currentCertificateOf(DEMO, NOON_MS, WAITING))?.issuedMs, NOON_MS - 2000);
    });

    it('tells since when a condition has been waived, so that a restart gives no new grace', async () => {
      await journal.record(issued('a', { policy: traced() }));
      assert.deepEqual((await journal.history.currentCertificateOf(DEMO, NOON_MS, WAITING))?.waived, {
        'default/demo spec.conditions.has-netpol': NOON_MS - 2 * HOUR_MS,
      });
    });

    it('counts only until it ends', async () => {
      await journal.record(issued('a', { notAfterMs: NOON_MS + HOUR_MS }));
      const ofDemo = async (atMs: number) => journal.history.currentCertificateOf(DEMO, atMs, WAITING);
      assert.ok(await ofDemo(NOON_MS + HOUR_MS - 1));
      assert.equal(await ofDemo(NOON_MS + HOUR_MS), undefined);
      const unknown = 'spiffe://cluster.local/ns/default/sa/unknown';
      assert.equal(await journal.history.currentCertificateOf(unknown, NOON_MS, WAITING), undefined);
    });

    it('is seen as soon as the journal has it', async () => {
      await journal.record(refused('no', { caller: DEMO }));
      assert.equal(await journal.history.currentCertificateOf(DEMO, NOON_MS, WAITING), undefined);
      await journal.record(issued('a'));
      assert.ok(await journal.history.currentCertificateOf(DEMO, NOON_MS, WAITING));
    });
  });

  describe('a leaf', () => {
    const LEAF = { identity: DEMO, serial: '7f00aa', notAfterMs: NOON_MS + HOUR_MS };
    const proof = { proofId: 'first', provenAtMs: NOON_MS - HOUR_MS };

    it('is known with its issuer, and the proof that it goes back to', async () => {
      await journal.record(issued('a', proof), issued('b', { serial: '7f00ab', proofId: 'b', provenAtMs: NOON_MS }));
      const lineage = { id: 'first', provenAtMs: NOON_MS - HOUR_MS };
      const pod = { podName: 'demo-1', podUid: '8a1f', nodeName: 'node-1' };
      assert.deepEqual(await journal.history.recordOf(LEAF, WAITING), { issuer: 'fedcba9876543210', lineage, pod });
    });

    it('is known with the pod, the cluster and the attestation of its proof, but not with how fresh that was seen', async () => {
      const attestation = { serviceAccountUid: 'sa-1', tokenId: 't-1', tokenReview: 'confirmed' } as const;
      const attested = { attestation: { ...attestation, clusterStaleMs: 400 }, remoteCluster: 'west' };
      await journal.record(issued('a', { ...proof, ...attested }));
      const known = await journal.history.recordOf(LEAF, WAITING);
      assert.deepEqual(known?.attestation, attestation);
      assert.equal(known.remoteCluster, 'west');
    });

    it('of a caller without a pod is of none', async () => {
      const { podName, podUid, nodeName, ...plain } = issued('a', proof);
      assert.ok(podName && podUid && nodeName);
      await journal.record(plain);
      assert.equal((await journal.history.recordOf(LEAF, WAITING))?.pod, undefined);
    });

    it('is known only if serial, identity and end are those of the record, and it was issued to a workload', async () => {
      const { caller, authenticationMethod, credentialId, ...self } = issued('self', { api: 'self', serial: '7f00ac' });
      assert.ok(caller && authenticationMethod && credentialId);
      await journal.record(issued('a', proof), refused('no', { caller: DEMO }), self);
      assert.ok(await journal.history.recordOf(LEAF, WAITING));
      for (const other of [
        { serial: '7f00ab' },
        { serial: '7f00ac' },
        { identity: 'spiffe://cluster.local/ns/default/sa/other' },
        { notAfterMs: NOON_MS + HOUR_MS + 1000 },
      ]) {
        assert.equal(await journal.history.recordOf({ ...LEAF, ...other }, WAITING), undefined, JSON.stringify(other));
      }
    });
  });

  describe('issuers', () => {
    const issuer = (id: string, changes: Partial<RecordedIssuer> = {}): RecordedIssuer => ({
      id,
      certificateDer: Buffer.from(`certificate of ${id}`),
      notAfterMs: NOON_MS + 100 * DAY_MS,
      longestLeafMs: DAY_MS,
      ...changes,
    });
    /** As a server does that starts with it, or changes to it. */
    const keep = async (recorded: RecordedIssuer | readonly RecordedIssuer[], nowMs: number): Promise<void> =>
      journal.keepIssuers([recorded].flat(), nowMs);

    async function knownAt(nowMs: number): Promise<readonly string[]> {
      const known = await journal.history.issuersAt(nowMs, WAITING);
      const texts = known.map(({ certificateDer }) => Buffer.from(certificateDer).toString('utf8'));
      return texts.map((text) => text.replace('certificate of ', '')).sort();
    }

    it('are known until they end, while they sign', async () => {
      await keep(issuer('one'), NOON_MS);
      assert.deepEqual(await knownAt(NOON_MS + 100 * DAY_MS), ['one']);
      assert.deepEqual(await knownAt(NOON_MS + 100 * DAY_MS + 1), []);
    });

    it('are known, once another signs, until their last leaf is over', async () => {
      await keep(issuer('one'), NOON_MS);
      await keep(issuer('two'), NOON_MS + HOUR_MS);
      assert.deepEqual(await knownAt(NOON_MS + HOUR_MS + DAY_MS), ['one', 'two']);
      assert.deepEqual(await knownAt(NOON_MS + HOUR_MS + DAY_MS + 1), ['two']);
    });

    it('gain no time by restarts under the other', async () => {
      await keep(issuer('one'), NOON_MS);
      for (let hours = 1; hours < 30; hours += 1) await keep(issuer('two'), NOON_MS + hours * HOUR_MS);
      assert.deepEqual(await knownAt(NOON_MS + HOUR_MS + DAY_MS + 1), ['two']);
    });

    it('are remembered with the longest life that leaves ever had, when that is shortened meanwhile', async () => {
      await keep(issuer('one', { longestLeafMs: 10 * DAY_MS }), NOON_MS);
      await keep(issuer('one', { longestLeafMs: HOUR_MS }), NOON_MS + 1);
      await keep(issuer('two', { longestLeafMs: HOUR_MS }), NOON_MS + 2);
      assert.deepEqual(await knownAt(NOON_MS + 10 * DAY_MS), ['one', 'two']);
    });

    it('never outlast their own end', async () => {
      await keep(issuer('one', { notAfterMs: NOON_MS + HOUR_MS }), NOON_MS);
      await keep(issuer('two'), NOON_MS + 1);
      assert.deepEqual(await knownAt(NOON_MS + HOUR_MS + 1), ['two']);
    });

    it('are known without end while several sign, and each by itself once it signs no more', async () => {
      await keep([issuer('one'), issuer('two')], NOON_MS);
      assert.deepEqual(await knownAt(NOON_MS + 100 * DAY_MS), ['one', 'two']);
      await keep([issuer('two'), issuer('three')], NOON_MS + HOUR_MS);
      assert.deepEqual(await knownAt(NOON_MS + HOUR_MS + DAY_MS), ['one', 'three', 'two']);
      assert.deepEqual(await knownAt(NOON_MS + HOUR_MS + DAY_MS + 1), ['three', 'two']);
    });

    it('are there again in full when they sign once more', async () => {
      await keep(issuer('one'), NOON_MS);
      await keep(issuer('two'), NOON_MS + 1);
      await keep(issuer('one'), NOON_MS + 2);
      assert.deepEqual(await knownAt(NOON_MS + 90 * DAY_MS), ['one']);
    });
  });
}
