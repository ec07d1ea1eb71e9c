import assert from 'node:assert/strict';
import { MAX_NOTES, NotedEvidence } from '../../../src/authority/trust/noted-evidence.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import type { EvidenceNotes, EvidenceRecords, ProxyNote } from '../../../src/ports/storage/evidence.ts';
import { FakeClock, NOON_MS, settle } from '../../support/fakes/fake-clock.ts';

const note = (changes: Partial<ProxyNote> = {}): ProxyNote => ({
  identity: 'spiffe://cluster.local/ns/default/sa/demo',
  proxy: 'sidecar',
  timeMs: NOON_MS,
  seenMs: NOON_MS,
  ...changes,
});

class Records implements EvidenceRecords {
  readonly written: EvidenceNotes[] = [];
  failing = false;

  async recordEvidence(notes: EvidenceNotes): Promise<void> {
    if (this.failing) throw new AuthorityError('CAP-S04');
    this.written.push(notes);
  }

  get proxies(): readonly ProxyNote[] {
    return this.written.flatMap(({ proxies }) => proxies);
  }
}

describe('What proxies acknowledge', () => {
  let clock: FakeClock;
  let records: Records;
  let noted: NotedEvidence;
  let end: AbortController;
  beforeEach(() => {
    [clock, records, end] = [new FakeClock(NOON_MS), new Records(), new AbortController()];
    noted = new NotedEvidence({ records, clock });
    void noted.run(end);
  });
  afterEach(() => end.abort());

  it('is on record within a second, of each proxy what is known last', async () => {
    noted.note(note());
    noted.note(note({ bundle: 'first' }));
    noted.note(note({ proxy: 'other' }));
    assert.deepEqual(records.written, []);
    await clock.advance(1_000);
    assert.deepEqual(records.proxies, [note({ bundle: 'first' }), note({ proxy: 'other' })]);
    await clock.advance(5_000);
    assert.equal(records.written.length, 1, 'and nothing is written again');
  });

  it('tells the pods and clusters of an identity apart', async () => {
    const names = [{}, { podUid: 'a' }, { podUid: 'b' }, { podUid: 'a', remoteCluster: 'west' }];
    for (const name of names) noted.note(note(name));
    await clock.advance(1_000);
    assert.equal(records.proxies.length, 4);
  });

  it('is kept while the store fails, with what is known meanwhile', async () => {
    records.failing = true;
    noted.note(note());
    noted.noteBundle({ digest: 'first', anchors: [] });
    await clock.advance(3_000);
    noted.note(note({ bundle: 'first' }));
    records.failing = false;
    await clock.advance(1_000);
    assert.deepEqual(records.written, [
      { bundles: [{ digest: 'first', anchors: [] }], proxies: [note({ bundle: 'first' })] },
    ]);
  });

  it('is written at the end of the server', async () => {
    noted.note(note());
    end.abort();
    await noted.flush();
    assert.deepEqual(records.proxies, [note()]);
  });

  it('is written a part at a time, and the oldest forgotten where there is too much', async () => {
    for (let index = 0; index <= MAX_NOTES; index += 1) noted.note(note({ proxy: String(index) }));
    await clock.advance(1_000);
    await settle();
    await noted.flush();
    assert.equal(records.proxies.length, MAX_NOTES);
    assert.equal(records.proxies[0]?.proxy, '1');
    assert.ok(records.written.every(({ proxies }) => proxies.length <= 500));
  });
});
