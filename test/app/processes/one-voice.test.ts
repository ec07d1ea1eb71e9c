// A server of two processes as those see it who ask one: a scraper, a probe, an operator, a proxy on a Unix socket, whoever
// reads the log, whoever edits a file.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, renameSync } from 'node:fs';
import { runCli } from '../../../src/cli/program.ts';
import { EXIT } from '../../../src/cli/exit-codes.ts';
import { findPromtool } from '../../adapters/telemetry/promtool.ts';
import { recordTerminal } from '../../cli/support/recorded-terminal.ts';
import { eventually } from '../../support/eventually.ts';
import { stopwatch } from '../../support/stopwatch.ts';
import { SdsClient } from '../../support/clients/sds-client.ts';
import { peerOrSkip } from '../../peers/support/presence.ts';
import { ChildServer } from '../support/child-server.ts';
import { ServerFiles, type LogLine } from '../support/server-files.ts';
import { Load, untilServing, workersOf, type Worker } from '../support/several-processes.ts';

/** Less than the half minute after which files are read again in any case. */
const SOON = { withinMs: 30_000 };
const MONTH_MS = 30 * 86_400_000;

describe('A server of two processes, to whoever asks it,', function () {
  this.timeout(60_000);
  let files: ServerFiles;
  let server: ChildServer;
  const open: Disposable[] = [];

  before(async () => {
    files = await ServerFiles.create();
    server = await ChildServer.start(files, { processes: 2 });
    await untilServing(files, 2);
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });
  afterEach(() => {
    for (const client of open.splice(0)) client[Symbol.dispose]();
  });

  async function page(target: string): Promise<string> {
    return (await server.get(target)).text();
  }

  async function value(series: string): Promise<number> {
    const line = (await page('/metrics')).split('\n').find((one) => one.startsWith(`${series} `));
    return Number(line?.split(' ').at(-1));
  }

  /** Certificates from both workers. */
  async function issueSome(): Promise<number> {
    const load = await Load.start(files, 16, () => server.client());
    await eventually('some certificates', () => load.delivered.length >= 48, SOON);
    await load.end();
    return load.delivered.length;
  }

  async function streamOverSocket(): Promise<SdsClient> {
    const envoy = new SdsClient(`unix:${files.socket('demo')}`);
    open.push(envoy);
    const stream = envoy.sotw();
    stream.subscribe('default');
    await stream.accept();
    return envoy;
  }

  function streamsOpened(): readonly LogLine[] {
    return files.logged('streamOpened').filter(({ caller }) => String(caller).endsWith('/sa/demo'));
  }

  /** A SIGKILL, and the one that comes after it. */
  async function replace({ pid, slot }: Worker): Promise<void> {
    process.kill(pid, 'SIGKILL');
    const isSuccessor = (one: Worker): boolean => one.slot === slot && one.pid !== pid;
    await eventually('a successor', () => workersOf(files).some(isSuccessor), SOON);
    await untilServing(files, 2);
  }

  it('writes one log, of whole lines, each with the number of its worker', async () => {
    await issueSome();
    const decided = await eventually('both have logged', () => bothIn(files.logged('decided')), SOON);
    assert.ok(decided.every(({ worker }) => worker === 1 || worker === 2));
    assert.ok(files.logged('workerServes').every(({ worker }) => worker === undefined));
    // Every line is JSON: `logged` reads them all.
    assert.equal(files.logText.endsWith('\n'), true);
  });

  function bothIn(lines: readonly LogLine[]): readonly LogLine[] | false {
    return new Set(lines.map(({ worker }) => worker)).size === 2 && lines;
  }

  it('has one log file, which no worker has open', () => {
    const holders = [server.pid, ...workersOf(files).map(({ pid }) => pid)].filter((pid) => {
      const descriptors = readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`));
      return descriptors.includes(files.path('capstan.log'));
    });
    assert.deepEqual(holders, [server.pid]);
  });

  it('counts what all have issued, and goes on from there after a worker was killed', async () => {
    const issued = 'capstan_decisions_total{api="csr",outcome="issued",reason="none"}';
    const before = await value(issued);
    const delivered = await issueSome();
    assert.equal(await value(issued), before + delivered);
    await replace(workersOf(files)[0]!);
    assert.equal(await value(issued), before + delivered);
    const more = await issueSome();
    assert.equal(await value(issued), before + delivered + more);
    const latency = 'capstan_decision_duration_seconds_count{api="csr",outcome="issued"}';
    assert.equal(await value(latency), await value(issued));
    for (const worker of ['supervisor', '1', '2']) {
      assert.ok((await value(`process_resident_memory_bytes{worker="${worker}"}`)) > 1e7);
    }
  });

  it('answers a scraper within a second, and with no number less, while a worker stands still', async () => {
    await issueSome();
    const issued = 'capstan_decisions_total{api="csr",outcome="issued",reason="none"}';
    const before = await value(issued);
    const [first] = workersOf(files);
    process.kill(first!.pid, 'SIGSTOP');
    const took = stopwatch(server.pid);
    const [metrics, ready] = await Promise.all([value(issued), page('/readyz')]);
    const tookMs = took();
    assert.equal(metrics, before);
    assert.ok(tookMs < 1_900, `${tookMs} ms`);
    const { ready: isReady, degraded } = JSON.parse(ready) as { ready: boolean; degraded: unknown[] };
    assert.deepEqual([isReady, degraded], [true, [{ part: 'worker', worker: 1, why: 'it does not answer' }]]);
    const isSuccessor = ({ slot, pid }: Worker): boolean => slot === 1 && pid !== first!.pid;
    await eventually('a successor', () => workersOf(files).some(isSuccessor), SOON);
    await untilServing(files, 2);
  });

  it('has a page of metrics that Prometheus reads without complaint', async function () {
    const promtool = peerOrSkip(this, findPromtool(), 'promtool');
    const judged = spawnSync(promtool, ['check', 'metrics'], { input: await page('/metrics'), encoding: 'utf8' });
    assert.equal(judged.status, 0, judged.stdout + judged.stderr);
  });

  it('is ready, and names a part that is degraded with the worker that it is of', async () => {
    const readyz = async () => JSON.parse(await page('/readyz')) as { ready: boolean; degraded?: LogLine[] };
    assert.deepEqual(await readyz(), { ready: true });
    files.setManifest('broken.yaml', 'kind: [');
    const degraded = await eventually('both say so', async () => bothIn((await readyz()).degraded ?? []), SOON);
    assert.deepEqual(
      degraded.map(({ part, worker }) => [part, worker]),
      [
        ['cluster', 1],
        ['cluster', 2],
      ],
    );
    files.setManifest('broken.yaml');
    await eventually('it is mended', async () => (await readyz()).degraded === undefined, SOON);
  });

  it('brings a policy in force in all workers soon, and each decision names one of the revisions', async () => {
    const policy = async () => JSON.parse(await page('/policy')) as { revision: string; workers?: unknown[] };
    const former = (await policy()).revision;
    const load = await Load.start(files, 8, () => server.client());
    files.setPolicy([{ namespaces: ['default', 'another'] }]);
    const now = await eventually(
      'all judge by the new one',
      async () => {
        const { revision, workers } = await policy();
        return revision !== former && workers === undefined && revision;
      },
      SOON,
    );
    await load.end();
    const later = new Date().toISOString();
    await issueSome();
    const revisions = files.logged('policyInForce').filter(({ revision }) => revision === now);
    assert.deepEqual(revisions.map(({ worker }) => worker).sort(), [1, 2]);
    const bundles = files.logged('decided').filter(({ time }) => String(time) > later);
    const named = new Set(bundles.map(({ policy: trace }) => (trace as { bundle: string }).bundle));
    assert.equal(named.size, 1, [...named].join());
  });

  it('watches files once: the supervisor alone has watches, and tells the workers', () => {
    const watching = [server.pid, ...workersOf(files).map(({ pid }) => pid)].filter((pid) =>
      readdirSync(`/proc/${pid}/fdinfo`).some((fd) => readOr(`/proc/${pid}/fdinfo/${fd}`).includes('inotify wd:')),
    );
    assert.deepEqual(watching, [server.pid]);
  });

  it('rereads in all workers on SIGHUP', async () => {
    const before = files.logged('lifecycle').filter(({ phase }) => phase === 'rereading').length;
    process.kill(server.pid, 'SIGHUP');
    const workers = await eventually(
      'all have reread',
      () => {
        const phases = files.logged('lifecycle').filter(({ phase }) => phase === 'rereading');
        return phases.length === before + 3 && phases.slice(before).map(({ worker }) => worker);
      },
      SOON,
    );
    assert.deepEqual(new Set(workers), new Set([undefined, 1, 2]));
  });

  it('serves a Unix socket by all workers, and a dead one costs only its own connections', async () => {
    const seen = streamsOpened().length;
    const streams = [];
    for (let count = 0; count < 4; count += 1) {
      const envoy = new SdsClient(`unix:${files.socket('demo')}`);
      open.push(envoy);
      const stream = envoy.sotw();
      stream.subscribe('default');
      await stream.accept();
      streams.push(stream);
    }
    const lines = await eventually('four streams', () => streamsOpened().length === seen + 4 && streamsOpened(), SOON);
    const workers = lines.slice(seen).map(({ worker }) => worker);
    assert.deepEqual(workers.filter((worker) => worker === 1).length, 2, workers.join());
    let ended = 0;
    for (const stream of streams) void stream.ended.then(() => (ended += 1));
    await replace(workersOf(files)[1]!);
    await eventually('its streams end', () => ended === 2, SOON);
    await streamOverSocket();
    assert.equal(ended, 2);
  });

  it('shows an operator the streams and the rejections of all workers', async () => {
    const status = async () => {
      const { code, out, error } = await capstan('sds', 'status', '--data-dir', files.directory, '--output', 'json');
      assert.equal(code, EXIT.ok, error);
      return JSON.parse(out) as { streams: number; rejections: unknown[] };
    };
    const before = await status();
    for (let count = 0; count < 4; count += 1) {
      const envoy = new SdsClient(`unix:${files.socket('demo')}`);
      open.push(envoy);
      const stream = envoy.sotw();
      stream.subscribe('default');
      stream.nack(await stream.next(), 'no');
    }
    // All four say that they are one proxy, and each worker has some of them.
    const complete = async () => {
      const { streams, rejections } = await status();
      return streams === before.streams + 4 && rejections.length === 2;
    };
    await eventually('four streams, and a rejection at each worker', complete, SOON);
  });

  it('serves a socket no more whose path leads elsewhere, whoever has the connection', async () => {
    await streamOverSocket();
    renameSync(files.socket('demo'), files.path('moved.sock'));
    using stranger = new SdsClient(`unix:${files.path('moved.sock')}`);
    const stream = stranger.sotw();
    stream.subscribe('default');
    assert.match((await stream.ended).details, /^CAP-S03 |ECONN|ENOENT|closed/);
    await eventually('it is open again', async () => streamOverSocket(), SOON);
  });
});

describe('A server of two processes whose policy time is ahead', function () {
  this.timeout(60_000);

  it('has it set back in all workers by one command, which one of them puts on record', async () => {
    using files = await ServerFiles.create();
    await (await ChildServer.start(files, { processes: 2 })).stop();
    const state = JSON.parse(readFileSync(files.path('bundle-state.json'), 'utf8')) as { latestSeenMs: number };
    files.write('bundle-state.json', JSON.stringify({ ...state, latestSeenMs: state.latestSeenMs + MONTH_MS }));
    await using server = await ChildServer.start(files, { processes: 2 });
    await untilServing(files, 2);
    const reset = async (...more: string[]) => capstan('bundle', 'reset-time', '--data-dir', files.directory, ...more);
    const shown = await reset();
    const [, time = ''] = /--confirm (\S+)/.exec(shown.out) ?? assert.fail(shown.out + shown.error);
    const done = await reset('--confirm', time);
    assert.match(done.out, /judged by the clock again/, done.error);
    assert.match((await reset()).out, /nothing to set back/);
    assert.deepEqual(await (await server.get('/readyz')).json(), { ready: true });
    await eventually('both say so', () => files.logged('policyTimeSetBack').length === 2, SOON);
    const recorded = await capstan('journal', 'operations', '--data-dir', files.directory, '--output', 'json');
    assert.deepEqual(
      (JSON.parse(recorded.out) as { operation: string }[]).map(({ operation }) => operation),
      ['bundle reset-time'],
    );
  });
});

async function capstan(...argv: string[]) {
  const { terminal, out, error } = recordTerminal();
  const code = await runCli(argv, { terminal, environment: {}, signal: AbortSignal.timeout(30_000) });
  return { code, out: out(), error: error() };
}

function linkOf(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}

function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
