// Operators elsewhere: who they are by their client certificates, what their roles let them do, and what needs two of them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { runCli } from '../../../src/cli/program.ts';
import type { OperationRecord } from '../../../src/ports/storage/operation-journal.ts';
import { recordTerminal } from '../../cli/support/recorded-terminal.ts';
import { createRoot, issueLeaf, type TestAuthority } from '../../peers/support/pki.ts';
import { eventually, freePort } from '../../support/eventually.ts';
import { RunningServer } from '../support/running-server.ts';
import { POLICY, ServerFiles } from '../support/server-files.ts';

const OPS = 'spiffe://corp.example/ops';

interface Ran {
  readonly code: number;
  readonly output: string;
  readonly error: string;
}

describe('Operators elsewhere', () => {
  let corporate: TestAuthority;
  let files: ServerFiles;
  let server: RunningServer;
  let port: number;
  before(async () => {
    corporate = await createRoot('People of the Corporation');
  });
  beforeEach(async () => {
    files = await ServerFiles.create();
    files.write('people.pem', corporate.certificatePem);
    files.write('ca.pem', files.pki.root.certificatePem);
    for (const name of ['victor', 'olga', 'alice', 'bob', 'mallory']) await person(name, corporate);
    port = await freePort();
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  async function person(name: string, authority: TestAuthority): Promise<void> {
    const { chainPem, keyPem } = await issueLeaf(authority, { uri: `${OPS}/${name}` });
    files.write(`${name}.pem`, chainPem);
    files.write(`${name}-key.pem`, keyPem);
  }

  async function start(twoPersons: readonly string[] = []): Promise<void> {
    files.setPolicy(POLICY, { twoPersons });
    const roles = {
      'listen.administration.roles.viewer': [`URI:${OPS}/victor`],
      'listen.administration.roles.operator': [`URI:${OPS}/olga`],
      'listen.administration.roles.security': [`URI:${OPS}/alice`, `URI:${OPS}/bob`],
    };
    const listener = {
      'listen.administration.address': `127.0.0.1:${port}`,
      'listen.administration.clientCaFile': files.path('people.pem'),
    };
    server = await RunningServer.start({ files, settings: { ...listener, ...roles } });
    assert.equal(server.report.administrationAddress, `127.0.0.1:${port}`);
  }
  async function run(argv: readonly string[]): Promise<Ran> {
    const { terminal, out, error } = recordTerminal();
    const code = await runCli(argv, { terminal, environment: {}, signal: AbortSignal.timeout(20_000) });
    return { code, output: out(), error: error() };
  }
  /** As a person, with that person's certificate. */
  async function as(name: string, ...argv: readonly string[]): Promise<Ran> {
    const shown = ['--client-cert', files.path(`${name}.pem`), '--client-key', files.path(`${name}-key.pem`)];
    const server = ['--server', `https://localhost:${port}`, '--ca', files.path('ca.pem')];
    return run(['issuer', ...argv, ...server, ...shown]);
  }
  async function statusOf(method: string, name: string): Promise<number | undefined> {
    const read = (file: string): string => readFileSync(files.path(file), 'utf8');
    const shown = { ca: read('ca.pem'), cert: read(`${name}.pem`), key: read(`${name}-key.pem`), agent: false };
    return new Promise((resolve, reject) => {
      const asked = request(`https://localhost:${port}/issuers`, { method, ...shown }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      asked.once('error', reject).end();
    });
  }
  const here = async (...argv: readonly string[]): Promise<Ran> =>
    run(['issuer', ...argv, '--data-dir', files.directory]);
  async function operations(): Promise<readonly OperationRecord[]> {
    const { output } = await run(['journal', 'operations', '--data-dir', files.directory, '--output', 'json']);
    return JSON.parse(output) as OperationRecord[];
  }
  const SUSPEND = ['suspend', 'default', '--reason', 'a drill'] as const;

  it('look with the role viewer, and what more they ask for is refused and on record', async () => {
    await start();
    assert.match((await as('victor', 'list')).output, /^default \(default\) +active /m);
    assert.match((await as('victor', 'show', 'default')).output, /^Issuer default \(default\) is active\.$/m);
    const refused = await as('victor', ...SUSPEND);
    assert.equal(refused.code, 77);
    assert.match(refused.error, /CAP-O01 .*needs the role operator, and the caller's is viewer/);
    const record = await eventually('the refusal is recorded', async () => (await operations())[0], {
      withinMs: 20_000,
    });
    assert.equal(record.operation, 'POST /issuers/default/suspend');
    assert.deepEqual(
      [record.is, record.details?.actor, record.details?.role],
      ['refused', `URI:${OPS}/victor`, 'viewer'],
    );
    assert.match(record.details?.refused ?? '', /^CAP-O01 /);
  });

  it('suspend and resume with the role operator, by their names in the journal, and do nothing final', async () => {
    await start();
    assert.equal((await as('olga', ...SUSPEND)).code, 0);
    assert.equal((await as('olga', 'resume', 'default', '--reason', 'over')).code, 0);
    assert.match(
      (await as('olga', 'taint', 'default', '--reason', 'leaked', '--force')).error,
      /needs the role security/,
    );
    const [resumed, suspended] = (await operations()).filter(({ operation }) => operation.startsWith('issuer '));
    const target = `issuer default ${files.pki.issuer.id}`;
    const details = { actor: `URI:${OPS}/olga`, role: 'operator', target };
    assert.deepEqual(suspended?.details, { ...details, reason: 'a drill' });
    assert.deepEqual(
      [resumed?.was, resumed?.is, resumed?.details],
      ['suspended', 'active', { ...details, reason: 'over' }],
    );
  });

  it('are refused everything without a role, and are not heard with a certificate of another authority', async () => {
    await start();
    const stranger = await as('mallory', 'list');
    assert.equal(stranger.code, 77);
    assert.match(stranger.error, /CAP-O01 the caller has no role for this operation/);
    // Nor does a request that is none make the server report a fault of its own.
    assert.equal(await statusOf('TRACE', 'mallory'), 405);
    assert.deepEqual(files.logged('unexpected'), []);
    await person('mallory', await createRoot('People of Elsewhere'));
    assert.equal((await as('mallory', 'list')).code, 69);
  });

  it('are never known by the authorities of the web: a file without authorities is refused, and at a change the last one stays', async () => {
    await start();
    for (const text of ['', '\n', 'no certificate', files.pki.root.certificatePem.replace(/\n/, '\nAAAA')]) {
      files.write('people.pem', text);
      const said = await eventually(
        'the file is read',
        async () => /people\.pem has no certificates [^"]*/.exec(await (await server.get('/readyz')).text())?.[0],
        { withinMs: 30_000 },
      );
      assert.match(said, /people\.pem/);
      assert.equal((await as('victor', 'list')).code, 0, JSON.stringify(text));
      files.write('people.pem', corporate.certificatePem);
      await eventually(
        'the file is good again',
        async () => !(await (await server.get('/readyz')).text()).includes('people.pem'),
        { withinMs: 30_000 },
      );
    }
    await server.stop();
    files.write('people.pem', '');
    await assert.rejects(start(), /people\.pem has no certificates that TLS can use/);
  });

  it('are two where the policy bundle wants two, neither twice the same nor whoever has the socket', async () => {
    await start(['issuer.taint']);
    const asked = await as('alice', 'taint', 'default', '--reason', 'leaked', '--force');
    assert.equal(asked.code, 0);
    const digest = /capstan issuer approve ([0-9a-f]{32})/.exec(asked.output)?.[1] ?? assert.fail(asked.output);
    assert.match((await here('list')).output, /^default \(default\) +active /m);
    assert.match((await here('pending')).output, new RegExp(`^${digest} +taint +default +.*URI:${OPS}/alice`, 'm'));
    assert.match((await here('approve', digest)).error, /CAP-O04 .*not the Unix socket/);
    assert.match((await as('alice', 'approve', digest)).error, /CAP-O04 .*alice asked for it/);
    assert.match((await as('olga', 'approve', digest)).error, /CAP-O01 .*needs the role security/);
    assert.match((await as('bob', 'approve', 'f'.repeat(32))).error, /CAP-O02 .*: no act is pending as f+/);
    assert.match(
      (await as('bob', 'approve', digest)).output,
      /^Issuer default .* is tainted; before it was active\.$/m,
    );
    const [done] = (await operations()).filter(({ is }) => is === 'tainted');
    assert.deepEqual([done?.details?.actor, done?.details?.approvedBy], [`URI:${OPS}/alice`, `URI:${OPS}/bob`]);
    assert.match((await as('bob', 'approve', digest)).error, /CAP-O02/);
  });

  it('are one person by all names of a certificate, and by another certificate with one of them', async () => {
    const both = await issueLeaf(corporate, { uri: `${OPS}/alice`, dns: 'alice.example' });
    const other = await issueLeaf(corporate, { uri: `${OPS}/bob`, dns: 'alice.example' });
    for (const [name, { chainPem, keyPem }] of [
      ['both', both],
      ['other', other],
    ] as const) {
      files.write(`${name}.pem`, chainPem);
      files.write(`${name}-key.pem`, keyPem);
    }
    await start(['issuer.suspend']);
    const asked = await as('both', ...SUSPEND);
    const digest = /approve ([0-9a-f]{32})/.exec(asked.output)?.[1] ?? assert.fail(asked.error);
    assert.match((await as('other', 'approve', digest)).error, /CAP-O04 .*DNS:alice\.example asked for it/);
    assert.match((await as('bob', 'approve', digest)).output, /is suspended/);
  });

  it('complete what somebody at the machine itself asked for', async () => {
    await start(['issuer.suspend']);
    const asked = await here(...SUSPEND);
    const digest = /approve ([0-9a-f]{32})/.exec(asked.output)?.[1] ?? assert.fail(asked.output);
    assert.match((await as('olga', 'approve', digest)).output, /is suspended/);
  });
});
