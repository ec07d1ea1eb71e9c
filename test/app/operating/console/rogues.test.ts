// The look for rogue CAs of a running server through files, and who is shown what it found.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import type { RogueAnswer } from '../../../../src/adapters/http/admin/records/administer-rogues.ts';
import type { ServerFindings } from '../../../../src/app/estate/reported-look.ts';
import { createRoot, issueLeaf, type TestAuthority } from '../../../peers/support/pki.ts';
import { eventually } from '../../../support/eventually.ts';
import { tiersAt } from '../../../support/paths/tiers.ts';
import { RunningServer } from '../../support/running-server.ts';
import { ServerFiles } from '../../support/server-files.ts';
import { Visitor } from './support/visitor.ts';

const OPS = 'spiffe://corp.example/ops';
const SOON = { withinMs: 60_000 };

describe('What a server finds of rogue CAs by itself', function () {
  this.timeout(120_000);
  const tier = tiersAt(Date.now());
  let corporate: TestAuthority;
  let files: ServerFiles;
  let server: RunningServer | undefined;
  before(async () => {
    corporate = await createRoot('People of the Corporation');
  });
  beforeEach(async () => {
    files = await ServerFiles.create();
    files.write('people.pem', corporate.certificatePem);
    mkdirSync(files.path('estate'));
    const shadow = await tier('Shadow');
    files.write('estate/ca.pem', shadow.pem);
    files.write('estate/ca-key.pem', shadow.keyPem);
    files.write('estate/ours.pem', files.pki.root.certificatePem);
    files.write('known.pem', (await tier('Known')).pem);
    files.write('estate/known.pem', (await tier('Known')).pem);
  });
  afterEach(async () => {
    await server?.[Symbol.asyncDispose]();
    server = undefined;
    files[Symbol.dispose]();
  });

  async function start(settings: Readonly<Record<string, unknown>>): Promise<void> {
    server = await RunningServer.start({
      files,
      settings: {
        'listen.console.address': '127.0.0.1:0',
        'listen.administration.clientCaFile': files.path('people.pem'),
        'listen.administration.roles.viewer': [`URI:${OPS}/victor`],
        'listen.administration.roles.operator': [`URI:${OPS}/olga`],
        'listen.console.teams': [{ member: `URI:${OPS}/tina`, namespaces: ['shop'] }],
        ...settings,
      },
    });
  }

  async function signedIn(name: string): Promise<Visitor> {
    const { chainPem: cert, keyPem: key } = await issueLeaf(corporate, { uri: `${OPS}/${name}` });
    const base = `https://localhost:${new URL(server!.report.consoleUrl!).port}`;
    const visitor = new Visitor(base, { ca: files.pki.root.certificatePem, shown: { cert, key } });
    assert.equal((await visitor.post('/login/certificate', {})).status, 200);
    return visitor;
  }

  async function found(visitor: Visitor): Promise<ServerFindings> {
    return eventually(
      'a look',
      async () => {
        const { status, body } = await visitor.get('/api/rogue');
        assert.equal(status, 200);
        const answer = body as RogueAnswer<ServerFindings>;
        return answer.configured ? answer.looked?.findings : assert.fail('it does not look');
      },
      SOON,
    );
  }

  const metrics = async (): Promise<string> => (await server!.get('/metrics')).text();

  for (const processes of [1, 2]) {
    it(`names each CA that does not lead to its anchors, with ${processes} process(es)`, async () => {
      await start({ processes, 'rogue.paths': [files.path('estate')] });
      const { found: rogues, hidden, lookedThrough } = await found(await signedIn('olga'));
      assert.deepEqual(rogues.map(({ id, subject, privateKey }) => [id, subject, privateKey]).sort(), [
        ['rogue/self-signed-ca', 'CN=Known', false],
        ['rogue/self-signed-ca', 'CN=Shadow', true],
      ]);
      assert.deepEqual([hidden, lookedThrough], [0, ['4 files']]);
      await eventually(
        'the metric',
        async () => /^capstan_rogue_cas\{kind="self-signed-ca"[^}]*\} 2$/m.test(await metrics()),
        SOON,
      );
      assert.match(await metrics(), /^capstan_rogue_cas\{kind="foreign-ca"[^}]*\} 0$/m);
      assert.match(await metrics(), /^capstan_rogue_look_age_seconds(\{[^}]*\})? \d/m);
      const logged = () => files.logged('rogueFound').map(({ name, place }) => [name, place]);
      await eventually('the log', async () => logged().length === 2, SOON);
      // The one with its key first.
      assert.deepEqual(logged(), [
        ['CN=Shadow', files.path('estate/ca.pem')],
        ['CN=Known', files.path('estate/known.pem')],
      ]);
    });
  }

  it('leaves out what an operator knows', async () => {
    await start({ 'rogue.paths': [files.path('known.pem')], 'rogue.knownFile': files.path('known.pem') });
    const { found: rogues, certificates } = await found(await signedIn('olga'));
    assert.deepEqual([rogues, certificates], [[], 1]);
  });

  it('shows it to nobody who may only look, and to no team', async () => {
    await start({ 'rogue.paths': [files.path('estate')] });
    for (const name of ['victor', 'tina']) assert.equal((await (await signedIn(name)).get('/api/rogue')).status, 403);
  });

  it('says that it looks through nothing where nothing is named', async () => {
    await start({});
    const { body } = await (await signedIn('olga')).get('/api/rogue');
    assert.equal((body as RogueAnswer).configured, false);
    assert.doesNotMatch(await metrics(), /^capstan_rogue_cas/m);
  });

  it('serves on and says why where it cannot look', async () => {
    await start({ 'rogue.paths': [files.path('estate')], 'rogue.knownFile': files.path('gone.pem') });
    const visitor = await signedIn('olga');
    const problem = await eventually(
      'a problem',
      async () => {
        const answer = (await visitor.get('/api/rogue')).body as RogueAnswer;
        return answer.configured ? answer.problem?.why : undefined;
      },
      SOON,
    );
    assert.match(problem, /rogue\.knownFile .*gone\.pem does not exist/);
    const { status, text } = await server!
      .get('/readyz')
      .then(async (answer) => ({ status: answer.status, text: await answer.text() }));
    assert.equal(status, 200);
    assert.match(text, /rogue CAs/);
  });
});
