import assert from 'node:assert/strict';
import { isOnLoopback, sourceOn } from '../../../src/adapters/http/connection-of.ts';

const on = (remoteAddress?: string, localAddress?: string): unknown => ({
  incoming: { socket: { remoteAddress, localAddress, remotePort: 40_000 } },
});

describe('A connection', () => {
  for (const [remote, local, within] of [
    ['127.0.0.1', '127.0.0.1', true],
    ['127.0.0.2', '127.0.0.1', true],
    ['::1', '::1', true],
    ['::ffff:127.0.0.1', '::ffff:127.0.0.1', true],
    ['10.0.0.7', '10.0.0.1', false],
    // A pod's own address is one at which others reach it too.
    ['10.0.0.1', '10.0.0.1', false],
    ['127.0.0.1', '10.0.0.1', false],
    // With route_localnet a neighbour's packets can reach loopback.
    ['10.0.0.7', '127.0.0.1', false],
    ['::ffff:10.0.0.7', '::ffff:10.0.0.1', false],
    ['fd00::2', 'fd00::1', false],
    // It ended already.
    [undefined, undefined, false],
  ] as const) {
    it(`from ${remote ?? 'nowhere'} to ${local ?? 'nowhere'} is ${within ? 'on loopback' : "a stranger's"}`, () => {
      assert.equal(isOnLoopback(on(remote, local)), within);
    });
  }

  it('comes from an address, whichever way it is spelt', () => {
    assert.equal(sourceOn(on('::ffff:192.0.2.7')), '192.0.2.7');
    assert.equal(sourceOn(on()), 'unknown');
  });
});
