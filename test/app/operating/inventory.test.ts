// Who has a certificate, from the CSR that a server answers to what its operators are shown.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import { SystemClock } from '../../../src/adapters/clock/system-clock.ts';
import { runCli } from '../../../src/cli/program.ts';
import { recordTerminal } from '../../cli/support/recorded-terminal.ts';
import { eventually, freePort } from '../../support/eventually.ts';
import { SecurityTeam } from '../support/operators.ts';
import { RunningServer } from '../support/running-server.ts';
import { ServerFiles } from '../support/server-files.ts';
import { podUidOf } from '../support/token-mint.ts';

interface Listed {
  readonly asOf?: string;
  readonly cursor?: string;
  readonly entries: readonly Readonly<Record<string, unknown>>[];
}

const MINUTE_MS = 60_000;
const SOON = { withinMs: 30_000 };
const WEB = 'spiffe://cluster.local/ns/default/sa/web';

describe('The inventory of a running server', function () {
  this.timeout(60_000);
  let files: ServerFiles;
  let server: RunningServer;
  let offsetMs: number;
  const clock = new SystemClock({ wallMs: () => Date.now() + offsetMs });

  beforeEach(async () => {
    offsetMs = 0;
    files = await ServerFiles.create();
    server = await RunningServer.start({ files, clock });
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  async function run(...argv: readonly string[]): Promise<string> {
    const { terminal, out, error } = recordTerminal();
    const where = ['--data-dir', files.directory];
    const options = { terminal, environment: {}, clock, signal: AbortSignal.timeout(30_000) };
    assert.equal(await runCli(['inventory', ...argv, ...where], options), 0, error());
    return out();
  }

  async function listed(...argv: readonly string[]): Promise<Listed> {
    return JSON.parse(await run(...argv, '--output', 'json')) as Listed;
  }

  async function issueTo(serviceAccount: string): Promise<void> {
    const { code } = await server.ask('default', serviceAccount);
    assert.equal(code, status.OK);
    const identity = `spiffe://cluster.local/ns/default/sa/${serviceAccount}`;
    await eventually('it is listed', async () => (await listed('--identity', identity)).entries.length === 1, SOON);
  }

  it('has a workload a moment after its certificate, found by whatever is known of it', async () => {
    await issueTo('web');
    const [web] = (await listed('--namespace', 'default')).entries;
    assert.deepEqual(
      [web?.['identity'], web?.['state'], web?.['cluster'], web?.['class'], web?.['issuerName']],
      [WEB, 'live', 'default', 'workload', 'default'],
    );
    const { serial, issuer, trustAnchor, policyRevision } = web as Readonly<Record<string, string>>;
    const by: Readonly<Record<string, string | undefined>> = {
      '--serial': serial,
      '--issuer': issuer,
      '--anchor': trustAnchor,
      '--policy': policyRevision,
      '--identity': WEB,
      '--cluster': 'default',
      '--state': 'live',
      '--expires-within': '2h',
    };
    const pods = ['web-0', podUidOf('default', 'web')];
    await issueTo('other');
    for (const pod of pods) {
      const { entries } = await listed('--pod', pod);
      assert.deepEqual(
        entries.map(({ identity }) => identity),
        [WEB],
        pod,
      );
    }
    for (const [option, value] of Object.entries(by)) {
      const { entries, asOf } = await listed(option, value ?? '');
      assert.ok(
        entries.some(({ identity }) => identity === WEB),
        option,
      );
      assert.ok(Math.abs(Date.parse(asOf ?? '') - Date.now()) < MINUTE_MS);
    }
    assert.match(await run('--namespace', 'default'), /IDENTITY +STATE[^]*sa\/web +live[^]*As of /);
  });

  it("has the server's own certificate", async () => {
    await eventually('it is listed', async () => (await listed()).entries.some((one) => one['class'] === 'self'), SOON);
  });

  it('names who is late in the log, once, and counts them, before the certificate ends', async () => {
    await issueTo('web');
    offsetMs = 46 * MINUTE_MS;
    const metric = async () => await (await server.get('/metrics')).text();
    await eventually('the gauge', async () => /^capstan_overdue_identities 1$/m.test(await metric()), SOON);
    assert.deepEqual(
      (await listed('--overdue')).entries.map(({ identity }) => identity),
      [WEB],
    );
    const { asOf = '' } = await listed();
    await eventually(
      'two more looks',
      async () => Date.parse((await listed()).asOf ?? '') > Date.parse(asOf) + 2_000,
      SOON,
    );
    assert.deepEqual(
      files.logged('identityOverdue').map(({ identity }) => identity),
      [WEB],
    );
    await issueTo('web');
    await eventually(
      'it is not late any more',
      async () => /^capstan_overdue_identities 0$/m.test(await metric()),
      SOON,
    );
  });

  it('is made again out of the journal when it is lost or of no use', async () => {
    await issueTo('web');
    for (const damage of [undefined, 'no database at all']) {
      await server.stop();
      if (damage === undefined) rmSync(files.path('journal.db.inventory'));
      else files.write('journal.db.inventory', damage);
      server = await RunningServer.start({ files, clock });
      await eventually('it is listed', async () => (await listed('--identity', WEB)).entries.length === 1, SOON);
    }
  });

  it('goes on page by page, and takes no cursor of another question', async () => {
    for (const account of ['a', 'b', 'c']) await issueTo(account);
    const first = await listed('--namespace', 'default', '--limit', '2');
    assert.equal(first.entries.length, 2);
    const second = await listed('--namespace', 'default', '--limit', '2', '--cursor', first.cursor ?? '');
    assert.deepEqual(
      [...first.entries, ...second.entries].map(({ identity }) => String(identity).at(-1)),
      ['a', 'b', 'c'],
    );
    for (const cursor of [first.cursor ?? '', 'bm9uZQ', '!']) {
      const { terminal, error } = recordTerminal();
      const argv = ['inventory', '--overdue', '--cursor', cursor, '--data-dir', files.directory];
      assert.notEqual(await runCli(argv, { terminal, environment: {}, signal: AbortSignal.timeout(30_000) }), 0);
      assert.match(error(), /CAP-O02.*cursor is of another question/);
    }
  });

  it('is told as CSV that a spreadsheet takes for what it is', async () => {
    await issueTo('web');
    const [head, ...rows] = (await run('--namespace', 'default', '--output', 'csv')).trimEnd().split('\n');
    assert.match(head ?? '', /^identity,state,class,cluster,namespace,/);
    assert.match(rows[0] ?? '', /^spiffe:\/\/cluster\.local\/ns\/default\/sa\/web,live,workload,default,default,/);
  });

  it('is for whoever may look at the server over TLS too', async () => {
    await server.stop();
    const port = await freePort();
    const team = await SecurityTeam.create(files, ['ann']);
    server = await RunningServer.start({ files, clock, settings: team.settingsAt(port) });
    await issueTo('web');
    const { output, code } = await team.run('ann', port, 'inventory', '--namespace', 'default', '--output', 'json');
    assert.equal(code, 0);
    assert.equal((JSON.parse(output) as Listed).entries.length, 1);
  });
});
