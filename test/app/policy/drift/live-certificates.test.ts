// A policy that is tightened leaves certificates alive that it would refuse: how many, whose, and what would pass.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import type { CertificatesJudged, PolicyInForce } from '../../../../src/adapters/http/observation/routes.ts';
import { JournalWriter } from '../../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import type { IssuedRecord } from '../../../../src/ports/storage/issuance-journal.ts';
import { eventually } from '../../../support/eventually.ts';
import { issuedTo } from '../../../support/policy/recorded-decisions.ts';
import { runCli } from '../../../../src/cli/program.ts';
import { recordTerminal } from '../../../cli/support/recorded-terminal.ts';
import { RunningServer } from '../../support/running-server.ts';
import { ServerFiles } from '../../support/server-files.ts';

const SOON = { withinMs: 30_000, everyMs: 100 };

const denying = (account: string, namespace = 'default'): string =>
  JSON.stringify({
    apiVersion: 'capstan.dev/v1alpha1',
    kind: 'IssuancePolicy',
    metadata: { name: 'own', namespace },
    spec: { deny: { serviceAccounts: [account] }, contact: '#team' },
  });

describe("Live certificates that today's policy would refuse", function () {
  this.timeout(90_000);
  let files: ServerFiles;
  let server: RunningServer;
  beforeEach(async () => {
    files = await ServerFiles.create();
    mkdirSync(files.path('policies/default'));
    server = await RunningServer.start({ files });
    for (const account of ['demo', 'web']) assert.equal((await server.ask('default', account)).code, status.OK);
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  async function inventory(...argv: readonly string[]): Promise<string> {
    const { terminal, out, error } = recordTerminal();
    const signal = AbortSignal.timeout(30_000);
    const code = await runCli(['inventory', ...argv, '--data-dir', files.directory], {
      terminal,
      environment: {},
      signal,
    });
    assert.equal(code, 0, error());
    return out();
  }
  const judged = async (): Promise<CertificatesJudged | undefined> =>
    ((await (await server.get('/policy')).json()) as PolicyInForce).certificates;
  const untilRefused = async (count: number): Promise<CertificatesJudged> =>
    eventually(
      `${count} would be refused`,
      async () => {
        const found = await judged();
        return found?.isComplete === true && found.live >= 2 && found.refused === count && found;
      },
      SOON,
    );

  it('are counted as soon as the policy is in force, and none when it is not any more', async () => {
    files.setLocal('default/own.yaml', denying('web'));
    const { reasons, listed } = await untilRefused(1);
    assert.deepEqual(
      [reasons, listed],
      [{ 'CAP-P04': 1 }, undefined],
      'no identity is on the page without authentication',
    );
    const metrics = await (await server.get('/metrics')).text();
    assert.match(metrics, /^capstan_live_certificates_refused\{reason="CAP-P04"\} 1$/m);
    assert.match(
      await inventory('--refused-today'),
      /^spiffe:\/\/cluster\.local\/ns\/default\/sa\/web +[0-9a-f]+ +\S+ \S+ UTC +refused +CAP-P04 default\/own spec\.deny\.serviceAccounts: .*; to pass: .*; ask #team$/m,
    );
    const { entries } = JSON.parse(await inventory('--refused-today', '--output', 'json')) as { entries: object[] };
    assert.equal(entries.length, 1);
    files.setLocal('default/own.yaml', denying('other'));
    await untilRefused(0);
  });

  it('leave out what was issued without policy, such as the own certificate of the server', async () => {
    files.setLocal('default/own.yaml', denying('other'));
    const { live, leftOut } = await untilRefused(0);
    assert.deepEqual([live, leftOut], [3, 1]);
  });
});

const MANY = 10_000;

describe('Of more live certificates than are judged in a moment', function () {
  this.timeout(180_000);
  let files: ServerFiles;
  let server: RunningServer;
  before(async () => {
    files = await ServerFiles.create();
    files.setPolicy([{ namespaces: ['shop', 'team'] }]);
    for (const namespace of ['shop', 'team']) mkdirSync(files.path(`policies/${namespace}`));
    const writer = new JournalWriter({ file: files.path('journal.db') });
    for (let first = 0; first < MANY; first += BATCH) writer.append(certificates(first, BATCH));
    writer.append([live('shop/web', 'web')]);
    writer.close();
    server = await RunningServer.start({ files });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  const until = async (what: string, is: (judged: CertificatesJudged) => boolean): Promise<CertificatesJudged> =>
    eventually(
      what,
      async () => {
        const { certificates: found } = (await (await server.get('/policy')).json()) as PolicyInForce;
        return found !== undefined && is(found) && found;
      },
      { withinMs: 120_000, everyMs: 50 },
    );

  it('says how far it is, judges first whose namespace changed its policy, and has the rest judged by it too', async () => {
    const begun = await until('some are judged', ({ live: count }) => count > 100);
    assert.deepEqual([begun.isComplete, begun.refused], [false, 0]);
    assert.ok(begun.progress!.entries < begun.progress!.of && begun.progress!.of > MANY);
    files.setLocal('shop/own.yaml', denying('web', 'shop'));
    const { ahead, isComplete, progress } = await until('shop is judged ahead', (found) => found.ahead?.refused === 1);
    assert.deepEqual(
      [ahead!.namespaces, ahead!.live, ahead!.isComplete, ahead!.listed],
      [['shop'], 1, true, undefined],
    );
    assert.equal(isComplete, false);
    assert.ok(progress!.entries < MANY);
    const all = await until('all are judged by it', ({ revision }) => revision === ahead!.revision);
    assert.deepEqual([all.isComplete, all.refused, all.ahead], [true, 1, undefined]);
  });

  it('begins anew after a restart, and says that it is not through', async () => {
    await server[Symbol.asyncDispose]();
    server = await RunningServer.start({ files });
    const { isComplete, live: count } = await until('some are judged', ({ progress }) => progress !== undefined);
    assert.equal(isComplete, false);
    assert.ok(count < MANY);
  });
});

const BATCH = 5_000;

function certificates(first: number, count: number): readonly IssuedRecord[] {
  return Array.from({ length: count }, (_, index) => live(`team/app-${first + index}`, String(first + index)));
}

function live(who: string, id: string): IssuedRecord {
  const timeMs = Date.now() - 1_000;
  return issuedTo({ who }, { timeMs, decisionId: id, serial: `a${id}`, notAfterMs: timeMs + 3_600_000, podUid: id });
}
