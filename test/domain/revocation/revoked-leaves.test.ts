import assert from 'node:assert/strict';
import type { Ban } from '../../../src/domain/revocation/ban.ts';
import { revocationsBy, SETTLES_MS, type RecordedLeaf } from '../../../src/domain/revocation/revoked-leaves.ts';

const BAN: Ban = {
  id: '1'.repeat(16),
  target: { kind: 'namespace', namespace: 'shop' },
  timeMs: 1_000_000,
  actor: 'local',
  role: 'security',
  reason: 'a drill',
  leavesUntilMs: 9_000_000,
};
const leaf = (timeMs: number): RecordedLeaf => ({
  timeMs,
  identity: 'spiffe://cluster.local/ns/shop/sa/web',
  serial: 'ab',
  issuer: '2'.repeat(16),
  notAfterMs: 9_000_000,
  proofId: 'a',
});
const isRevoked = (ban: Ban, afterMs: number): boolean =>
  revocationsBy([ban])(leaf(ban.timeMs + afterMs)) !== undefined;

describe('A certificate on record', () => {
  it('is void when it was on its way as the ban came, or issued by a clock that was ahead', () => {
    assert.deepEqual(
      [-1, 1, SETTLES_MS, 3_600_000].map((afterMs) => isRevoked(BAN, afterMs)),
      [true, true, true, true],
    );
  });

  it('is good when it was issued after a ban that was over sooner', () => {
    const short = { ...BAN, untilMs: BAN.timeMs + 2_000 };
    assert.deepEqual([isRevoked(short, 1_999), isRevoked(short, 2_000)], [true, false]);
  });
});
