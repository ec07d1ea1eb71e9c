// One bad step of the clock: no expired bundle comes back to life by it, and it is no lasting outage either.
import assert from 'node:assert/strict';
import { readFileSync, renameSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import { SystemClock } from '../../../src/adapters/clock/system-clock.ts';
import { runCli } from '../../../src/cli/program.ts';
import { recordTerminal } from '../../cli/support/recorded-terminal.ts';
import { eventually } from '../../support/eventually.ts';
import { buildCsr, testAuthority } from '../../support/certificates.ts';
import { RunningServer } from '../support/running-server.ts';
import { POLICY, ServerFiles } from '../support/server-files.ts';

const DAY_MS = 86_400_000;
const MONTH_MS = 30 * DAY_MS;
const BY = { actor: 'local', role: 'security' };
const SOON = { withinMs: 30_000 };

interface Part {
  readonly part: string;
  readonly why: string;
}

describe('A server whose clock was a month ahead for a while', () => {
  let files: ServerFiles;
  let server: RunningServer;
  let offsetMs = 0;
  let clock: SystemClock;

  beforeEach(async () => {
    offsetMs = 0;
    clock = new SystemClock({ wallMs: () => Date.now() + offsetMs });
    files = await ServerFiles.create(await testAuthority());
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  const setExpiry = (inMs: number, renewAfterHardExpiry = false): void =>
    files.setPolicy(POLICY, {
      validity: { hardExpiry: new Date(Date.now() + inMs).toISOString(), renewAfterHardExpiry },
    });
  const start = async (): Promise<void> => {
    server = await RunningServer.start({ files, clock });
  };
  const restart = async (): Promise<void> => {
    await server.stop();
    await start();
  };
  async function ask(): Promise<string> {
    using client = server.client();
    const headers = { authorization: `Bearer ${await files.mint.token()}` };
    const { code, details } = await client.call({ csr: (await buildCsr()).pem, headers });
    return code === status.OK ? 'OK' : `${status[code]} ${details}`;
  }
  async function run(...argv: readonly string[]): Promise<{ code: number; output: string; error: string }> {
    const { terminal, out, error } = recordTerminal();
    const code = await runCli(argv, { terminal, environment: {}, signal: AbortSignal.timeout(30_000) });
    return { code, output: out(), error: error() };
  }
  const reset = async (...more: readonly string[]) =>
    run('bundle', 'reset-time', '--data-dir', files.directory, ...more);
  async function operations(): Promise<readonly { readonly time: string; readonly operation: string }[]> {
    const { output } = await run('journal', 'operations', '--data-dir', files.directory, '--output', 'json');
    return JSON.parse(output) as { time: string; operation: string }[];
  }
  async function parts(): Promise<{ status: number; unready: readonly Part[]; degraded: readonly Part[] }> {
    const answer = await server.get('/readyz');
    const { unready = [], degraded = [] } = (await answer.json()) as { unready?: Part[]; degraded?: Part[] };
    return { status: answer.status, unready, degraded };
  }
  const latestSeenMs = (): number =>
    (JSON.parse(readFileSync(files.path('bundle-state.json'), 'utf8')) as { latestSeenMs: number }).latestSeenMs;
  /** A month forward until that is remembered, and back. */
  async function stepAndBack(): Promise<void> {
    offsetMs = MONTH_MS;
    await eventually('the step is remembered', () => latestSeenMs() > Date.now() + MONTH_MS / 2, SOON);
    offsetMs = 0;
    await eventually('the serving certificate is renewed', async () => !(await ask()).includes('No connection'), SOON);
  }

  it('takes back no expired bundle, not by a restart either, and recovers by one command that asks twice', async () => {
    setExpiry(7 * DAY_MS);
    await start();
    assert.equal(await ask(), 'OK');
    await stepAndBack();
    assert.match(await ask(), /^UNAVAILABLE CAP-S11 /);
    await restart();
    assert.match(await ask(), /^UNAVAILABLE CAP-S11 /);
    const before = await parts();
    assert.equal(before.status, 503);
    assert.match(before.unready.find(({ part }) => part === 'policy time')?.why ?? '', /`capstan bundle reset-time`/);
    const page = await (await server.get('/metrics')).text();
    assert.match(page, /capstan_\w+\{[^}]*part="policy time"[^}]*\}/);

    const asked = await reset();
    assert.equal(asked.code, 1);
    const confirm = /--confirm (\S+)/.exec(asked.output)?.[1] ?? assert.fail(asked.output);
    assert.match(await ask(), /CAP-S11/);
    const wrong = await reset('--confirm', new Date().toISOString());
    assert.equal(wrong.code, 64);
    assert.match(await ask(), /CAP-S11/);
    const done = await reset('--confirm', confirm);
    assert.equal(done.code, 0, done.error);
    assert.equal(await ask(), 'OK');
    assert.equal((await parts()).status, 200);
    const [{ time, ...operation } = { time: '', operation: '' }, ...others] = await operations();
    assert.deepEqual(
      [operation, others],
      [{ operation: 'bundle reset-time', was: confirm, is: time, details: BY }, []],
    );
    assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000, time);
    await eventually('it is logged', () => files.logged('policyTimeSetBack').length === 1, SOON);
    await restart();
    assert.equal(await ask(), 'OK');
    assert.match((await reset()).output, /nothing to set back/);
  });

  it('keeps that time, and the bundle expired, while the command cannot be recorded', async () => {
    setExpiry(7 * DAY_MS);
    await start();
    await stepAndBack();
    const confirm = /--confirm (\S+)/.exec((await reset()).output)?.[1] ?? assert.fail();
    renameSync(files.path('journal.db'), files.path('elsewhere.db'));
    const failed = await reset('--confirm', confirm);
    assert.notEqual(failed.code, 0);
    assert.match(failed.error, /CAP-S04 /);
    renameSync(files.path('elsewhere.db'), files.path('journal.db'));
    await eventually('the journal is back', async () => /^UNAVAILABLE CAP-S11 /.test(await ask()), SOON);
    assert.ok(latestSeenMs() > Date.now() + MONTH_MS / 2);
    // That it was asked for in vain may be on record by now.
    const done = async () => (await operations()).filter(({ operation }) => operation === 'bundle reset-time');
    assert.deepEqual(await done(), []);
    assert.equal((await reset('--confirm', confirm)).code, 0);
    assert.equal((await done()).length, 1);
    assert.equal(await ask(), 'OK');
  });

  it('is degraded, not unready, while the bundle is in its time all the same, and judges tokens and leaves by the clock', async () => {
    setExpiry(365 * DAY_MS);
    await start();
    await stepAndBack();
    await restart();
    assert.equal(await ask(), 'OK');
    const { status: code, degraded } = await parts();
    assert.equal(code, 200);
    assert.match(degraded.find(({ part }) => part === 'policy time')?.why ?? '', /`capstan bundle reset-time`/);
  });
});
