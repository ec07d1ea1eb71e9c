import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { csrService } from '../../../../src/adapters/grpc/csr/service.ts';
import { PlaintextListener } from '../../../../src/adapters/grpc/listeners/plaintext-listener.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';
import { recordEvents } from '../../../support/fakes/recorded-events.ts';
import { CSR_SETTINGS, PATIENT, CsrWire, NEVER, ScriptedAuthority } from '../wire.ts';

describe('The plaintext listener', () => {
  const make = (host: string, authority = new ScriptedAuthority()): PlaintextListener => {
    const events = recordEvents();
    const services = [csrService({ authority, clock: new FakeClock(), events }, CSR_SETTINGS)];
    const settings = { host, port: 0, maxConnections: 10, maxStreamsPerConnection: 10, ...PATIENT };
    return new PlaintextListener({ events, services }, settings);
  };

  for (const host of ['127.0.0.1', '::1']) {
    it(`opens on ${host} and shows headers alone`, async () => {
      const authority = new ScriptedAuthority();
      const listener = make(host, authority);
      await listener.start({ signal: NEVER });
      using wire = new CsrWire(listener.address());
      assert.equal((await wire.call({ headers: { authorization: 'Bearer t' } })).code, status.OK);
      const { remoteAddress, onAuthenticated, ...shown } = authority.presented[0]!;
      assert.deepEqual(shown, { authorization: ['Bearer t'] });
      assert.ok(onAuthenticated);
      assert.match(remoteAddress, /:\d+$/);
      await listener.drain({ deadlineMs: 0 });
    });
  }

  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'localhost', '']) {
    it(`does not open on '${host}'`, async () => {
      const refused = { reason: 'CAP-X03', message: /is not a loopback address/ };
      await assert.rejects(make(host).start({ signal: NEVER }), refused);
    });
  }
});
