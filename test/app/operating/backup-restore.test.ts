// A store is backed up while its server runs, lost, and put back: nothing that protects anybody is set back by it.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import { runCli } from '../../../src/cli/program.ts';
import { recordTerminal } from '../../cli/support/recorded-terminal.ts';
import { buildCsr, spiffe } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { RunningServer, type Showing } from '../support/running-server.ts';
import { nested, POLICY, ServerFiles } from '../support/server-files.ts';

const DEMO = 'spiffe://cluster.local/ns/default/sa/demo';
const SOON = { withinMs: 30_000 };

describe('A store that was backed up and lost', () => {
  let files: ServerFiles;
  let server: RunningServer;
  beforeEach(async () => {
    files = await ServerFiles.create();
    files.write('capstan.json', JSON.stringify(nested(files.settings)));
    server = await RunningServer.start({ files });
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  async function run(...words: readonly string[]): Promise<{ code: number; out: string; error: string }> {
    const { terminal, out, error } = recordTerminal();
    const argv = [...words, '--config', files.path('capstan.json')];
    const code = await runCli(argv, { terminal, environment: {}, signal: new AbortController().signal });
    return { code, out: out(), error: error() };
  }
  const backup = async () => run('backup', '--to', files.path('backup'));
  const restore = async () => run('restore', '--from', files.path('backup'));

  async function ask(showing: Showing, headers: Record<string, string> = {}): Promise<Showing & { details: string }> {
    using client = server.client(showing);
    const { pem: csr, privateKeyPem } = await buildCsr({ names: [spiffe(DEMO)] });
    const { code, details, response } = await client.call({ csr, headers });
    const chainPem = response?.certChain.slice(0, -1).join('') ?? '';
    return { chainPem, keyPem: privateKeyPem, details: code === status.OK ? 'OK' : details };
  }
  const enrolled = async () => ask({}, { authorization: `Bearer ${await files.mint.token()}` });
  const loseJournal = (): void => {
    for (const name of readdirSync(files.directory)) if (name.startsWith('journal.db')) rmSync(files.path(name));
  };
  const bundle = () => ['bundle.yaml', 'bundle.yaml.sig'].map((name) => readFileSync(files.path(name), 'utf8'));
  const putBack = ([yaml, signature]: readonly string[]): void => {
    files.write('bundle.yaml.sig', signature ?? '');
    files.write('bundle.yaml', yaml ?? '');
  };
  const sequence = (): number =>
    (JSON.parse(readFileSync(files.path('bundle-state.json'), 'utf8')) as { sequence: number }).sequence;

  it('knows after the restore whom it issued to, and lets no older bundle in than was in force last', async () => {
    const [before, first] = [await enrolled(), bundle()];
    files.setPolicy(POLICY);
    await eventually('the second bundle is in force', () => sequence() === 2, SOON);
    const { code, out, error } = await backup();
    assert.equal(code, 0, error);
    assert.match(
      out,
      /\d+ decisions, 0 closings, \d+ operations?, 1 issuer, 0 bans; policy bundles before .*@2 stay refused/,
    );
    const second = bundle();
    const later = await enrolled();
    files.setPolicy(POLICY);
    await eventually('the third bundle is in force', () => sequence() === 3, SOON);
    const inUse = await restore();
    assert.equal(inUse.code, 78);
    assert.match(inUse.error, /is in use by another Capstan/);
    await server.stop();
    loseJournal();
    const restored = await restore();
    assert.equal(restored.code, 0, restored.error);
    assert.match(restored.out, /\d+ decisions, 0 closings and \d+ operations? added; policy bundles from .*@3 on/);
    const third = bundle();
    putBack(second);
    await assert.rejects(
      RunningServer.start({ files }),
      /is a rollback: 2 is older than 3/,
      'the newer state beside the store stays',
    );
    putBack(third);
    server = await RunningServer.start({ files });
    assert.equal((await ask(before)).details, 'OK', 'renews by its certificate');
    assert.match((await ask(later)).details, /^CAP-A10 /, 'was lost, so it needs a token');
    await server.stop();
    rmSync(files.path('bundle-state.json'));
    assert.equal((await restore()).code, 0);
    assert.equal(sequence(), 2, 'where the state is lost too, it is that of the backup');
    putBack(first);
    await assert.rejects(RunningServer.start({ files }), /is a rollback: 1 is older than 2/);
  });

  it('knows after the restore whom an operator revoked, and lets nobody in who was revoked since', async () => {
    const revoke = async (name: string) =>
      run('revoke', '--identity', `spiffe://cluster.local/ns/default/sa/${name}`, '--reason', 'a drill');
    const asked = async (name: string): Promise<string> => (await server.ask('default', name)).details.slice(0, 7);
    const revoked = await revoke('web');
    assert.equal(revoked.code, 0, revoked.error);
    const { out } = await backup();
    assert.match(out, /1 ban; /);
    await server.stop();
    loseJournal();
    server = await RunningServer.start({ files });
    assert.equal(await asked('web'), '', 'the bans are lost with the store');
    assert.equal((await revoke('cart')).code, 0);
    await server.stop();
    assert.match((await restore()).out, /; 1 ban more$/m);
    server = await RunningServer.start({ files });
    assert.deepEqual([await asked('web'), await asked('cart')], ['CAP-R01', 'CAP-R01']);
  });

  it('has every decision once, however often it is restored, and those that it kept', async () => {
    await enrolled();
    assert.equal((await backup()).code, 0);
    await enrolled();
    await server.stop();
    const all = files.decisions();
    for (let round = 0; round < 2; round += 1) {
      assert.match((await restore()).out, /^0 decisions, 0 closings and 0 operations added/);
      assert.deepEqual(files.decisions(), all);
    }
    server = await RunningServer.start({ files });
  });
});
