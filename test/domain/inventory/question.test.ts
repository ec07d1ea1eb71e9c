import assert from 'node:assert/strict';
import { orderOf } from '../../../src/domain/inventory/question.ts';

describe('The order of the inventory', () => {
  it('is by name, unless times are asked about', () => {
    assert.equal(orderOf({}), 'identity');
    assert.equal(orderOf({ namespace: 'shop', state: 'live' }), 'identity');
    assert.equal(orderOf({ namespace: 'shop', endsBeforeMs: 1 }), 'end');
    assert.equal(orderOf({ namespace: 'shop', endsBeforeMs: 1, state: 'overdue' }), 'overdue');
    assert.equal(orderOf({ nodeName: 'node-1', state: 'ended' }), 'ended');
  });

  it('is by name for what is of one identity, pod or serial: there are few', () => {
    assert.equal(orderOf({ serial: '7f', state: 'ended' }), 'identity');
    assert.equal(orderOf({ podName: 'demo-1', endsBeforeMs: 1 }), 'identity');
    assert.equal(orderOf({ podUid: '1', state: 'overdue' }), 'identity');
  });
});
