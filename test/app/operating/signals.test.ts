// What the real program does on each signal, started by plain Node as `capstan serve` is.
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { heedSignals } from '../../../src/cli/signals.ts';
import { eventually } from '../../support/eventually.ts';

const MAIN = path.resolve(import.meta.dirname, '../../../src/main.ts');
const SOON = { withinMs: 30_000 };
/** Less than the half minute after which files are read again in any case. */
const PROMPTLY = { withinMs: 30_000 };

describe('A server in a process of its own', function () {
  this.timeout(60_000);
  let folder: string;
  let dataDir: string;
  let child: ChildProcess;
  let out: string;
  let error: string;

  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'capstan-signals-'));
    dataDir = path.join(folder, 'data');
    await start();
  });
  afterEach(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    rmSync(folder, { recursive: true, force: true });
  });

  async function start(): Promise<void> {
    [out, error] = ['', ''];
    const ports = ['--listen-tls-address', '127.0.0.1:0', '--listen-http-address', '127.0.0.1:0'];
    child = spawn(process.execPath, [MAIN, 'serve', '--dev', '--data-dir', dataDir, ...ports]);
    child.stdout?.on('data', (text: Buffer) => (out += text.toString()));
    child.stderr?.on('data', (text: Buffer) => (error += text.toString()));
    await eventually('the server is up', () => out.includes('Try next'), SOON);
  }

  const http = (): string => /http:\/\/(\S+)\/healthz/.exec(out)?.[1] ?? assert.fail(out);

  async function serves(): Promise<void> {
    const answer = await fetch(`http://${http()}/readyz`, { signal: AbortSignal.timeout(30_000) });
    assert.deepEqual(await answer.json(), { ready: true });
  }

  function phases(): readonly unknown[] {
    const lines = readFileSync(path.join(dataDir, 'capstan.log'), 'utf8').split('\n').slice(0, -1);
    const events = lines.map((line) => JSON.parse(line) as { event?: string; phase?: string });
    return events.filter(({ event }) => event === 'lifecycle').map(({ phase }) => phase);
  }

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) {
    it(`drains on ${signal} and ends well`, async () => {
      child.kill(signal);
      const [code] = (await once(child, 'exit')) as [number | null];
      assert.equal(code, 0, error);
      assert.deepEqual(phases(), ['starting', 'ready', 'draining']);
      assert.match(out, /Capstan has stopped\.$/m);
    });
  }

  for (const signal of ['SIGUSR1', 'SIGUSR2', 'SIGPIPE'] as const) {
    it(`goes on serving on ${signal}, and listens no more than before`, async () => {
      const before = listeningPorts(child.pid!);
      // For callers, for probes and, in dev mode, for who looks at the console.
      assert.equal(before.length, 3);
      child.kill(signal);
      await serves();
      // A signal is handled before what comes after it; the debugger's thread opens its port in the moment after.
      child.kill('SIGHUP');
      await eventually('the later signal is heeded', () => phases().includes('rereading'), SOON);
      await serves();
      assert.deepEqual(listeningPorts(child.pid!), before);
      assert.doesNotMatch(error, /Debugger/);
    });
  }

  it('goes on serving when whoever read its output is gone', async () => {
    child.stdout?.destroy();
    child.stderr?.destroy();
    child.kill('SIGHUP');
    await eventually('the signal is heeded', () => phases().includes('rereading'), SOON);
    await serves();
    child.kill('SIGTERM');
    await once(child, 'exit');
    assert.deepEqual(phases().at(-1), 'draining');
  });

  it('looks on SIGHUP at what it follows, even where no notification tells of the change', async () => {
    // A change by another name of the file is seen by nobody who watches the folder.
    const elsewhere = path.join(folder, 'elsewhere');
    mkdirSync(elsewhere);
    const real = path.join(elsewhere, 'audit.yaml');
    writeFileSync(real, policy('first'));
    linkSync(real, path.join(dataDir, 'policies', 'audit.yaml'));
    await eventually('the policy is in force', async () => (await inForce()).includes('first'), SOON);
    writeFileSync(real, policy('second'));
    child.kill('SIGHUP');
    await eventually('its successor is', async () => (await inForce()).includes('second'), PROMPTLY);
    await eventually('the log says so', () => phases().includes('rereading'), SOON);
    await serves();
  });

  async function inForce(): Promise<string> {
    return (await fetch(`http://${http()}/policy`, { signal: AbortSignal.timeout(30_000) })).text();
  }

  function policy(name: string): string {
    return `apiVersion: capstan.dev/v1alpha1
kind: ClusterIssuancePolicy
metadata: { name: ${name} }
spec: { mode: audit, narrow: { ttl: { max: 1h } } }
`;
  }
});

describe('Signals', () => {
  it('ask for an end when the terminal of a server is closed, and for a look otherwise', () => {
    const cases = [
      { atStart: true, later: false, ends: true },
      { atStart: true, later: true, ends: false },
      { atStart: false, later: false, ends: false },
    ];
    for (const { atStart, later, ends } of cases) {
      const signals = new EventEmitter();
      let terminal = atStart;
      const { signal, rereads } = heedSignals(signals, { serving: true, terminal: () => terminal });
      let looks = 0;
      rereads.addEventListener('reread', () => (looks += 1));
      terminal = later;
      signals.emit('SIGHUP');
      assert.deepEqual([signal.aborted, looks], [ends, ends ? 0 : 1]);
    }
  });

  it('end a server that is told twice at once, but not a worker, which its supervisor also tells', () => {
    for (const worker of [false, true]) {
      const signals = new EventEmitter();
      const { signal } = heedSignals(signals, { serving: true, worker });
      signals.emit('SIGTERM');
      assert.ok(signal.aborted);
      assert.equal(signals.listenerCount('SIGTERM'), worker ? 1 : 0);
    }
  });

  it('mean to a command that is no server what they always mean', () => {
    const signals = new EventEmitter();
    heedSignals(signals, { serving: false });
    assert.equal(signals.listenerCount('SIGHUP'), 0);
  });
});

/** TCP ports on which a process listens, by /proc (proc_net(5)): state 0A is LISTEN. */
function listeningPorts(pid: number): readonly number[] {
  const fds = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      return [];
    }
  });
  const own = new Set(fds.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []));
  const rows = ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8').split('\n').slice(1),
  );
  const columns = rows.map((row) => row.trim().split(/\s+/));
  return columns
    .filter(([, , , state, , , , , , inode]) => state === '0A' && own.has(inode ?? ''))
    .map(([, local]) => Number.parseInt(local?.split(':')[1] ?? '', 16))
    .sort((a, b) => a - b);
}
