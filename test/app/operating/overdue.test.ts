// Who is late after an outage, as operators see it: nobody for the time in which nothing could be issued, and whoever stays silent
// after it. Time leaps, and what is asked for comes over SDS sockets, which know no clock of a client.
import assert from 'node:assert/strict';
import { runCli } from '../../../src/cli/program.ts';
import { recordTerminal } from '../../cli/support/recorded-terminal.ts';
import { SdsClient } from '../../support/clients/sds-client.ts';
import { eventually } from '../../support/eventually.ts';
import { LeapingClock } from '../support/leaping-clock.ts';
import { RunningServer } from '../support/running-server.ts';
import { ServerFiles } from '../support/server-files.ts';

const HOUR_MS = 3_600_000;
const SOON = { withinMs: 60_000, everyMs: 200 };
const NAMES = ['back', 'silent', 'other'] as const;
type Name = (typeof NAMES)[number];

interface Row {
  readonly identity: string;
  readonly state: string;
}

describe('Who is overdue after an outage', function () {
  this.timeout(300_000);
  let files: ServerFiles;
  let clock: LeapingClock;
  let server: RunningServer;
  beforeEach(async () => {
    files = await ServerFiles.create();
    clock = new LeapingClock();
    await start();
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  async function start(): Promise<void> {
    const settings = {
      'lifetimes.max': '24h',
      'lifetimes.default': '24h',
      'sds.ttl': '24h',
      'sds.renewAt': 0.5,
      'lifetimes.jitterPercent': 0,
      'sds.sockets': NAMES.map((name) => ({ path: files.socket(name), namespace: 'default', serviceAccount: name })),
    };
    server = await RunningServer.start({ files, clock, settings });
  }
  async function restart(): Promise<void> {
    await server.stop();
    await start();
  }
  async function run(...argv: readonly string[]): Promise<string> {
    const { terminal, out, error } = recordTerminal();
    const options = { terminal, environment: {}, clock, signal: AbortSignal.timeout(30_000) };
    assert.equal(await runCli([...argv, '--data-dir', files.directory], options), 0, error());
    return out();
  }
  /** Whoever asks has the server look who can be issued to: it happened before time leaps. */
  async function issuer(act: string): Promise<void> {
    await run('issuer', act, 'default', '--reason', 'a drill');
    await listed();
  }
  async function renew(name: Name): Promise<void> {
    using client = new SdsClient(`unix:${files.socket(name)}`);
    const { resources } = await client.fetch({ resourceNames: ['default'] });
    assert.equal(resources.length, 1);
  }
  const nameIn = (identity: string): string => /^spiffe:.*\/sa\/(\w+)$/.exec(identity)?.[1] ?? '';
  async function listed(...argv: readonly string[]): Promise<readonly string[]> {
    const answer = JSON.parse(await run('inventory', ...argv, '--output', 'json')) as { readonly entries: Row[] };
    return answer.entries.map(({ identity }) => nameIn(identity)).filter((name) => name !== '');
  }
  const named = (): readonly string[] =>
    files.logged('identityOverdue').map(({ identity }) => nameIn(String(identity)));
  async function counted(): Promise<number | undefined> {
    const page = await (await server.get('/metrics')).text();
    const [, count] = /^capstan_overdue_identities (\d+)$/m.exec(page) ?? [];
    return count === undefined ? undefined : Number(count);
  }
  async function says(overdue: readonly Name[]): Promise<void> {
    const is = async (): Promise<boolean> =>
      (await counted()) === overdue.length && (await listed('--overdue')).join() === overdue.join();
    await eventually(`${overdue.join() || 'nobody'} is overdue`, is, SOON);
  }
  /** Who is late is asked every five seconds of the machine's clock. */
  async function goesOnSaying(overdue: readonly Name[]): Promise<void> {
    // A server that has just started may not have read anything yet.
    const before = (await asOf()) || clock.nowMs();
    await eventually('it was asked again', async () => (await asOf()) > before + 6_000, SOON);
    await says(overdue);
  }
  async function asOf(): Promise<number> {
    return Date.parse((JSON.parse(await run('inventory', '--output', 'json')) as { readonly asOf: string }).asOf);
  }

  it('nobody is called so while their issuer cannot sign, over a restart; who stays silent is named once, before the end', async () => {
    for (const name of ['silent', 'back'] as const) await renew(name);
    clock.leap(17.4 * HOUR_MS);
    await renew('other');
    clock.leap(0.1 * HOUR_MS);
    await issuer('suspend');
    clock.leap(HOUR_MS);
    await goesOnSaying([]);
    assert.deepEqual(await listed('--state', 'renewing'), ['back', 'silent']);
    await restart();
    await says([]);
    await issuer('resume');
    await renew('back');
    clock.leap(0.25 * HOUR_MS);
    await goesOnSaying([]);
    assert.deepEqual(named(), []);
    clock.leap(0.5 * HOUR_MS);
    await says(['silent']);
    await restart();
    await says(['silent']);
    assert.deepEqual(named(), ['silent']);
  });

  it('who ran out in it and does not come is named once', async () => {
    await renew('silent');
    clock.leap(11 * HOUR_MS);
    await renew('back');
    await issuer('suspend');
    clock.leap(30 * HOUR_MS);
    await goesOnSaying([]);
    assert.deepEqual(await listed('--state', 'ended'), ['back', 'silent']);
    await issuer('resume');
    await renew('back');
    clock.leap(7 * HOUR_MS);
    await eventually('it is named', async () => named().length > 0, SOON);
    await restart();
    await says([]);
    assert.deepEqual(named(), ['silent']);
  });
});
