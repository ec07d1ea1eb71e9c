import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { status } from '@grpc/grpc-js';
import { csrService } from '../../../../../src/adapters/grpc/csr/service.ts';
import {
  UnixListener,
  type UnixListenerSettings,
} from '../../../../../src/adapters/grpc/listeners/unix/unix-listener.ts';
import { FakeClock } from '../../../../support/fakes/fake-clock.ts';
import { recordEvents } from '../../../../support/fakes/recorded-events.ts';
import { CSR_SETTINGS, CsrWire, NEVER, ScriptedAuthority } from '../../wire.ts';

describe('A Unix socket', () => {
  let folder: string;
  let socketPath: string;
  let authority: ScriptedAuthority;
  const opened: UnixListener[] = [];

  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'unix-'));
    socketPath = path.join(folder, 'sds.sock');
    authority = new ScriptedAuthority();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map(async (listener) => listener.drain({ deadlineMs: 0 })));
    rmSync(folder, { recursive: true });
  });

  const make = (changes: Partial<UnixListenerSettings> = {}): UnixListener => {
    const events = recordEvents();
    const services = [csrService({ authority, clock: new FakeClock(), events }, CSR_SETTINGS)];
    const settings = { path: socketPath, mode: 0o600, maxConnections: 10, maxStreamsPerConnection: 10 } as const;
    const listener = new UnixListener({ events, services }, { ...settings, ...changes });
    opened.push(listener);
    return listener;
  };
  const start = async (changes: Partial<UnixListenerSettings> = {}): Promise<UnixListener> => {
    const listener = make(changes);
    await listener.start({ signal: NEVER });
    return listener;
  };
  /** A socket whose process is gone. */
  const leaveStale = (): void => {
    const script = `require('net').createServer().listen(${JSON.stringify(socketPath)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script]);
    assert.ok(lstatSync(socketPath).isSocket());
  };

  it('shows its path to the CA, and the headers of the call', async () => {
    await start();
    using wire = new CsrWire(`unix:${socketPath}`);
    assert.equal((await wire.call({ headers: { authorization: 'Bearer t' } })).code, status.OK);
    const shown = { authorization: ['Bearer t'], socketPath, remoteAddress: `unix:${socketPath}` };
    assert.deepEqual(authority.presented, [shown]);
  });

  for (const mode of [0o600, 0o660] as const) {
    it(`has mode 0${mode.toString(8)} as asked, and nothing is left beside it`, async () => {
      await start({ mode });
      assert.equal(lstatSync(socketPath).mode & 0o777, mode);
      assert.deepEqual(readdirSync(folder), ['sds.sock']);
    });
  }

  it('replaces one that a killed process left behind', async () => {
    leaveStale();
    await start();
    using wire = new CsrWire(`unix:${socketPath}`);
    assert.equal((await wire.call()).code, status.OK);
  });

  it('does not take the place of one that answers', async () => {
    await start();
    await assert.rejects(make().start({ signal: NEVER }), {
      reason: 'CAP-X03',
      message: /sds\.sock is already in use/,
    });
    using wire = new CsrWire(`unix:${socketPath}`);
    assert.equal((await wire.call()).code, status.OK);
  });

  it('does not take the place of anything else, not even through a link', async () => {
    writeFileSync(socketPath, 'precious');
    const refused = { reason: 'CAP-X03', message: /sds\.sock is in the place of a file that is not a socket/ };
    await assert.rejects(make().start({ signal: NEVER }), refused);
    assert.equal(lstatSync(socketPath).size, 'precious'.length);
    rmSync(socketPath);
    symlinkSync('/nonexistent', socketPath);
    await assert.rejects(make().start({ signal: NEVER }), refused);
  });

  it('says when its path is too long or its directory missing', async () => {
    const long = path.join(folder, 'x'.repeat(108 - Buffer.byteLength(folder)));
    await assert.rejects(make({ path: long }).start({ signal: NEVER }), { message: /path longer than 107 bytes/ });
    const lost = path.join(folder, 'none', 'sds.sock');
    await assert.rejects(make({ path: lost }).start({ signal: NEVER }), { message: /directory that does not exist/ });
  });

  it('may have a path of 107 bytes', async () => {
    const longest = path.join(folder, 'x'.repeat(106 - Buffer.byteLength(folder)));
    assert.equal(Buffer.byteLength(longest), 107);
    await start({ path: longest });
    using wire = new CsrWire(`unix:${longest}`);
    assert.equal((await wire.call()).code, status.OK);
  });

  it('goes when it stops', async () => {
    const listener = await start();
    await listener.drain({ deadlineMs: 0 });
    assert.deepEqual(readdirSync(folder), []);
  });

  it('stays when it stops after a successor has taken its place', async () => {
    const listener = await start();
    rmSync(socketPath);
    const successor = createServer();
    successor.listen(socketPath);
    await once(successor, 'listening');
    await listener.drain({ deadlineMs: 0 });
    assert.deepEqual(readdirSync(folder), ['sds.sock']);
    successor.close();
    await once(successor, 'close');
  });

  it('lets nobody in once its folder has another name, not even over an open connection', async () => {
    const home = path.join(folder, 'home');
    mkdirSync(home);
    const listener = await start({ path: path.join(home, 'sds.sock') });
    using before = new CsrWire(`unix:${path.join(home, 'sds.sock')}`);
    assert.equal((await before.call()).code, status.OK);
    renameSync(home, path.join(folder, 'moved'));
    mkdirSync(home);
    using after = new CsrWire(`unix:${path.join(folder, 'moved', 'sds.sock')}`);
    for (const wire of [before, after]) {
      const { code, details } = await wire.call();
      assert.equal(code, status.UNAVAILABLE);
      assert.match(details, /^CAP-S03 .*the socket is not at its path any more/);
    }
    assert.equal(listener.inPlace(), false);
    assert.equal(authority.presented.length, 1);
  });

  it('lets nobody in whose folder is a link, where folders are identities', async () => {
    mkdirSync(path.join(folder, 'real'));
    symlinkSync(path.join(folder, 'real'), path.join(folder, 'link'));
    const linked = { path: path.join(folder, 'link', 'sds.sock') };
    await assert.rejects(start({ ...linked, root: folder }), { reason: 'CAP-X03' });
    await start(linked);
    using wire = new CsrWire(`unix:${linked.path}`);
    assert.equal((await wire.call()).code, status.OK);
  });

  it('is in place only in the folder that it was bound in, at whatever moment folders change places', async () => {
    const [home, other] = [path.join(folder, 'home'), path.join(folder, 'other')];
    const target = path.join(home, 'sds.sock');
    const swap = (): void => {
      renameSync(home, path.join(folder, 'out'));
      renameSync(other, home);
      renameSync(path.join(folder, 'out'), other);
    };
    let started = 0;
    for (let turns = 0; turns < 40; turns += 1) {
      for (const name of [home, other]) mkdirSync(name, { recursive: true });
      const listener = make({ path: target, root: folder });
      const starting = listener.start({ signal: NEVER }).then(
        () => true,
        () => false,
      );
      for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
      swap();
      if (await starting) {
        started += 1;
        using wire = new CsrWire(`unix:${target}`);
        // Bound before the swap, it is in the other folder now; bound after it, in this one.
        assert.equal(listener.inPlace(), existsSync(target), `after ${turns} turns`);
        if (listener.inPlace()) assert.equal((await wire.call()).code, status.OK);
        swap();
        assert.equal(listener.inPlace(), existsSync(target), `after ${turns} turns`);
      }
      await listener.drain({ deadlineMs: 0 });
      for (const name of [home, other]) rmSync(name, { recursive: true });
    }
    assert.ok(started > 0);
  });

  it('leaves the umask of the process as it was', async () => {
    const before = process.umask(0o022);
    await start();
    assert.equal(process.umask(before), 0o022);
  });
});
