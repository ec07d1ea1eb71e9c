import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, renameSync, rmSync, mkdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { status } from '@grpc/grpc-js';
import { SystemClock } from '../../../src/adapters/clock/system-clock.ts';
import { SocketIdentities } from '../../../src/adapters/credentials/socket-identities.ts';
import { csrService } from '../../../src/adapters/grpc/csr/service.ts';
import { HandingListener } from '../../../src/adapters/grpc/listeners/unix/handing-listener.ts';
import { SocketHandover, type OpenSocket } from '../../../src/adapters/processes/socket-handover.ts';
import { HandedSockets } from '../../../src/app/worker/handed-sockets.ts';
import { CSR_SETTINGS, CsrWire, NEVER, ScriptedAuthority } from '../../adapters/grpc/wire.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeClock, settle } from '../../support/fakes/fake-clock.ts';
import { linkedPair, type LinkedPair } from '../../support/fakes/linked-pair.ts';
import { recordEvents } from '../../support/fakes/recorded-events.ts';
import { TEST_TRUST_DOMAIN } from '../../support/certificates.ts';

const SOON = { withinMs: 30_000 };
const IDENTITY = 'spiffe://cluster.local/ns/default/sa/demo';

interface Worker {
  readonly pair: LinkedPair;
  readonly authority: ScriptedAuthority;
  readonly identities: SocketIdentities;
  readonly sockets: HandedSockets;
}

describe('A Unix socket that several processes serve', () => {
  let folder: string;
  let handover: SocketHandover;
  let workers: Worker[];
  let refused: string[];
  let listener: HandingListener;
  let lastId: number;
  const clients: Socket[] = [];

  beforeEach(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'handed-'));
    mkdirSync(path.join(folder, 'demo'));
    workers = [];
    refused = [];
    lastId = 0;
    handover = new SocketHandover(
      {
        workers: () => workers.map(({ pair }) => pair.supervisor).filter(({ closed }) => !closed.aborted),
        onRefused: (_, problem) => refused.push(problem),
      },
      { maxConnections: 4 },
    );
    workers = [worker(), worker()];
    listener = await open();
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    await listener.drain({ deadlineMs: 0 });
    await Promise.all(workers.map(async ({ sockets }) => sockets.drain({ deadlineMs: 0 })));
    rmSync(folder, { recursive: true });
  });

  const socketPath = (): string => path.join(folder, 'demo', 'sds.sock');

  function worker(): Worker {
    const pair = linkedPair(new FakeClock());
    handover.attach(pair.supervisor, pair.supervisor.closed);
    const authority = new ScriptedAuthority();
    const identities = new SocketIdentities();
    const services = [csrService({ authority, clock: new SystemClock(), events: recordEvents() }, CSR_SETTINGS)];
    const settings = { trustDomain: TEST_TRUST_DOMAIN, maxStreamsPerConnection: 10 };
    const sockets = new HandedSockets({ link: pair.worker, services, identities }, settings);
    return { pair, authority, identities, sockets };
  }

  /** As the supervisor opens the socket of `default/demo`. */
  async function open(): Promise<HandingListener> {
    const id = (lastId += 1);
    let socket: OpenSocket;
    const where = { path: socketPath(), root: folder };
    const made = new HandingListener(
      {
        opened: (place) => {
          socket = { id, ...where, namespace: 'default', serviceAccount: 'demo', place };
          handover.opened(socket);
        },
        hand: (connection) => {
          // As it arrives in another process: a socket that is being read.
          connection.read(0);
          handover.hand(socket, connection);
        },
        closed: (options) => handover.closed(id, options),
      },
      { ...where, mode: 0o600 },
    );
    await made.start({ signal: NEVER });
    return made;
  }

  async function raw(): Promise<Socket> {
    const client = connect(socketPath());
    clients.push(client);
    client.on('error', () => undefined);
    await once(client, 'connect');
    return client;
  }

  const calls = (): number[] => workers.map(({ authority }) => authority.presented.length);

  it('shows its path to the CA and serves its identity, whichever process has the connection', async () => {
    using first = new CsrWire(`unix:${socketPath()}`);
    using second = new CsrWire(`unix:${socketPath()}`);
    for (const wire of [first, second]) {
      assert.equal((await wire.call({ headers: { authorization: 'Bearer t' } })).code, status.OK);
    }
    const shown = { authorization: ['Bearer t'], socketPath: socketPath(), remoteAddress: `unix:${socketPath()}` };
    for (const { authority, identities } of workers) {
      assert.deepEqual(authority.presented, [shown]);
      assert.equal(identities.identityAt(socketPath())?.spiffeId.uri, IDENTITY);
    }
  });

  it('gives each connection to the process that has fewest', async () => {
    const wires = [1, 2, 3].map(() => new CsrWire(`unix:${socketPath()}`));
    for (const wire of wires) await wire.call();
    assert.deepEqual(calls(), [2, 1]);
    wires[0]?.[Symbol.dispose]();
    wires[2]?.[Symbol.dispose]();
    // The first process has none left; the next two go to it, for the second still has one.
    await eventually(
      'room',
      async () => {
        using wire = new CsrWire(`unix:${socketPath()}`);
        const [before] = calls();
        await wire.call();
        return calls()[0] === (before ?? 0) + 1;
      },
      SOON,
    );
    wires[1]?.[Symbol.dispose]();
  });

  it('costs a process that is gone its own connections and no others', async () => {
    const [first, second] = [await raw(), await raw()];
    await eventually('both are handed over', () => workers.every(({ identities }) => identities.size > 0), SOON);
    let others = 0;
    second.on('close', () => (others += 1));
    workers[0]?.pair.cut();
    await once(first, 'close');
    using wire = new CsrWire(`unix:${socketPath()}`);
    assert.equal((await wire.call()).code, status.OK);
    assert.deepEqual([calls()[0], others], [0, 0]);
  });

  it('goes to the others while a process ends in order, though it has fewest', async () => {
    await raw();
    workers[0]!.sockets.stopAccepting();
    await settle();
    for (let count = 0; count < 2; count += 1) {
      using wire = new CsrWire(`unix:${socketPath()}`);
      assert.equal((await wire.call()).code, status.OK);
    }
    assert.deepEqual(calls(), [0, 2]);
  });

  it('refuses one connection more than it may have over all processes, until one ends', async () => {
    const four = await Promise.all([raw(), raw(), raw(), raw()]);
    const fifth = await raw();
    await once(fifth, 'close');
    assert.deepEqual(refused, ['too many connections are open']);
    four[0].destroy();
    await eventually(
      'room',
      async () => {
        using wire = new CsrWire(`unix:${socketPath()}`);
        return (await wire.call()).code === status.OK;
      },
      SOON,
    );
  });

  it('refuses while no process takes connections', async () => {
    for (const { pair } of workers) pair.cut();
    await once(await raw(), 'close');
    assert.deepEqual(refused, ['no worker takes connections']);
  });

  it('that is closed lets nobody in over connections that are open, and belongs to nobody', async () => {
    using wire = new CsrWire(`unix:${socketPath()}`);
    assert.equal((await wire.call()).code, status.OK);
    await listener.drain({ deadlineMs: 0 });
    assert.equal(existsSync(socketPath()), false);
    await eventually('all know', () => workers.every(({ identities }) => identities.size === 0), SOON);
    assert.equal((await wire.call()).code, status.UNAVAILABLE);
    listener = await open();
    using successor = new CsrWire(`unix:${socketPath()}`);
    assert.equal((await successor.call()).code, status.OK);
  });

  it('lets nobody in once its folder has another name, also where another process looks', async () => {
    using wire = new CsrWire(`unix:${socketPath()}`);
    assert.equal((await wire.call()).code, status.OK);
    renameSync(path.join(folder, 'demo'), path.join(folder, 'other'));
    const { code, details } = await wire.call();
    assert.equal(code, status.UNAVAILABLE);
    assert.match(details, /^CAP-S03 .*not at its path any more/);
    renameSync(path.join(folder, 'other'), path.join(folder, 'demo'));
  });

  it('is known to a process that starts later, before its first connection', async () => {
    const late = worker();
    workers.push(late);
    await late.sockets.start({ signal: NEVER });
    assert.equal(late.identities.identityAt(socketPath())?.spiffeId.uri, IDENTITY);
  });
});
