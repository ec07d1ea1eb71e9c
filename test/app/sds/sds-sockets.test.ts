import assert from 'node:assert/strict';
import { existsSync, mkdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import path from 'node:path';
import { X509Certificate } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { eventually } from '../../support/eventually.ts';
import { pemOf, SdsClient, secretsOf, type SotwClientStream } from '../../support/clients/sds-client.ts';
import { RunningServer } from '../support/running-server.ts';
import { ServerFiles } from '../support/server-files.ts';

/** About a second, on a busy machine. */
const SOON = { withinMs: 30_000 };
/** Often, so that a moment of the wrong identity is seen. */
const CLOSELY = { ...SOON, everyMs: 1 };

describe('In the folder of workloads, a folder', () => {
  let files: ServerFiles;
  let server: RunningServer;
  before(async () => {
    files = await ServerFiles.create();
    files.setPolicy([{ namespaces: ['default', 'team-a'] }]);
    makeFolder('default/early');
    // As an operator may well write it, with a slash at its end.
    const settings = { 'sds.sockets': [], 'sds.socketDirectory': `${files.path('sds')}/`, 'sds.socketMode': '0660' };
    server = await RunningServer.start({ files, settings });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  function folder(name: string): string {
    return path.join(files.path('sds'), name);
  }

  function socketIn(name: string): string {
    return path.join(folder(name), 'sds.sock');
  }

  function makeFolder(name: string): void {
    mkdirSync(folder(name), { recursive: true });
  }

  function logged(name: string): boolean {
    const identity = `spiffe://cluster.local/ns/${name.replace('/', '/sa/')}`;
    const opened = files.logged('socketOpened').filter((line) => line['path'] === socketIn(name));
    return opened.some((line) => line['identity'] === identity);
  }

  async function socketAppears(name: string): Promise<void> {
    await eventually(`a socket in ${name}`, () => existsSync(socketIn(name)), SOON);
  }

  it('has a socket from the start, for the workload that its place names', async () => {
    assert.deepEqual(server.report.sockets, [socketIn('default/early')]);
    assert.equal(await identityOver('default/early'), 'URI:spiffe://cluster.local/ns/default/sa/early');
    assert.equal(statSync(socketIn('default/early')).mode & 0o777, 0o660);
  });

  it('that is made later gets one soon, and makes another workload of whoever uses it', async () => {
    makeFolder('team-a/late');
    await socketAppears('team-a/late');
    assert.equal(await identityOver('team-a/late'), 'URI:spiffe://cluster.local/ns/team-a/sa/late');
  });

  it('that names no workload gets none, and the log says so once', async () => {
    makeFolder('default/Not_A_Name');
    makeFolder('default/beside');
    await socketAppears('default/beside');
    makeFolder('default/beside-too');
    await socketAppears('default/beside-too');
    assert.equal(existsSync(socketIn('default/Not_A_Name')), false);
    const told = await eventually(
      'the log is written',
      () => logged('default/beside-too') && files.logged('socketUnusable'),
      SOON,
    );
    assert.equal(told.length, 1);
    assert.match(String(told[0]?.['problem']), /Not_A_Name.*service account that is not an RFC 1123 subdomain/);
  });

  it('that is gone takes its socket and its streams with it', async () => {
    using envoy = new SdsClient(`unix:${socketIn('team-a/late')}`);
    const stream = envoy.sotw();
    stream.subscribe('default');
    await stream.accept();
    rmSync(folder('team-a'), { recursive: true });
    const { code, details } = await stream.ended;
    assert.equal(code, status.UNAVAILABLE);
    assert.match(details, /^CAP-S03 /);
    makeFolder('team-a/late');
    await socketAppears('team-a/late');
    assert.equal(await identityOver('team-a/late'), 'URI:spiffe://cluster.local/ns/team-a/sa/late');
  });

  it('that is replaced in one moment gets its socket again', async () => {
    const beside = files.path('beside');
    mkdirSync(beside);
    rmSync(folder('team-a/late'), { recursive: true });
    renameSync(beside, folder('team-a/late'));
    await socketAppears('team-a/late');
    assert.equal(await identityOver('team-a/late'), 'URI:spiffe://cluster.local/ns/team-a/sa/late');
  });

  async function identityOver(name: string): Promise<string | undefined> {
    return identityAt(socketIn(name));
  }
});

/** @param processes that serve; one of them accepts, whichever serves. */
const changingPlaces = (processes: number) => () => {
  let files: ServerFiles;
  let server: RunningServer;
  beforeEach(async () => {
    files = await ServerFiles.create();
    files.setPolicy([{ namespaces: ['default', 'team-*'] }]);
    for (const name of ['default/one', 'default/two', 'default/three', 'team-a/one', 'team-b/one']) makeFolder(name);
    const settings = { processes, 'sds.sockets': [], 'sds.socketDirectory': files.path('sds') };
    server = await RunningServer.start({ files, settings });
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  const folder = (name: string): string => path.join(files.path('sds'), name);
  const socketIn = (name: string): string => path.join(folder(name), 'sds.sock');
  const makeFolder = (name: string): void => void mkdirSync(folder(name), { recursive: true });

  /** `mv first out; mv second first; ...; mv out last`: the first takes the place of the last. */
  function rotate(...names: readonly string[]): void {
    const [first] = names;
    renameSync(folder(first!), files.path('out'));
    for (const [index, name] of names.slice(1).entries()) renameSync(folder(name), folder(names[index]!));
    renameSync(files.path('out'), folder(names.at(-1)!));
  }

  /** Serves its own identity soon, and no other one on the way. */
  async function servesItself(name: string): Promise<void> {
    const [namespace, serviceAccount] = name.split('/');
    const own = `URI:spiffe://cluster.local/ns/${namespace}/sa/${serviceAccount}`;
    const foreign: string[] = [];
    const look = async (): Promise<boolean> => {
      const found = await identityAt(socketIn(name));
      if (found !== own) foreign.push(String(found));
      return found === own;
    };
    await eventually(`${own} at its path`, look, CLOSELY);
    assert.deepEqual(foreign, []);
  }

  async function endsSoon(streams: readonly SotwClientStream[]): Promise<void> {
    for (const { code, details } of await Promise.all(streams.map(async (stream) => stream.ended))) {
      assert.equal(code, status.UNAVAILABLE);
      assert.match(details, /^CAP-S03 /);
    }
  }

  const CHANGES: readonly (readonly [how: string, names: readonly string[]])[] = [
    ['two of one namespace', ['default/one', 'default/two']],
    ['two of two namespaces', ['default/one', 'team-a/one']],
    ['three, in a ring', ['default/one', 'default/two', 'team-a/one']],
    ['two namespaces as a whole', ['team-a', 'team-b']],
  ];
  for (const [how, names] of CHANGES) {
    it(`serves its own identity and ends the streams of the former one: ${how}`, async () => {
      const workloads = names.map((name) => (name.includes('/') ? name : `${name}/one`));
      using clients = new DisposableStack();
      const envoys = workloads.map((name) => clients.use(new SdsClient(`unix:${socketIn(name)}`)));
      const streams = await Promise.all(envoys.map(openStream));
      rotate(...names);
      for (const name of workloads) await servesItself(name);
      await endsSoon(streams);
      assert.equal(files.logged('unexpected').length, 0);
      assert.deepEqual(await (await server.get('/readyz')).json(), { ready: true });
    });
  }

  it('does so time and again', async () => {
    for (let round = 0; round < 3; round += 1) {
      rotate('default/one', 'default/two');
      for (const name of ['default/one', 'default/two']) await servesItself(name);
    }
  });

  it('of a folder that was removed serves itself from the one that took its place', async () => {
    rmSync(folder('default/one'), { recursive: true });
    renameSync(folder('default/two'), folder('default/one'));
    await servesItself('default/one');
    assert.equal(existsSync(socketIn('default/two')), false);
  });

  it('that becomes a link serves nobody by its own name', async () => {
    using moved = new SdsClient(`unix:${socketIn('default/one')}`);
    const stream = await openStream(moved);
    renameSync(folder('default/one'), folder('team-a/moved'));
    symlinkSync(folder('team-a/moved'), folder('default/one'));
    await servesItself('team-a/moved');
    await endsSoon([stream]);
    // Whoever follows the link is the workload of the folder that it leads to.
    assert.equal(await identityAt(socketIn('default/one')), 'URI:spiffe://cluster.local/ns/team-a/sa/moved');
  });

  it('below a namespace that becomes a link serves nobody by its own name', async () => {
    renameSync(folder('team-a'), folder('team-c'));
    symlinkSync(folder('team-c'), folder('team-a'));
    await servesItself('team-c/one');
    assert.equal(await identityAt(socketIn('team-a/one')), 'URI:spiffe://cluster.local/ns/team-c/sa/one');
  });

  it('gets its socket again when the file is removed, and its streams end', async () => {
    using envoy = new SdsClient(`unix:${socketIn('default/one')}`);
    const stream = await openStream(envoy);
    rmSync(socketIn('default/one'));
    await servesItself('default/one');
    await endsSoon([stream]);
  });

  it('serves nobody while its file is a socket from elsewhere, and says so', async () => {
    renameSync(socketIn('default/two'), files.path('aside'));
    renameSync(socketIn('default/one'), socketIn('default/two'));
    renameSync(files.path('aside'), socketIn('default/one'));
    for (const name of ['default/one', 'default/two']) await servesItself(name);
    const squatter = await squat(socketIn('default/three'));
    await showsDegraded(server, /default\/three\/sds\.sock is already in use/);
    await servesItself('default/one');
    squatter.close();
    rmSync(socketIn('default/three'), { force: true });
    await servesItself('default/three');
  });

  it('is degraded in /readyz while it is a folder that names no workload', async () => {
    makeFolder('default/Not_A_Name');
    await showsDegraded(server, /Not_A_Name.*not an RFC 1123 subdomain/);
    rmSync(folder('default/Not_A_Name'), { recursive: true });
    await isAllReady(server);
  });

  it('is served again when the whole folder of workloads went and came back', async () => {
    renameSync(files.path('sds'), files.path('away'));
    await showsDegraded(server, /sds does not exist/);
    mkdirSync(files.path('sds'));
    makeFolder('default/one');
    await servesItself('default/one');
    await isAllReady(server);
  });
};

describe('When folders of workloads change places, each path', changingPlaces(1));
describe('When folders of workloads change places, each path that two processes serve', function () {
  this.timeout(60_000);
  changingPlaces(2)();
});

describe('A socket that the configuration lists', () => {
  let files: ServerFiles;
  let first: string;
  let second: string;
  beforeEach(async () => {
    files = await ServerFiles.create();
    mkdirSync(files.path('run'));
    first = files.path('run/one.sock');
    second = files.socket('two');
  });
  afterEach(() => files[Symbol.dispose]());

  const start = async (): Promise<RunningServer> =>
    RunningServer.start({
      files,
      settings: {
        'sds.sockets': [
          { path: first, namespace: 'default', serviceAccount: 'one' },
          { path: second, namespace: 'default', serviceAccount: 'two' },
        ],
      },
    });

  const UNUSABLE: readonly (readonly [how: string, problem: RegExp, spoil: () => Promise<() => void>])[] = [
    [
      'is taken by a file',
      /one\.sock is in the place of a file that is not a socket/,
      async () => {
        writeFileSync(first, 'precious');
        return () => rmSync(first);
      },
    ],
    [
      'is in a folder that does not exist',
      /one\.sock is in a directory that does not exist/,
      async () => {
        rmSync(files.path('run'), { recursive: true });
        return () => mkdirSync(files.path('run'));
      },
    ],
    [
      'is in the place of a file, not a folder',
      /one\.sock is below a file that is not a directory/,
      async () => {
        rmSync(files.path('run'), { recursive: true });
        writeFileSync(files.path('run'), '');
        return () => {
          rmSync(files.path('run'));
          mkdirSync(files.path('run'));
        };
      },
    ],
    [
      'belongs to another server that lives',
      /one\.sock is already in use/,
      async () => {
        rmSync(first, { force: true });
        const squatter = await squat(first);
        return () => squatter.close();
      },
    ],
  ];
  for (const [how, problem, spoil] of UNUSABLE) {
    it(`and ${how} at the start leaves the others alone, and opens when it can`, async () => {
      const mend = await spoil();
      await using server = await start();
      assert.deepEqual(
        server.report.troubled.map(({ part, state }) => [part, state]),
        [['sds-sockets', 'degraded']],
      );
      assert.equal(await identityAt(second), 'URI:spiffe://cluster.local/ns/default/sa/two');
      await showsDegraded(server, problem);
      mend();
      await isAllReady(server);
      assert.equal(await identityAt(first), 'URI:spiffe://cluster.local/ns/default/sa/one');
    });

    it(`and ${how} later ends its streams, leaves the others alone, and opens again when it can`, async () => {
      await using server = await start();
      using envoy = new SdsClient(`unix:${first}`);
      using beside = new SdsClient(`unix:${second}`);
      const [stream, other] = [await openStream(envoy), await openStream(beside)];
      rmSync(first);
      const mend = await spoil();
      await showsDegraded(server, problem);
      assert.equal((await stream.ended).code, status.UNAVAILABLE);
      mend();
      await isAllReady(server);
      assert.equal(await identityAt(first), 'URI:spiffe://cluster.local/ns/default/sa/one');
      other.send({ resourceNames: ['default', 'ROOTCA'] });
      await other.accept();
      const told = files.logged('socketUnusable').filter((line) => problem.test(String(line['problem'])));
      assert.equal(told.length, 1, 'the log says it once');
    });
  }

  it('comes back soon when its file is removed', async () => {
    await using server = await start();
    rmSync(first);
    await eventually('the socket is back', () => existsSync(first), SOON);
    assert.equal(await identityAt(first), 'URI:spiffe://cluster.local/ns/default/sa/one');
    await isAllReady(server);
  });

  it('changes identity with its path when two of them are swapped', async () => {
    await using server = await start();
    renameSync(first, files.path('aside'));
    renameSync(second, first);
    renameSync(files.path('aside'), second);
    const own = async (): Promise<boolean> =>
      (await identityAt(first)) === 'URI:spiffe://cluster.local/ns/default/sa/one' &&
      (await identityAt(second)) === 'URI:spiffe://cluster.local/ns/default/sa/two';
    await eventually('each serves itself', own, SOON);
    await isAllReady(server);
  });

  it('stays closed once the server stops', async () => {
    const server = await start();
    await server[Symbol.asyncDispose]();
    assert.deepEqual([existsSync(first), existsSync(second)], [false, false]);
  });
});

/** A living server that is not ours. */
async function squat(socket: string): Promise<Server> {
  rmSync(socket, { force: true });
  const squatter = createServer((connection) => connection.destroy()).listen(socket);
  await once(squatter, 'listening');
  return squatter;
}

async function openStream(envoy: SdsClient): Promise<SotwClientStream> {
  const stream = envoy.sotw();
  stream.subscribe('default');
  await stream.accept();
  return stream;
}

/** Whose certificate comes over a socket. Rejects when none does. */
async function identityAt(socket: string): Promise<string | undefined> {
  using envoy = new SdsClient(`unix:${socket}`);
  const stream = envoy.sotw();
  stream.subscribe('default');
  const [secret] = secretsOf(await stream.accept());
  stream.cancel();
  return new X509Certificate(pemOf(secret!)).subjectAltName;
}

async function showsDegraded(server: RunningServer, why: RegExp): Promise<void> {
  await eventually(
    `/readyz says ${String(why)}`,
    async () => {
      const answer = await server.get('/readyz');
      const { ready, degraded = [] } = (await answer.json()) as { ready: boolean; degraded?: { why: string }[] };
      return answer.status === 200 && ready && degraded.some((part) => why.test(part.why));
    },
    SOON,
  );
}

async function isAllReady(server: RunningServer): Promise<void> {
  await eventually(
    'all parts are ready',
    async () => {
      assert.deepEqual(await (await server.get('/readyz')).json(), { ready: true });
      return true;
    },
    SOON,
  );
}
