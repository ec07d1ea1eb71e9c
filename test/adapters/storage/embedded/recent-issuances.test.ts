import assert from 'node:assert/strict';
import { RecentIssuances } from '../../../../src/adapters/storage/embedded/recent-issuances.ts';
import type { AuthorityError } from '../../../../src/domain/errors.ts';
import type { CurrentCertificate } from '../../../../src/domain/policy/request.ts';
import type { LeafNames, LeafRecord } from '../../../../src/ports/storage/issuance-history.ts';
import { FakeJournal, NEVER } from '../../../support/authority-parts.ts';
import { NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { issued, refused, traced } from '../sqlite/records.ts';

const WAITING = { signal: NEVER };
const DEMO = 'spiffe://cluster.local/ns/default/sa/demo';
const HOUR_MS = 3_600_000;
const BEFORE: CurrentCertificate = { issuedMs: NOON_MS - HOUR_MS, notAfterMs: NOON_MS + 9 * HOUR_MS, waived: {} };
const OF_BEFORE: LeafRecord = { issuer: 'former', lineage: { id: 'before', provenAtMs: 1 } };

/** Counts what is read. */
class FakeHistory {
  reads = 0;

  async currentCertificateOf(): Promise<CurrentCertificate> {
    this.reads += 1;
    return BEFORE;
  }

  async recordOf(): Promise<LeafRecord> {
    this.reads += 1;
    return OF_BEFORE;
  }
}

describe('The memory of what was issued', () => {
  let journal: FakeJournal;
  let history: FakeHistory;
  let recent: RecentIssuances;
  beforeEach(() => {
    [journal, history] = [new FakeJournal(), new FakeHistory()];
    recent = new RecentIssuances({ journal, history });
  });

  const record = issued('a', { policy: traced(), proofId: 'first', provenAtMs: NOON_MS - HOUR_MS });
  const LEAF: LeafNames = { identity: DEMO, serial: record.serial, notAfterMs: record.notAfterMs };

  it('answers from itself, with what the record says', async () => {
    await recent.append(record, WAITING);
    assert.deepEqual(await recent.currentCertificateOf(DEMO, NOON_MS, WAITING), {
      issuedMs: NOON_MS,
      notAfterMs: record.notAfterMs,
      waived: { 'default/demo spec.conditions.has-netpol': NOON_MS - 2 * HOUR_MS },
    });
    const lineage = { id: 'first', provenAtMs: NOON_MS - HOUR_MS };
    const pod = { podName: 'demo-1', podUid: '8a1f', nodeName: 'node-1' };
    assert.deepEqual(await recent.recordOf(LEAF, WAITING), { issuer: record.issuer, lineage, pod });
    assert.equal(history.reads, 0);
    assert.deepEqual(journal.records, [record]);
  });

  it('takes no certificate of a remote cluster for one that the same identity has here', async () => {
    const attestation = { tokenId: 't-1', clusterStaleMs: 9 };
    await recent.append({ ...record, remoteCluster: 'west', attestation }, WAITING);
    assert.equal(await recent.currentCertificateOf(DEMO, NOON_MS, WAITING), BEFORE);
    const leaf = await recent.recordOf(LEAF, WAITING);
    assert.equal(leaf?.remoteCluster, 'west');
    assert.deepEqual(leaf.attestation, { tokenId: 't-1' });
  });

  it('reads what it does not know, and what has ended and may hide a longer one', async () => {
    assert.equal(await recent.currentCertificateOf(DEMO, NOON_MS, WAITING), BEFORE);
    await recent.append(record, WAITING);
    assert.equal(await recent.currentCertificateOf(DEMO, record.notAfterMs, WAITING), BEFORE);
    for (const other of [{ serial: 'ff' }, { notAfterMs: 1 }, { identity: `${DEMO}-2` }]) {
      assert.equal(await recent.recordOf({ ...LEAF, ...other }, WAITING), OF_BEFORE);
    }
  });

  it('asks the journal for what others may have issued meanwhile, where there are others', async () => {
    const shared = new RecentIssuances({ journal, history }, { shared: true });
    await shared.append(record, WAITING);
    assert.equal((await shared.currentCertificateOf(DEMO, NOON_MS + 4_999, WAITING))?.issuedMs, NOON_MS);
    assert.equal(history.reads, 0);
    assert.equal(await shared.currentCertificateOf(DEMO, NOON_MS + 5_000, WAITING), BEFORE);
    await shared.recordOf(LEAF, WAITING);
    assert.equal(history.reads, 1, 'the record of a leaf never changes');
  });

  it('knows no certificate whose record is not durable, none of a refusal and none of our own', async () => {
    journal.failing = true;
    await assert.rejects(recent.append(record, WAITING), (error) => (error as AuthorityError).reason === 'CAP-S04');
    journal.failing = false;
    await recent.append(refused('b', { caller: DEMO, identity: DEMO }), WAITING);
    await recent.append(issued('self', { api: 'self' }), WAITING);
    assert.equal(await recent.currentCertificateOf(DEMO, NOON_MS, WAITING), BEFORE);
    assert.equal(await recent.recordOf(LEAF, WAITING), OF_BEFORE);
  });
});
