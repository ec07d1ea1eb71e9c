import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { SystemClock } from '../../../src/adapters/clock/system-clock.ts';
import { ipcChannel } from '../../../src/adapters/processes/ipc-channel.ts';
import { MessageLink } from '../../../src/adapters/processes/message-link.ts';

const never = { signal: new AbortController().signal };

describe('A link over the pipe of a fork', () => {
  let child: ChildProcess;
  let link: MessageLink;

  beforeEach(() => {
    child = fork(path.join(import.meta.dirname, 'support/echo.ts'), { serialization: 'advanced' });
    const onFailure = (_: string, cause: unknown): never => {
      throw cause;
    };
    link = new MessageLink({ clock: new SystemClock(), channel: ipcChannel(child), onFailure });
  });

  afterEach(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });

  it('carries any JSON there and back', async () => {
    const body = { text: 'ä\n"\u2028', list: [1, null, true], deep: { er: {} } };
    assert.deepEqual(await link.ask('repeat', body, never), body);
    const long = 'x'.repeat(3_000_000);
    assert.equal(await link.ask('repeat', long, never), long);
  });

  it('hands a socket over, so that the other process answers on it', async () => {
    await link.ask('repeat', null, never);
    const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const [accepted] = (await once(server, 'connection')) as [Socket];
    link.tell('greet', 'Ann', accepted);
    assert.equal(await text(client), 'hello Ann');
    server.close();
  });

  it('keeps nothing of a socket that it has handed over, nor of the server that accepted it', async () => {
    await link.ask('repeat', null, never);
    const before = await link.ask('listeners', null, never);
    const exits = child.listenerCount('exit');
    for (let count = 0; count < 12; count += 1) {
      const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
      const [accepted] = (await once(server, 'connection')) as [Socket];
      link.tell('greet', 'Ann', accepted);
      assert.equal(await text(client), 'hello Ann');
      server.close();
    }
    assert.equal(await link.ask('listeners', null, never), before);
    assert.equal(child.listenerCount('exit'), exits);
  });

  it('is closed by the death of the other process, which ends what waits', async () => {
    await link.ask('repeat', null, never);
    child.kill('SIGSTOP');
    const asked = assert.rejects(link.ask('repeat', 1, never), { reason: 'CAP-S04', message: /it is gone/ });
    child.kill('SIGKILL');
    await asked;
    assert.equal(link.closed.aborted, true);
    assert.match(String(link.closed.reason), /CAP-S03/);
  });
});
