import assert from 'node:assert/strict';
import { stateOf } from '../../../src/domain/inventory/entry.ts';

const TIMES = { renewalMs: 30, overdueMs: 45, notAfterMs: 60, cluster: 'east' };

describe('The state of an identity', () => {
  it('is by the times of its newest certificate', () => {
    const states = [0, 29, 30, 44, 45, 59, 60].map((nowMs) => stateOf(TIMES, { nowMs, isRevoked: false, excused: [] }));
    assert.deepEqual(states, ['live', 'live', 'renewing', 'renewing', 'overdue', 'overdue', 'ended']);
  });

  it('is overdue only by time in which it could have come', () => {
    const excused = [{ barred: {}, spans: [{ fromMs: 20, toMs: 40 }] }];
    const states = [45, 54, 55, 60].map((nowMs) => stateOf(TIMES, { nowMs, isRevoked: false, excused }));
    assert.deepEqual(states, ['renewing', 'renewing', 'overdue', 'ended'], 'ten of these it was not due');
  });

  it('is revoked while a banned certificate lives, however late it is', () => {
    const states = [0, 45, 60].map((nowMs) => stateOf(TIMES, { nowMs, isRevoked: true, excused: [] }));
    assert.deepEqual(states, ['revoked', 'revoked', 'ended']);
  });

  it('is ended once its pod is gone, whatever its certificate would be good for', () => {
    const gone = { ...TIMES, end: { reason: 'pod_deleted', atMs: 5 } };
    assert.equal(stateOf(gone, { nowMs: 6, isRevoked: true, excused: [] }), 'ended');
  });
});
