import assert from 'node:assert/strict';
import { readObservation } from '../../../src/adapters/http/observation/read-observation.ts';
import { observationRoutes } from '../../../src/adapters/http/observation/routes.ts';
import { HttpServer } from '../../../src/adapters/http/observation/server.ts';
import { healthIn } from '../../../src/app/doctor/look.ts';
import { FakeHealth } from '../../support/fakes/fake-health.ts';
import { recordEvents } from '../../support/fakes/recorded-events.ts';

describe('The doctor, of the health of a server', () => {
  async function seen(mayRead: boolean) {
    const signal = AbortSignal.timeout(10_000);
    const health = new FakeHealth({ part: 'issuer', state: 'not ready', why: 'no issuer certificate' });
    const routes = observationRoutes({
      health: () => health.parts(),
      policy: () => undefined,
      collect: async () => '',
      readers: { mayRead: () => mayRead, note: () => undefined },
      events: recordEvents(),
    });
    await using server = new HttpServer({ routes }, { host: '127.0.0.1', port: 0 });
    await server.start({ signal });
    return healthIn({ known: await readObservation(`http://${server.address()}`, { signal }) });
  }

  it('hears which part is not ready', async () => {
    const health = await seen(true);
    assert.deepEqual('known' in health && health.known.unready, [{ part: 'issuer', why: 'no issuer certificate' }]);
  });

  it('does not take it for sound that a server tells strangers nothing of its parts', async () => {
    const health = await seen(false);
    assert.match('unknown' in health ? health.unknown : '', /names its parts to nobody from elsewhere/);
  });
});
