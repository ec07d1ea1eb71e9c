// How long an outage may last yet, as a scraper sees it: while it lasts, when certificates run out in it, over restarts, and after it.
// Time leaps, and what is asked for comes over SDS sockets, which know no clock of a client.
import assert from 'node:assert/strict';
import { runCli } from '../../../../src/cli/program.ts';
import { recordTerminal } from '../../../cli/support/recorded-terminal.ts';
import { eventually } from '../../../support/eventually.ts';
import { LeapingClock } from '../../support/leaping-clock.ts';
import { SdsClient } from '../../../support/clients/sds-client.ts';
import { FakeUpstream } from '../../../support/upstream/fake-upstream.ts';
import { RunningServer, type ServerOptions } from '../../support/running-server.ts';
import { POLICY, ServerFiles } from '../../support/server-files.ts';

const HOUR_MS = 3_600_000;
const DAY = {
  'lifetimes.max': '24h',
  'lifetimes.default': '24h',
  'sds.ttl': '24h',
  'sds.renewAt': 0.5,
  'lifetimes.jitterPercent': 0,
};
const SOON = { withinMs: 60_000, everyMs: 200 };
/** What passes in real time, and a spread of renewals. */
const CLOSE_HOURS = 0.1;

describe('The outage budget of a server', function () {
  this.timeout(600_000);
  let files: ServerFiles;
  let clock: LeapingClock;
  let server: RunningServer;
  let settings: NonNullable<ServerOptions['settings']>;
  /** What the clock would show had nothing passed but what tests let pass. */
  let plannedMs: number;
  beforeEach(async () => {
    files = await ServerFiles.create();
    clock = new LeapingClock();
    plannedMs = clock.nowMs();
    const sockets = ['demo', 'web'].map((name) => ({
      path: files.socket(name),
      namespace: 'default',
      serviceAccount: name,
    }));
    settings = { ...DAY, 'sds.sockets': sockets };
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  const start = async (more: Omit<ServerOptions, 'files' | 'clock'> = {}): Promise<void> => {
    server = await RunningServer.start({ files, clock, settings, ...more });
  };
  /** Waiting takes time off it, and the machine does: the next to pass is so much less. */
  function passes(ms: number): void {
    plannedMs += ms;
    clock.leap(Math.max(0, plannedMs - clock.nowMs()));
  }
  async function renew(name: string): Promise<void> {
    using client = new SdsClient(`unix:${files.socket(name)}`);
    const { resources } = await client.fetch({ resourceNames: ['default'] });
    assert.equal(resources.length, 1);
  }
  const expirePolicy = (ms: number): void =>
    files.setPolicy(POLICY, { validity: { hardExpiry: new Date(ms).toISOString(), renewAfterHardExpiry: false } });
  async function untilRenewed(name: string): Promise<void> {
    const isRenewed = async (): Promise<boolean> => {
      clock.leap(15_000);
      return renew(name).then(
        () => true,
        () => false,
      );
    };
    await eventually(`${name} has another certificate`, isRenewed, SOON);
    plannedMs = clock.nowMs();
  }
  async function issuer(act: string): Promise<void> {
    const { terminal, error } = recordTerminal();
    const argv = ['issuer', act, 'default', '--reason', 'a drill', '--data-dir', files.directory];
    const code = await runCli(argv, { terminal, environment: {}, signal: AbortSignal.timeout(30_000) });
    assert.equal(code, 0, error());
  }
  const page = async (): Promise<string> => (await server.get('/metrics')).text();
  async function metric(name: string): Promise<number | undefined> {
    const [, value] = new RegExp(`^capstan_${name}(?:\\{.*\\})? (\\S+)$`, 'm').exec(await page()) ?? [];
    return value === undefined ? undefined : Number(value.replace('+Inf', 'Infinity'));
  }
  const leftHours = async (): Promise<number | undefined> => {
    const seconds = await metric('outage_budget_seconds');
    return seconds === undefined ? undefined : seconds / 3_600;
  };
  /** @param hours left as planned, of which those are gone that leapt until it is measured. */
  async function says(hours: number | undefined): Promise<void> {
    let left: number | undefined;
    const isIt = async (): Promise<boolean> => {
      clock.leap(15_000);
      left = await leftHours();
      if (hours === undefined || left === undefined) return left === hours;
      return Math.abs(left - Math.max(0, hours - (clock.nowMs() - plannedMs) / HOUR_MS)) < CLOSE_HOURS;
    };
    await eventually(`${hours} hours are left`, isIt, SOON).catch((cause: unknown) => {
      throw new Error(`${left} hours are left, and not ${hours}`, { cause });
    });
  }

  it('counts down to 0 in an outage and stays there, over a restart, until who ran out is back or late', async () => {
    await start();
    await renew('demo');
    passes(4 * HOUR_MS);
    await renew('web');
    await says(20);
    expirePolicy(clock.nowMs() + HOUR_MS / 2);
    const isInForce = async (): Promise<boolean> =>
      ((await metric('policy_bundle_hard_expiry_seconds')) ?? Infinity) < Infinity;
    await eventually('the policy is to end', isInForce, SOON);
    passes(HOUR_MS);
    const isOver = async (): Promise<boolean> => /^capstan_part_ready\{part="policy"\} 0$/m.test(await page());
    await eventually('the policy has ended', isOver, SOON);
    await says(19);
    passes(20 * HOUR_MS);
    await says(0);
    await server.stop();
    passes(HOUR_MS);
    await start();
    await says(0);
    passes(14 * HOUR_MS);
    await says(0);
    expirePolicy(clock.nowMs() + 1_000 * HOUR_MS);
    await untilRenewed('demo');
    passes(5 * HOUR_MS);
    await says(0);
    passes(2 * HOUR_MS);
    await says(17);
  });

  it('goes on to the end of those who cannot renew when their issuer is suspended', async () => {
    await start();
    await renew('demo');
    await issuer('suspend');
    await says(24);
    passes(23 * HOUR_MS);
    await says(1);
    await issuer('resume');
    await says(1);
    passes(7 * HOUR_MS);
    await says(undefined);
  });

  it('is 0 when a server starts after everybody ran out, until they are back or late', async () => {
    await start();
    await renew('demo');
    passes(HOUR_MS);
    await renew('web');
    await server.stop();
    passes(100 * HOUR_MS);
    await start();
    await says(0);
    await renew('demo');
    await renew('web');
    await says(24);
    passes(19 * HOUR_MS);
    await says(undefined);
  });

  it('counts down with its intermediate while the CA above is away, whoever renews, and rises when that is back', async () => {
    const upstream = new FakeUpstream(files.pki.root, () => clock.nowMs());
    settings = {
      ...settings,
      'issuer.chainFile': undefined,
      'issuer.keyFile': undefined,
      'issuer.directory': files.path('issuer'),
      'lifetimes.min': '30m',
    };
    const rollover = { lifetime: 144 * HOUR_MS, prepareAt: 0.5, activateAt: 0.6 };
    await start({ upstream, rollover });
    upstream.problem = 'the fake CA is sealed';
    passes(100 * HOUR_MS);
    await renew('demo');
    await says(24);
    const isFailing = async (): Promise<boolean> => ((await metric('issuer_upstream_failing_seconds')) ?? 0) > 0;
    await eventually('the CA above is known to be away', isFailing, SOON);
    passes(30 * HOUR_MS);
    await renew('demo');
    await says(14);
    assert.ok((await metric('issuer_upstream_failing_seconds'))! > 29 * 3_600);
    passes(4 * HOUR_MS);
    await renew('demo');
    await says(10);
    passes(9.25 * HOUR_MS);
    await renew('demo');
    passes(0.35 * HOUR_MS);
    await says(0.4);
    passes(HOUR_MS);
    await says(0);
    passes(48 * HOUR_MS);
    await says(0);
    upstream.problem = undefined;
    await untilRenewed('demo');
    await says(24);
    const isWell = async (): Promise<boolean> => (await metric('issuer_upstream_failing_seconds')) === 0;
    await eventually('the CA above is as it should be', isWell, SOON);
  });
});
