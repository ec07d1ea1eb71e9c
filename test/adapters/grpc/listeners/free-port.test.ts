import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { freePorts } from '../../../../src/adapters/grpc/listeners/free-port.ts';

const HOST = '127.0.0.1';
const signal = new AbortController().signal;

/** Every sleep is over at once. */
function quickClock() {
  let nowMs = 0;
  return { monotonicMs: () => nowMs, sleep: async (ms: number) => void (nowMs += ms) };
}

async function listening(reusePort: boolean): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer().listen({ host: HOST, port: 0, reusePort });
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

describe('An address for several processes', () => {
  it('has its port fixed, each its own, and is free for them', async () => {
    const any = { host: HOST, port: 0, named: 'any' };
    const ports = await freePorts([any, any], new SystemClock(), { signal, onWaiting: assert.fail });
    assert.equal(new Set(ports).size, 2);
    for (const port of ports) {
      const server = createServer().listen({ host: HOST, port, reusePort: true });
      await once(server, 'listening');
      server.close();
    }
  });

  for (const reusePort of [true, false]) {
    it(`is refused by name while another process has it${reusePort ? ', even one that would share it' : ''}`, async () => {
      const { server, port } = await listening(reusePort);
      const named = `the TLS address ${HOST}:${port}`;
      const waited: string[] = [];
      const onWaiting = (name: string): void => void waited.push(name);
      const refusal = { reason: 'CAP-X03', detail: `${named} is already in use by another process` };
      await assert.rejects(freePorts([{ host: HOST, port, named }], quickClock(), { signal, onWaiting }), refusal);
      assert.deepEqual(waited, [named]);
      server.close();
    });
  }

  it('is waited for while workers of a former server close their listeners', async () => {
    const { server, port } = await listening(true);
    const onWaiting = (): void => void server.close();
    const address = { host: HOST, port, named: 'the TLS address' };
    assert.deepEqual(await freePorts([address], new SystemClock(), { signal, onWaiting }), [port]);
  });
});
