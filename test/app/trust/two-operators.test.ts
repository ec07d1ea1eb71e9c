// Two operators who do the same at once, each on a TLS connection of their own: one does it, the other hears how things stand since.
import assert from 'node:assert/strict';
import { runCli } from '../../../src/cli/program.ts';
import type { OperationRecord } from '../../../src/ports/storage/operation-journal.ts';
import { recordTerminal } from '../../cli/support/recorded-terminal.ts';
import { testAuthority } from '../../support/certificates.ts';
import { eventually, freePort } from '../../support/eventually.ts';
import { SecurityTeam, type Ran } from '../support/operators.ts';
import { RunningServer } from '../support/running-server.ts';
import { POLICY, ServerFiles } from '../support/server-files.ts';

const WHY = ['--reason', 'a drill'] as const;

describe('Two operators at once', function () {
  this.timeout(120_000);
  let files: ServerFiles;
  let team: SecurityTeam;
  let server: RunningServer;
  let port: number;
  beforeEach(async () => {
    files = await ServerFiles.create();
    files.write('new.pem', (await testAuthority()).root.certificatePem);
    team = await SecurityTeam.create(files, ['alice', 'bob', 'carol']);
    port = await freePort();
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  async function start(twoPersons: readonly string[] = []): Promise<void> {
    files.setPolicy(POLICY, { twoPersons });
    server = await RunningServer.start({ files, settings: team.settingsAt(port) });
  }
  const as = async (name: string, ...argv: readonly string[]): Promise<Ran> => team.run(name, port, ...argv);
  /** @returns what whoever was first is told, and the other. */
  async function both(argv: readonly string[], names = ['alice', 'bob']): Promise<readonly [done: Ran, other: Ran]> {
    const ran = await Promise.all(names.map(async (name) => as(name, ...argv)));
    const done = ran.filter(({ code }) => code === 0);
    const [other] = ran.filter(({ code }) => code !== 0);
    assert.equal(done.length, 1, JSON.stringify(ran));
    return [done[0]!, other!];
  }
  /** Changes that were made, oldest first: a refusal, or what changed nothing, is none. */
  async function changes(): Promise<readonly string[]> {
    const { terminal, out } = recordTerminal();
    const argv = ['journal', 'operations', '--data-dir', files.directory, '--output', 'json'];
    await runCli(argv, { terminal, environment: {}, signal: AbortSignal.timeout(60_000) });
    const records = JSON.parse(out()) as OperationRecord[];
    const made = records.filter(({ was, is }) => is !== 'refused' && was !== is).reverse();
    return made.map(({ operation, was, is }) => `${operation}: ${was} -> ${is.replace(/ .*/, '')}`);
  }

  it('do each act on an issuer once, and the other is told its state', async () => {
    await start();
    const refusals: readonly [readonly string[], RegExp][] = [
      [['suspend', 'default'], /CAP-O03 .*issuer default is suspended already/],
      [['resume', 'default'], /CAP-O03 .*issuer default is active: only a suspended issuer resumes/],
      [['taint', 'default', '--force'], /CAP-O03 .*issuer default is tainted already/],
    ];
    for (const [argv, refusal] of refusals) {
      const [, other] = await both(['issuer', ...argv, ...WHY]);
      assert.deepEqual([other.code, refusal.test(other.error)], [77, true], other.error);
    }
    assert.deepEqual(await changes(), [
      'issuer suspend: active -> suspended',
      'issuer resume: suspended -> active',
      'issuer taint: active -> tainted',
    ]);
  });

  it('do each step of a rotation once, and the other is told its phase', async () => {
    await start();
    const [, late] = await both(['anchor', 'start', '--new', files.path('new.pem'), ...WHY]);
    assert.match(late.error, /CAP-O03 .*rotation [0-9a-f]{16} is under way, in phase publish/);
    const status = async () => (await as('carol', 'anchor', 'status', '--output', 'json')).output;
    await eventually(
      'what lives is read',
      async () => status().then((text) => text.includes('"review"') || undefined),
      {
        withinMs: 60_000,
        everyMs: 1_000,
      },
    );
    const [, second] = await both(['anchor', 'advance', '--override', ...WHY]);
    assert.match(second.error, /CAP-O03 .*the rotation is in phase adopt, where there is no advance/);
    const [, third] = await both(['anchor', 'abort', ...WHY]);
    assert.match(third.error, /CAP-O03 .*the rotation is in phase aborted/);
    assert.deepEqual(await changes(), [
      'anchor start: - -> publish',
      'anchor advance: publish -> adopt',
      'anchor abort: adopt -> aborted',
    ]);
  });

  it('revoke once, both told the same ban, and lift it once', async () => {
    await start();
    const ran = await Promise.all(
      ['alice', 'bob'].map(async (name) => as(name, 'revoke', '--node', 'worker-3', ...WHY)),
    );
    const ids = ran.map(({ output }) => /[0-9a-f]{16}/.exec(output)?.[0]);
    assert.deepEqual([ran.map(({ code }) => code), new Set(ids).size], [[0, 0], 1], JSON.stringify(ran));
    const [, other] = await both(['revoke', 'lift', ids[0] ?? '', ...WHY]);
    assert.match(other.error, new RegExp(`CAP-O02 .*nothing is revoked as ${ids[0]}`));
    assert.deepEqual(await changes(), ['revoke: free -> revoked', `revoke lift: revoked as ${ids[0]} -> free`]);
  });

  it('ask once and approve once where acts need two persons, and whoever is late is told how things stand', async () => {
    await start(['issuer.suspend', 'revoke', 'anchor.start']);
    const acts: readonly [string, readonly string[], RegExp][] = [
      ['issuer', ['issuer', 'suspend', 'default'], /; default is suspended/],
      ['revoke', ['revoke', '--node', 'worker-3'], /; 1 are revoked, the last as [0-9a-f]{16}/],
      [
        'anchor',
        ['anchor', 'start', '--new', files.path('new.pem')],
        /; the rotation [0-9a-f]{16} is in phase publish/,
      ],
    ];
    for (const [group, argv, standing] of acts) {
      const [asked, again] = await both([...argv, ...WHY], ['carol', 'carol']);
      const digest = /approve ([0-9a-f]{32})/.exec(asked.output)?.[1] ?? assert.fail(asked.output);
      assert.match(again.error, new RegExp(`is pending already as ${digest}: approve that`));
      const [, late] = await both([group, 'approve', digest]);
      assert.deepEqual([late.code, standing.test(late.error)], [65, true], late.error);
    }
    const done = (await changes()).filter((one) => !one.endsWith('-> pending'));
    assert.deepEqual(done, [
      'issuer suspend: active -> suspended',
      'revoke: free -> revoked',
      'anchor start: - -> publish',
    ]);
  });
});
