// What a doctor in the pod of a server takes for that server, without being told.
import assert from 'node:assert/strict';
import { ownListeners } from '../../../src/app/doctor/listeners.ts';

const listen = (tls: string, http: string) => {
  const at = (host: string) => ({ address: { host, port: host === tls ? 15012 : 15014 } });
  return { listen: { tls: at(tls), http: at(http) } } as unknown as Parameters<typeof ownListeners>[0];
};

describe('The listeners of a server, from beside it,', () => {
  for (const [tls, http, server, observation] of [
    ['0.0.0.0', '127.0.0.1', '127.0.0.1', 'http://127.0.0.1:15014'],
    ['::', 'fd00::7', '::1', 'http://[fd00::7]:15014'],
    ['10.0.0.7', 'localhost', '10.0.0.7', 'http://localhost:15014'],
  ] as const) {
    it(`are at ${server} and ${observation} when it listens on ${tls} and ${http}`, () => {
      assert.deepEqual(ownListeners(listen(tls, http)), { server: { host: server, port: 15012 }, observation });
    });
  }
});
