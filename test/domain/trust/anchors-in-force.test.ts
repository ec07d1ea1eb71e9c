import assert from 'node:assert/strict';
import { anchorsInForce, nextChangeMs } from '../../../src/domain/trust/anchors-in-force.ts';
import { readCaCertificate } from '../../../src/domain/x509/ca-certificate.ts';
import { good } from '../../support/certificates.ts';
import { NOON_MS } from '../../support/fakes/fake-clock.ts';
import { tiersAt, type Tier } from '../../support/paths/tiers.ts';

const DAY_MS = 86_400_000;
const tier = tiersAt(NOON_MS);
const read = ({ der }: Tier) => good(readCaCertificate(der));

describe('The anchors in force', () => {
  let root: Tier;
  let ended: Tier;
  let next: Tier;
  let stranger: Tier;
  let early: Tier;
  before(async () => {
    root = await tier('Root');
    ended = await tier('Root', { keys: root.keys, endsInDays: -0.5 });
    next = await tier('Root', { keys: root.keys, startsInDays: 10, endsInDays: 100 });
    stranger = await tier('Stranger', { endsInDays: 5 });
    early = await tier('Root', { startsInDays: 1, endsInDays: 50 });
  });

  const outAt = (nowMs: number, given: readonly Tier[], below: readonly Tier[] = []): string[] => {
    const { anchors } = anchorsInForce(given.map(read), nowMs, below.map(read));
    const names = { root, ended, next, stranger, early };
    const nameOf = (sha256: string) => Object.entries(names).find(([, one]) => read(one).sha256 === sha256)?.[0] ?? '';
    return anchors.map(({ sha256 }) => nameOf(sha256));
  };

  it('are those that have not ended, in the order that was given', () => {
    assert.deepEqual(outAt(NOON_MS, [ended, stranger, root]), ['stranger', 'root']);
    assert.deepEqual(outAt(NOON_MS, [root, stranger, ended]), ['root', 'stranger']);
    assert.deepEqual(outAt(NOON_MS + 6 * DAY_MS, [root, stranger]), ['root']);
    assert.deepEqual(outAt(NOON_MS + 31 * DAY_MS, [root, stranger]), []);
  });

  it('are one for each key: the valid one, then its successor from when it begins', () => {
    for (const given of [
      [root, next],
      [next, root],
    ]) {
      assert.deepEqual(outAt(NOON_MS, given), ['root']);
      assert.deepEqual(outAt(NOON_MS + 10 * DAY_MS - 1, given), ['root']);
      assert.deepEqual(outAt(NOON_MS + 10 * DAY_MS, given), ['next']);
    }
  });

  it('keep the twin that certificates below name by its serial, as long as it is valid', async () => {
    const below = [await tier('Below', { by: root, authoritySerial: root.certificate.serialNumber })];
    assert.deepEqual(outAt(NOON_MS + 10 * DAY_MS, [next, root], below), ['root']);
    assert.deepEqual(outAt(NOON_MS + 31 * DAY_MS, [next, root], below), ['next']);
  });

  it('keep the twin that certificates below name by its key identifier, where another was made otherwise', async () => {
    const other = await tier('Root', { keys: root.keys, ownKeyId: '0102030405060708', endsInDays: 100 });
    const plain = await tier('Root', { keys: root.keys, keyId: false, endsInDays: 100 });
    const below = [await tier('Below', { by: root })];
    const first = (given: readonly Tier[], certificates: readonly Tier[]) =>
      anchorsInForce(given.map(read), NOON_MS, certificates.map(read)).anchors.map(({ sha256 }) => sha256);
    assert.deepEqual(first([other, root], below), [read(root).sha256]);
    assert.deepEqual(first([root, other], below), [read(root).sha256]);
    assert.deepEqual(first([other, root], []), [read(other).sha256], 'nobody below means the other');
    assert.deepEqual(first([plain, root], below), [read(plain).sha256], 'whoever has none is meant by everybody');
    const stranger = [await tier('Below', { by: await tier('Another') })];
    assert.deepEqual(first([other, root], stranger), [read(other).sha256]);
  });

  it('may be ahead of their time with a key of their own', () => {
    assert.deepEqual(outAt(NOON_MS, [early, root]), ['early', 'root']);
    assert.deepEqual(outAt(NOON_MS + DAY_MS, [early, root]), ['early', 'root']);
    assert.deepEqual(outAt(NOON_MS, [next]), ['next'], 'there is none yet that it would succeed');
  });

  it('leave out others with a reason that names them', () => {
    const { undistributed } = anchorsInForce([ended, root, next].map(read), NOON_MS);
    const [first, second] = undistributed.map(({ problem }) => problem);
    assert.match(first ?? '', /^CN=Root \(SHA-256 [0-9a-f]{16}\) ended at 2026-01-06T00:00:00\.000Z$/);
    assert.match(
      second ?? '',
      /^CN=Root \(SHA-256 [0-9a-f]{16}\) begins at 2026-01-16T12:00:00\.000Z and then succeeds/,
    );
  });

  it('change when one begins or ends', () => {
    const given = [root, next].map(read);
    assert.equal(nextChangeMs(given, NOON_MS), NOON_MS + 10 * DAY_MS);
    assert.equal(nextChangeMs(given, NOON_MS + 10 * DAY_MS), NOON_MS + 30 * DAY_MS);
    assert.equal(nextChangeMs(given, NOON_MS + 100 * DAY_MS), Infinity);
  });
});
