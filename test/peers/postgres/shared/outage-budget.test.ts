// How long an outage may last yet, as two servers on one database say: the one that measures it may go in the middle of an outage, and
// the other one knows of its beginning and of who ran out in it.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { LeapingClock } from '../../../app/support/leaping-clock.ts';
import { RunningServer } from '../../../app/support/running-server.ts';
import { POLICY, ServerFiles } from '../../../app/support/server-files.ts';
import { SdsClient } from '../../../support/clients/sds-client.ts';
import { eventually } from '../../../support/eventually.ts';
import { findPostgres } from '../../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../../support/postgres/cluster.ts';
import { budgetSeconds } from '../../support/outage-budget.ts';
import { peerOrSkip } from '../../support/presence.ts';

const HOUR_MS = 3_600_000;
const SOON = { withinMs: 30_000, everyMs: 200 };
const CLOSE_HOURS = 0.1;
type Name = 'one' | 'other';

describe('The outage budget of two servers on one database', function () {
  this.timeout(180_000);
  const clock = new LeapingClock();
  const servers = new Map<Name, RunningServer>();
  let files: ServerFiles;
  let cluster: PostgresCluster | undefined;
  before(async function () {
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
    cluster = await PostgresCluster.start();
    files = await ServerFiles.create();
    for (const name of ['one', 'other'] as const) {
      mkdirSync(files.path(name));
      await start(name);
    }
  });
  after(async () => {
    for (const server of servers.values()) await server[Symbol.asyncDispose]();
    if (cluster !== undefined) files[Symbol.dispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  async function start(name: Name): Promise<void> {
    const { host, port, database, passwordFile, caFile } = cluster!;
    const settings = {
      'journal.store': `postgres://capstan@${host}:${port}/${database}`,
      'journal.postgres.caFile': caFile,
      'journal.postgres.passwordFile': passwordFile,
      'listen.administration.socket': files.path(`${name}/admin.sock`),
      'sds.sockets': ['demo', 'web'].map((account) => ({
        path: files.path(`${name}/${account}.sock`),
        namespace: 'default',
        serviceAccount: account,
      })),
      'lifetimes.max': '24h',
      'lifetimes.default': '24h',
      'lifetimes.jitterPercent': 0,
      'sds.ttl': '24h',
      'sds.renewAt': 0.5,
    };
    servers.set(name, await RunningServer.start({ files, settings, clock }));
  }
  async function stop(name: Name): Promise<void> {
    await servers.get(name)!.stop();
    servers.delete(name);
  }
  async function renew(name: Name, account: string): Promise<void> {
    using client = new SdsClient(`unix:${files.path(`${name}/${account}.sock`)}`);
    const { resources } = await client.fetch({ resourceNames: ['default'] });
    assert.equal(resources.length, 1);
  }
  const endPolicy = (ms: number): void =>
    files.setPolicy(POLICY, { validity: { hardExpiry: new Date(ms).toISOString(), renewAfterHardExpiry: false } });
  async function untilAll(what: string, line: RegExp): Promise<void> {
    const isThere = async (server: RunningServer): Promise<boolean> =>
      line.test(await (await server.get('/metrics')).text());
    const all = async (): Promise<boolean> =>
      (await Promise.all([...servers.values()].map(isThere))).every((there) => there);
    await eventually(what, all, SOON);
  }
  /** @param hours left now. @returns who says so, alone. */
  async function said(hours: number): Promise<Name> {
    const sinceMs = clock.nowMs();
    return eventually(
      `${hours} hours are left`,
      async () => {
        clock.leap(15_000);
        const all = await Promise.all(
          [...servers].map(async ([name, server]) => ({ name, seconds: await budgetSeconds(server) })),
        );
        const [only, ...more] = all.filter(({ seconds }) => seconds !== undefined);
        const due = Math.max(0, hours - (clock.nowMs() - sinceMs) / HOUR_MS);
        return more.length === 0 && Math.abs((only?.seconds ?? NaN) / 3_600 - due) < CLOSE_HOURS && only!.name;
      },
      SOON,
    );
  }

  it('is said by one of them, and by the other one when that goes in an outage, also of who ran out in it', async () => {
    await renew('one', 'demo');
    clock.leap(4 * HOUR_MS);
    await renew('other', 'web');
    await said(20);
    endPolicy(clock.nowMs() + HOUR_MS / 2);
    await untilAll('the policy is to end', /^capstan_policy_bundle_hard_expiry_seconds \d/m);
    clock.leap(HOUR_MS);
    await untilAll('it has ended', /^capstan_part_ready\{part="policy"\} 0$/m);
    const leader = await said(19);
    const left = leader === 'one' ? 'other' : 'one';
    clock.leap(17 * HOUR_MS);
    await said(2);
    await stop(leader);
    assert.equal(await said(2), left);
    clock.leap(5 * HOUR_MS);
    await said(0);
    await start(leader);
    await stop(left);
    assert.equal(await said(0), leader);
    endPolicy(clock.nowMs() + 1_000 * HOUR_MS);
    await untilAll('a policy is in force', /^capstan_part_ready\{part="policy"\} 1$/m);
    await renew(leader, 'demo');
    await said(0);
    await renew(leader, 'web');
    await said(24);
  });
});
