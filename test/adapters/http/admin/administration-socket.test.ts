import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { administrationRoutes, type AdministrationRoutes } from '../../../../src/adapters/http/admin/administration.ts';
import { LOCAL_OPERATOR } from '../../../../src/authority/administration/roles.ts';
import { AdministrationSocket } from '../../../../src/adapters/http/admin/administration-socket.ts';
import { askServer } from '../../../../src/cli/administration.ts';
import { EXIT } from '../../../../src/cli/exit-codes.ts';
import { AuthorityError } from '../../../../src/domain/errors.ts';
import { FakeClock, settle } from '../../../support/fakes/fake-clock.ts';

describe('The administration socket', () => {
  let directory: string;
  let socketPath: string;
  let clock: FakeClock;
  let stop: AbortController;
  let faults: unknown[];
  let socket: AdministrationSocket;

  /** What an operator may do in these tests. */
  const greeting = (routes: AdministrationRoutes): void => {
    routes.get('/greeting', (c) => c.json({ hello: c.req.query('name') }));
    routes.post('/echo', async (c) => c.json(await c.req.json()));
    routes.get('/refused', () => {
      throw new AuthorityError('CAP-S02');
    });
    routes.get('/broken', () => {
      throw new Error('a secret of the machine room');
    });
  };

  beforeEach(async () => {
    directory = mkdtempSync(path.join(tmpdir(), 'admin-'));
    socketPath = path.join(directory, 'admin.sock');
    clock = new FakeClock();
    stop = new AbortController();
    faults = [];
    socket = socketAt(socketPath);
    await socket.open();
    void socket.keep(stop);
  });
  afterEach(async () => {
    stop.abort();
    await socket[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  function socketAt(file: string): AdministrationSocket {
    const events = { unexpected: (fault: unknown) => void faults.push(fault), administered: () => undefined };
    return new AdministrationSocket(
      { routes: administrationRoutes([greeting], { events, operatorOf: () => LOCAL_OPERATOR }), clock },
      { path: file },
    );
  }

  const { signal } = new AbortController();
  const get = async (page: string): Promise<unknown> =>
    askServer({ socketPath }, { method: 'GET', path: page }, signal);
  const back = async (): Promise<void> => {
    await clock.advance(1_000);
    while (!existsSync(socketPath)) await settle();
  };

  it('is for its own user alone', () => {
    const { mode, uid } = statSync(socketPath);
    assert.deepEqual([mode & 0o777, uid], [0o600, process.getuid?.()]);
    assert.equal(socket.problem, undefined);
  });

  it('answers questions and takes orders', async () => {
    assert.deepEqual(await get('/greeting?name=operator'), { hello: 'operator' });
    const body = { order: 1 };
    assert.deepEqual(await askServer({ socketPath }, { method: 'POST', path: '/echo', body }, signal), body);
  });

  it('tells the operator why it refuses, with the exit code of the reason', async () => {
    await assert.rejects(get('/refused'), { message: /^CAP-S02 no policy is loaded/, exitCode: EXIT.unavailable });
    await assert.rejects(get('/nowhere'), { message: /has no such page/ });
  });

  it('keeps a fault of its own to the log', async () => {
    await assert.rejects(get('/broken'), { message: 'internal error' });
    assert.equal(faults.length, 1);
  });

  it('reads no more than a list of ten thousand chains takes', async () => {
    const order = askServer({ socketPath }, { method: 'POST', path: '/echo', body: 'x'.repeat(1_100_000) }, signal);
    await assert.rejects(order, { message: 'the request is too large' });
  });

  it('takes the place of one that a dead server left', async () => {
    const before = lstatSync(socketPath).ino;
    await using successor = socketAt(socketPath);
    await successor.open();
    assert.notEqual(lstatSync(socketPath).ino, before);
    assert.deepEqual(await get('/greeting?name=you'), { hello: 'you' });
  });

  it('is back within a second when it was removed, alone or with its folder', async () => {
    rmSync(socketPath);
    await back();
    assert.deepEqual(await get('/greeting?name=again'), { hello: 'again' });
    rmSync(directory, { recursive: true });
    await clock.advance(1_000);
    assert.match(socket.problem ?? '', /admin\.sock cannot be opened/);
    mkdirSync(directory);
    await back();
    assert.deepEqual(await get('/greeting?name=again'), { hello: 'again' });
    assert.equal(socket.problem, undefined);
  });

  it('leaves a file alone that is no socket, says so, and opens when it is gone', async () => {
    const file = path.join(directory, 'taken');
    writeFileSync(file, 'mine');
    await using other = socketAt(file);
    await other.open();
    assert.match(other.problem ?? '', /taken cannot be opened: another file is in its place/);
    assert.ok(lstatSync(file).isFile());
    rmSync(file);
    await other.open();
    assert.equal(other.problem, undefined);
  });

  it('says when its path is too long for a socket, instead of opening another', async () => {
    await using other = socketAt(path.join(directory, 'x'.repeat(108)));
    await other.open();
    assert.match(other.problem ?? '', /longer than 107 bytes/);
  });

  it('goes with its server, and a command says that nobody answers', async () => {
    stop.abort();
    await socket[Symbol.asyncDispose]();
    assert.equal(existsSync(socketPath), false);
    await assert.rejects(get('/greeting'), { message: /is the server running/, exitCode: EXIT.unavailable });
  });
});
