// A policy that is tightened leaves certificates alive that it would refuse: how many, whose, and what would pass.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import type { CertificatesJudged, PolicyInForce } from '../../../../src/adapters/http/observation/routes.ts';
import { eventually } from '../../../support/eventually.ts';
import { runCli } from '../../../../src/cli/program.ts';
import { recordTerminal } from '../../../cli/support/recorded-terminal.ts';
import { RunningServer } from '../../support/running-server.ts';
import { ServerFiles } from '../../support/server-files.ts';

const SOON = { withinMs: 30_000, everyMs: 100 };

const denying = (account: string): string =>
  JSON.stringify({
    apiVersion: 'capstan.dev/v1alpha1',
    kind: 'IssuancePolicy',
    metadata: { name: 'own', namespace: 'default' },
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
