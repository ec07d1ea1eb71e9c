import assert from 'node:assert/strict';
import { KnownIssuers } from '../../../src/authority/trust/known-issuers.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import type {
  FormerIssuer,
  FormerIssuers,
  IssuerRecords,
  RecordedIssuer,
} from '../../../src/ports/storage/issuer-records.ts';
import { fakeIssuers, NEVER, readyState } from '../../support/authority-parts.ts';
import { testAuthority, type TestAuthority } from '../../support/certificates.ts';
import { FakeClock, settle } from '../../support/fakes/fake-clock.ts';

const DAY_MS = 86_400_000;

/** Keeps what it is given, unless it fails. */
class FakeIssuerRecords implements IssuerRecords, FormerIssuers {
  readonly kept: RecordedIssuer[] = [];
  /** Ids that were recorded together last. */
  last: readonly string[] = [];
  failing = false;

  async keepIssuers(issuers: readonly RecordedIssuer[]): Promise<void> {
    if (this.failing) throw new AuthorityError('CAP-S04');
    this.kept.push(...issuers);
    this.last = issuers.map(({ id }) => id);
  }

  async issuersAt(): Promise<readonly FormerIssuer[]> {
    return this.kept.map(({ certificateDer, notAfterMs: untilMs }) => ({ certificateDer, untilMs }));
  }
}

describe('The issuers that are known', () => {
  let one: TestAuthority;
  let two: TestAuthority;
  before(async () => {
    one = await testAuthority();
    two = await testAuthority({ root: one.root });
  });

  function started(records: FakeIssuerRecords) {
    const issuers = fakeIssuers(one.material);
    const clock = new FakeClock();
    const known = new KnownIssuers({ issuers, records, former: records, clock }, { longestLeafMs: DAY_MS });
    const ids = (): readonly string[] => known.current().map(({ sha256 }) => sha256.slice(0, 16));
    return { issuers, clock, known, ids };
  }

  it('are those of the record and the one in force, which is on record before anything else', async () => {
    const records = new FakeIssuerRecords();
    const { certificateDer, id, notAfterMs } = two.issuer;
    records.kept.push({ certificateDer, id, notAfterMs, longestLeafMs: 1 });
    const { known, ids } = started(records);
    await known.start({ signal: NEVER });
    assert.deepEqual(ids(), [two.issuer.id, one.issuer.id]);
    assert.equal(records.kept.at(-1)?.id, one.issuer.id);
    assert.equal(records.kept.at(-1)?.longestLeafMs, DAY_MS);
  });

  it('are those too that come in force while the record is made and read at the start', async () => {
    const records = new FakeIssuerRecords();
    const { issuers, known, ids } = started(records);
    const starting = known.start({ signal: NEVER });
    issuers.swap(two.material);
    await starting;
    await settle();
    assert.deepEqual(ids().toSorted(), [one.issuer.id, two.issuer.id].toSorted());
    assert.deepEqual(records.last, [two.issuer.id]);
  });

  it('grow at once by one that comes in force, and the former stays', async () => {
    const records = new FakeIssuerRecords();
    const { issuers, known, ids } = started(records);
    await known.start({ signal: NEVER });
    issuers.swap(two.material);
    assert.deepEqual(ids(), [one.issuer.id, two.issuer.id]);
    await settle();
    assert.equal(records.kept.at(-1)?.id, two.issuer.id);
  });

  it('are all that can sign, each with its record, and none is dropped when another changes', async () => {
    const records = new FakeIssuerRecords();
    const { issuers, known, ids } = started(records);
    issuers.put('gold', readyState(two.material));
    issuers.put('silver', { kind: 'unavailable', why: 'is not loaded' });
    await known.start({ signal: NEVER });
    assert.deepEqual(ids(), [one.issuer.id, two.issuer.id]);
    const three = await testAuthority({ root: one.root });
    issuers.put('gold', readyState(three.material));
    await settle();
    assert.deepEqual(ids(), [one.issuer.id, two.issuer.id, three.issuer.id]);
    assert.deepEqual(records.last, [one.issuer.id, three.issuer.id]);
  });

  it('are those of other servers too, once somebody shows a leaf of one: looked for once a second, however many do', async () => {
    const records = new FakeIssuerRecords();
    const { known, ids, clock } = started(records);
    await known.start({ signal: NEVER });
    await known.look({ signal: NEVER });
    const { certificateDer, id, notAfterMs } = two.issuer;
    records.kept.push({ certificateDer, id, notAfterMs, longestLeafMs: 1 });
    await known.look({ signal: NEVER });
    assert.deepEqual(ids(), [one.issuer.id]);
    await clock.advance(1_000);
    await Promise.all([known.look({ signal: NEVER }), known.look({ signal: NEVER })]);
    assert.deepEqual(ids(), [one.issuer.id, two.issuer.id]);
  });

  it('are put on record again and again, for another server takes them for former', async () => {
    const records = new FakeIssuerRecords();
    const { known, clock } = started(records);
    await known.start({ signal: NEVER });
    const before = records.kept.length;
    await clock.advance(3_600_000);
    assert.deepEqual(
      records.kept.slice(before).map(({ id }) => id),
      [one.issuer.id],
    );
  });

  it('are put on record as soon as that can be done', async () => {
    const records = new FakeIssuerRecords();
    const { issuers, clock, known } = started(records);
    await known.start({ signal: NEVER });
    records.failing = true;
    issuers.swap(two.material);
    await clock.advance(10_000);
    assert.equal(records.kept.length, 1);
    records.failing = false;
    await clock.advance(1_000);
    assert.equal(records.kept.at(-1)?.id, two.issuer.id);
    await clock.advance(10_000);
    assert.equal(records.kept.length, 2, 'and not again');
  });

  it('stop the start when the journal cannot be written', async () => {
    const records = new FakeIssuerRecords();
    records.failing = true;
    await assert.rejects(started(records).known.start({ signal: NEVER }), { reason: 'CAP-S04' });
  });
});
