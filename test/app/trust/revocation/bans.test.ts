// What operators revoke at a running server, by its commands: who is refused from then on, whichever way it asks, who is not, and
// that a restart forgets none of it.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import type { BanOutcome } from '../../../../src/authority/administration/ban-acts.ts';
import { runCli } from '../../../../src/cli/program.ts';
import type { Outcome } from '../../../adapters/grpc/wire.ts';
import { recordTerminal } from '../../../cli/support/recorded-terminal.ts';
import { buildCsr } from '../../../support/certificates.ts';
import { pemOf, secretsOf } from '../../../support/clients/sds-client.ts';
import { RunningServer, type Showing } from '../../support/running-server.ts';
import { ServerFiles } from '../../support/server-files.ts';
import { claimsOf } from '../../support/token-mint.ts';

const DEMO = 'spiffe://cluster.local/ns/default/sa/demo';
const REVOKED = /^CAP-R01 the identity, the certificate or the node is revoked: as [0-9a-f]{16} id=[0-9a-f]{20}$/;
const WHY = ['--reason', 'a secret of ours'];

describe('What is revoked at a running server', () => {
  let files: ServerFiles;
  let server: RunningServer;
  beforeEach(async () => {
    files = await ServerFiles.create();
    server = await RunningServer.start({ files });
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  async function run(...argv: readonly string[]): Promise<{ code: number; output: string; error: string }> {
    const { terminal, out, error } = recordTerminal();
    const where = ['--data-dir', files.directory];
    const code = await runCli([...argv, ...where], { terminal, environment: {}, signal: AbortSignal.timeout(30_000) });
    return { code, output: out(), error: error() };
  }
  async function revoke(...argv: readonly string[]): Promise<string> {
    const { code, output, error } = await run('revoke', ...argv);
    assert.equal(code, 0, error);
    return output;
  }
  const idIn = (output: string): string => /, as ([0-9a-f]{16})\.$/m.exec(output)?.[1] ?? assert.fail(output);

  /** By a token, unless a certificate is shown. */
  async function ask(serviceAccount = 'demo', { node = 'node-1', showing }: Asking = {}): Promise<[Outcome, Showing]> {
    using client = server.client(showing ?? {});
    const claims = claimsOf('default', serviceAccount);
    const kubernetes = { ...(claims['kubernetes.io'] as object), node: { name: node, uid: `${node}-uid` } };
    const token = await files.mint.token(serviceAccount, { 'kubernetes.io': kubernetes });
    const { pem: csr, privateKeyPem } = await buildCsr();
    const outcome = await client.call({ csr, headers: showing ? {} : { authorization: `Bearer ${token}` } });
    return [outcome, { chainPem: outcome.response?.certChain.slice(0, -1).join('') ?? '', keyPem: privateKeyPem }];
  }
  interface Asking {
    readonly node?: string;
    readonly showing?: Showing;
  }
  async function granted(...asking: Parameters<typeof ask>): Promise<Showing> {
    const [{ code, details }, shown] = await ask(...asking);
    assert.equal(code, status.OK, details);
    return shown;
  }
  async function refused(...asking: Parameters<typeof ask>): Promise<void> {
    const [{ code, details }] = await ask(...asking);
    assert.equal(code, status.PERMISSION_DENIED, details);
    assert.match(details, REVOKED);
  }
  const serialOf = ({ chainPem = '' }: Showing): string => new X509Certificate(chainPem).serialNumber;

  it('an identity: by token and by certificate it is refused at once, and nobody else is', async () => {
    const shown = await granted();
    const output = await revoke('--identity', DEMO, ...WHY);
    assert.match(output, new RegExp(`^Revoked: identity ${DEMO}, until it is lifted, as [0-9a-f]{16}\\.$`, 'm'));
    assert.match(output, /^certificates +refused with CAP-R01, in every process of this server from now on$/m);
    assert.match(output, /^SDS +streams of it end at once, and nothing is renewed$/m);
    assert.match(output, /^live +1, the last until 20\d\d-.*: peers take them until they end, unless they ask /m);
    await refused();
    await refused('demo', { showing: shown });
    await granted('web');
  });

  it('an identity over SDS: its streams end, and a new one is refused', async () => {
    using envoy = server.envoy();
    const stream = envoy.sotw();
    stream.subscribe('default');
    await stream.accept();
    await revoke('--identity', DEMO, ...WHY);
    const { code, details } = await stream.ended;
    assert.deepEqual([code, /^CAP-R01 /.test(details)], [status.PERMISSION_DENIED, true], details);
    const again = envoy.sotw();
    again.subscribe('default');
    assert.equal((await again.ended).code, status.PERMISSION_DENIED);
    await assert.rejects(envoy.fetch({ resourceNames: ['default'] }), { code: status.PERMISSION_DENIED });
  });

  it('a namespace: all that it has, by any of their proofs', async () => {
    const shown = await granted('web');
    const output = await revoke('--namespace', 'default', ...WHY);
    assert.match(output, /^Revoked: namespace default, /m);
    await refused();
    await refused('web', { showing: shown });
    using envoy = server.envoy();
    await assert.rejects(envoy.fetch({ resourceNames: ['default'] }), { code: status.PERMISSION_DENIED });
    const elsewhere = await server.ask('other', 'web');
    assert.doesNotMatch(elsewhere.details, /CAP-R01/);
  });

  it('a node: whoever proves to be there, and who goes back to such a proof; the same accounts go on elsewhere', async () => {
    const there = await granted('demo', { node: 'worker-3' });
    await revoke('--node', 'worker-3', ...WHY);
    await refused('demo', { node: 'worker-3' });
    await refused('web', { node: 'worker-3' });
    await refused('demo', { showing: there });
    await granted('demo', { node: 'worker-4' });
  });

  it('a cluster that nobody knows is refused with the known ones, for a node, a namespace and an identity alike', async () => {
    for (const target of [
      ['--node', 'worker-3'],
      ['--namespace', 'default'],
      ['--identity', DEMO],
    ]) {
      const { code, error } = await run('revoke', ...target, '--cluster', 'east', ...WHY);
      assert.equal(code, 65);
      assert.match(error, /CAP-O02 .*no cluster east is known here, only the server's own, default/);
    }
    assert.equal(await revoke('list'), 'Nothing is revoked.\n');
    await revoke('--node', 'worker-3', '--cluster', 'default', ...WHY);
    await refused('demo', { node: 'worker-3' });
  });

  it('says when it concerns nobody now, whatever it is of', async () => {
    const cases = [
      ['--node', 'worker-33'],
      ['--namespace', 'defualt'],
      ['--identity', `${DEMO}-2`],
    ];
    for (const target of cases) {
      const output = await revoke(...target, ...WHY);
      assert.match(output, /^live +it concerns nobody now: no certificate of it lives; is the name right\?$/m);
    }
  });

  it('a certificate: nobody renews with it nor with what was renewed with it, and its owner gets another by a token', async () => {
    const stolen = await granted();
    const renewed = await granted('demo', { showing: stolen });
    const other = await granted();
    const output = await revoke('--serial', serialOf(stolen).replace(/..(?!$)/g, '$&:'), ...WHY);
    assert.match(
      output,
      new RegExp(`^Revoked: certificate ${serialOf(stolen).toLowerCase()} of ${DEMO}, until 20`, 'm'),
    );
    assert.match(output, /^live +2, the last until /m);
    await refused('demo', { showing: stolen });
    await refused('demo', { showing: renewed });
    await granted('demo', { showing: other });
    await granted();
  });

  it('a certificate that was given over SDS: it is replaced there at once, with another key', async () => {
    using envoy = server.envoy();
    const stream = envoy.sotw();
    stream.subscribe('default');
    const first = new X509Certificate(pemOf(secretsOf(await stream.accept())[0]!));
    await revoke('--serial', first.serialNumber, ...WHY);
    const next = new X509Certificate(pemOf(secretsOf(await stream.accept())[0]!));
    assert.notEqual(next.serialNumber, first.serialNumber);
    assert.ok(!next.publicKey.equals(first.publicKey));
  });

  it('stays so over a restart, and is not judged by a file that lost its shape', async () => {
    await revoke('--identity', DEMO, ...WHY);
    await server.stop();
    const kept = readFileSync(files.path('journal.db.bans'), 'utf8');
    files.write('journal.db.bans', kept.slice(0, 100));
    const start = async (): Promise<RunningServer> => RunningServer.start({ files });
    await assert.rejects(start(), { reason: 'CAP-X03', message: /journal\.db\.bans is not the ledger of bans/ });
    files.write('journal.db.bans', kept);
    server = await start();
    await refused();
  });

  it('is listed, and given certificates again when it is lifted; both are on record', async () => {
    const id = idIn(await revoke('--identity', DEMO, '--for', '30d', ...WHY));
    const listed = new RegExp(`^${id} +identity ${DEMO} +20\\d\\d-.* local +a secret of ours$`, 'm');
    assert.match(await revoke('list'), listed);
    const page = await (await server.get('/metrics')).text();
    assert.match(page, /^capstan_bans\{kind="identity"\} 1$/m);
    assert.match(page, /^capstan_ban_changes_total\{act="revoke",kind="identity"\} 1$/m);
    assert.match(await revoke('lift', id, '--reason', 'it was another'), /^Not revoked any more: identity /);
    await granted();
    assert.equal(await revoke('list'), 'Nothing is revoked.\n');
    const { output } = await run('journal', 'operations');
    assert.match(
      output,
      new RegExp(`revoke +free +revoked until .* as ${id} +local \\(security\\) +identity ${DEMO} +a secret of ours`),
    );
    assert.match(
      output,
      new RegExp(`revoke lift +revoked as ${id} +free +local \\(security\\) +identity ${DEMO} +it was another`),
    );
  });

  it('is said beforehand by a dry run, which does nothing, and a second time changes nothing', async () => {
    await granted();
    const said = await revoke('--identity', DEMO, '--dry-run', ...WHY);
    assert.match(said, /^Nothing was done\. It would be revoked: identity /);
    assert.match(said, /^live +1, /m);
    await granted();
    const id = idIn(await revoke('--identity', DEMO, ...WHY));
    const again = JSON.parse(await revoke('--identity', DEMO, '--output', 'json', ...WHY)) as BanOutcome;
    assert.ok(again.outcome === 'revoked-already');
    assert.equal(again.ban.id, id);
  });

  it('is said to go on where another ban concerns it too, when one is lifted', async () => {
    const short = idIn(await revoke('--identity', DEMO, '--for', '1h', ...WHY));
    const long = idIn(await revoke('--identity', DEMO, ...WHY));
    const wide = idIn(await revoke('--namespace', 'default', ...WHY));
    const output = await revoke('lift', long, ...WHY);
    assert.match(output, /^Lifted: identity .* It is still revoked, all or in part:$/m);
    assert.match(output, new RegExp(`^${short} +identity ${DEMO} +until 20`, 'm'));
    assert.match(output, new RegExp(`^${wide} +namespace default +until it is lifted$`, 'm'));
    await refused();
    await revoke('lift', wide, ...WHY);
    await refused();
    assert.match(await revoke('lift', short, ...WHY), /^Not revoked any more: /);
    await granted();
  });

  it('takes no option before the name of a subcommand, so that none is passed over', async () => {
    const id = idIn(await revoke('--identity', DEMO, ...WHY));
    const lifting = await run('revoke', '--dry-run', 'lift', id, ...WHY);
    assert.deepEqual(
      [lifting.code, /--dry-run is not for 'revoke lift'/.test(lifting.error)],
      [64, true],
      lifting.error,
    );
    assert.equal((await run('revoke', '--output', 'json', 'list')).code, 64);
    await refused();
  });

  it('is refused where it means nothing, naming what is wrong', async () => {
    const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
      [[], 64, /name one of --serial, --identity, --namespace and --node/],
      [['--node', 'a', '--namespace', 'b'], 64, /name one of/],
      [['--serial', 'xyz'], 65, /CAP-O02 .*hexadecimal/],
      [['--serial', '0:00'], 65, /CAP-O02 .*it is not the number of a certificate/],
      [['--serial', 'abc123'], 65, /CAP-O02 .*no certificate of a workload with the serial abc123 lives/],
      [['--identity', 'demo'], 65, /CAP-O02 .*does not start with spiffe:/],
      [['--namespace', 'No Such'], 65, /CAP-O02 .*RFC 1123 label/],
      [['--serial', 'abc123', '--for', '1h'], 64, /revoked until it ends/],
    ];
    for (const [argv, code, words] of cases) {
      const ran = await run('revoke', ...argv, ...WHY);
      assert.deepEqual([ran.code, words.test(ran.error)], [code, true], `${argv.join(' ')}: ${ran.code} ${ran.error}`);
    }
    assert.equal((await run('revoke', '--node', 'a')).code, 64);
    assert.match((await run('revoke', 'lift', '0'.repeat(16), ...WHY)).error, /CAP-O02 .*nothing is revoked as 0000/);
  });
});
