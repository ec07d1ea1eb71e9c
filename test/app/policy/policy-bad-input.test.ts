// Whatever is wrong with a bundle, a local policy or a manifest, a running server says where and why, once,
// and goes on with what was good; a starting one does not start its listeners.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { connect } from 'node:net';
import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import { runCli } from '../../../src/cli/program.ts';
import type { CsrWire, Outcome } from '../../adapters/grpc/wire.ts';
import { recordTerminal } from '../../cli/support/recorded-terminal.ts';
import { eventually, freePort } from '../../support/eventually.ts';
import { buildCsr } from '../../support/certificates.ts';
import {
  BUNDLE_EDITS,
  CANARY,
  FAULTS,
  GOOD,
  HOLDERS,
  LOCAL_EDITS,
  MANIFEST_EDITS,
  NEXT_BUNDLE,
  put,
  type Files,
} from '../support/hostile-policies.ts';
import { RunningServer } from '../support/running-server.ts';
import { nested, ServerFiles, type LogLine } from '../support/server-files.ts';
import { assertNothingSpilled } from '../support/spilled-secrets.ts';

const SOON = { withinMs: 30_000, everyMs: 20 };

/** What goes wrong with one of the server's sources, for a while. */
interface Trouble {
  readonly source: string;
  readonly says: RegExp;
  readonly make: () => void;
  readonly undo: () => void;
}

/** Of these each stands for its kind: nobody is to start with them. */
const AT_START = ['of an older sequence', 'with fewer signatures than the threshold', 'without its signatures'];
/** Who was good once goes on with that; see also policy-owners.test.ts. */
const LOCAL_AT_START = ['that is half written', 'that is a link out of the directory'];

describe('A server whose policies are edited badly', () => {
  let files: ServerFiles;
  let settings: Readonly<Record<string, unknown>>;
  let server: RunningServer;
  let client: CsrWire;
  let csr: string;
  /** What stands in the files when nobody meddles. */
  let good = GOOD;
  before(async () => {
    files = await ServerFiles.create();
    for (const folder of ['bundle', 'policies/shop']) mkdirSync(files.path(folder));
    putAll(good);
    HOLDERS.forEach(({ publicKeyPem }, index) => files.write(`holder-${index}.pem`, publicKeyPem));
    settings = {
      ...files.settings,
      'policy.bundle.file': files.path('bundle/bundle.yaml'),
      'policy.bundle.keys': HOLDERS.map((_, index) => files.path(`holder-${index}.pem`)),
      'policy.bundle.threshold': HOLDERS.length,
    };
    csr = (await buildCsr()).pem;
    await start();
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  const EDITS = { bundle: BUNDLE_EDITS, 'local policy': LOCAL_EDITS, manifest: MANIFEST_EDITS };
  for (const [kind, edits] of Object.entries(EDITS)) {
    for (const { what, files: touched, says } of edits) {
      it(`says once what is wrong with a ${kind} ${what}, and goes on as before`, async () => {
        const [source = ''] = sourcesOf(touched);
        await goesOn({ source, says, make: () => putAll(touched), undo: () => takeBack(touched) });
      });
    }
  }

  for (const [folder, source] of Object.entries({ policies: 'policy', manifests: 'cluster' })) {
    it(`goes on as before while the directory of ${folder} is away`, async () => {
      const [here, there] = [files.path(folder), files.path(`${folder}-away`)];
      const says = new RegExp(`/${folder} does not exist$`);
      await goesOn({ source, says, make: () => renameSync(here, there), undo: () => renameSync(there, here) });
    });
  }

  for (const { what, files: odd, says } of FAULTS) {
    it(`refuses by a condition that ${what}, in words, and nobody else`, async () => {
      assert.equal((await ask('odd', 'api')).code, status.OK);
      await untilReloaded(sourcesOf(odd), () => putAll(odd));
      const { details } = await ask('odd', 'api');
      assert.match(details, /^CAP-P12 .*odd\/odd spec\.conditions\.asks: Ask the odd team \(/);
      assert.match(details, says);
      await answersAsBefore();
      await untilReloaded(sourcesOf(odd), () => takeBack(odd));
      assert.equal((await ask('odd', 'api')).code, status.OK);
    });
  }

  it('takes up a new bundle although the file of a team is broken, of which it has told', async () => {
    const broken = { 'policies/broken.yaml': '{' };
    const failed = logged('reloadFailed').length;
    putAll(broken);
    await eventually('the broken file is told', () => logged('reloadFailed')[failed], SOON);
    good = { ...good, ...NEXT_BUNDLE };
    await untilReloaded(['policy-bundle', 'policy'], () => putAll(NEXT_BUNDLE));
    assert.equal((await inForce()).bundle.sequence, 8);
    await answersAsBefore();
    await untilReloaded(['policy'], () => takeBack(broken));
    assert.equal(logged('reloadFailed').length, failed + 1);
  });

  it('writes down nothing of what stood in those files, and no secret', async () => {
    client[Symbol.dispose]();
    await assertNothingSpilled(server);
    const written = files.logText + JSON.stringify(files.decisions());
    assert.ok(!written.includes(CANARY), written.slice(written.indexOf(CANARY) - 200).slice(0, 300));
    assert.deepEqual(files.logged('unexpected'), []);
  });

  for (const edit of BUNDLE_EDITS.filter(({ what }) => AT_START.includes(what))) {
    it(`does not start, and opens no listener, with a bundle ${edit.what}`, async () => {
      const port = await freePort();
      putAll(edit.files);
      const { code, error } = await serveByHand(port);
      takeBack(edit.files);
      assert.equal(code, 78);
      assert.match(error, /^capstan: CAP-X03 /);
      assert.match(error, new RegExp(edit.says.source.replace(/\$$/, '')));
      await assert.rejects(once(connect(port, '127.0.0.1'), 'connect'), /ECONNREFUSED/);
      assert.ok(!existsSync(files.socket('demo')));
    });
  }

  for (const edit of LOCAL_EDITS.filter(({ what }) => LOCAL_AT_START.includes(what))) {
    it(`starts with the last good local policies when there is one ${edit.what}`, async () => {
      const before = logged('policyInForce').at(-1)?.['revision'];
      putAll(edit.files);
      await start();
      assert.equal((await inForce()).revision, before);
      const { degraded } = (await (await server.get('/readyz')).json()) as {
        readonly degraded?: readonly { why: string }[];
      };
      assert.match(degraded?.map(({ why }) => why).join() ?? '', new RegExp(edit.says.source.replace(/\$$/, '')));
      await answersAsBefore();
      takeBack(edit.files);
      client[Symbol.dispose]();
      await server.stop();
    });
  }

  it('starts with a broken manifest, which hides only itself: the view of the others is judged by', async () => {
    const broken = { 'manifests/broken.yaml': '{' };
    putAll(broken);
    await start();
    assert.equal(status[(await ask('default', 'newcomer')).code], 'OK');
    const { ready, degraded } = (await (await server.get('/readyz')).json()) as ReadyAnswer;
    assert.equal(ready, true);
    assert.match(degraded?.find(({ part }) => part === 'cluster')?.why ?? '', /manifests\/broken\.yaml:1:2 /);
    takeBack(broken);
    client[Symbol.dispose]();
    await server.stop();
  });

  it('starts with broken manifests, but judges nobody by a cluster that it does not see', async () => {
    const broken = { 'manifests/front.yaml': '{' };
    putAll(broken);
    await start();
    const unseen = await ask('default', 'newcomer');
    assert.equal(status[unseen.code], 'UNAVAILABLE');
    assert.match(unseen.details, /^CAP-S10 .*manifests\/front\.yaml/);
    const said = (): boolean => logged('reloadFailed', 'cluster').some(({ msg }) => msg === NO_VERSION);
    await eventually('it says that no version stays', said, SOON);
    takeBack(broken);
    await eventually('the cluster is seen', async () => (await ask('default', 'newcomer')).code === status.OK, SOON);
    const { degraded } = (await (await server.get('/readyz')).json()) as ReadyAnswer;
    assert.equal(
      degraded?.find(({ part }) => part === 'cluster'),
      undefined,
    );
    client[Symbol.dispose]();
  });

  /** Resolves when all that it has to say of its start is in the log. */
  async function start(): Promise<void> {
    server = await RunningServer.start({ files, settings });
    client = server.client();
    await eventually('it is ready', () => logged('lifecycle').at(-1)?.['phase'] === 'ready', SOON);
  }

  async function goesOn({ source, says, make, undo }: Trouble): Promise<void> {
    const failed = logged('reloadFailed').length;
    const policies = await inForce();
    make();
    const told = await eventually('what is wrong', () => logged('reloadFailed')[failed], SOON);
    assert.match(String(told['problem']), says);
    assert.equal(told['source'], source);
    assert.deepEqual(await inForce(), policies);
    await answersAsBefore();
    await untilReloaded([source], undo);
    assert.equal(logged('reloadFailed').length, failed + 1);
    assert.deepEqual(await inForce(), policies);
  }

  async function untilReloaded(sources: readonly string[], change: () => void): Promise<void> {
    const times = (): readonly number[] => sources.map((source) => logged('reloaded', source).length);
    const before = times();
    change();
    const isRead = (): boolean => times().every((count, index) => count > (before[index] ?? 0));
    await eventually(`${sources.join(' and ')} reloaded`, isRead, SOON);
  }

  /** It takes bundle, local policy and manifest to get both answers. */
  async function answersAsBefore(): Promise<void> {
    const given = await ask('default', 'demo');
    assert.equal(status[given.code], 'OK', given.details);
    const [decision] = files.decisions({ outcome: 'issued' });
    assert.equal(decision?.policyRevision, (await inForce()).revision);
    assert.deepEqual(
      decision.policy?.objects?.map(({ name }) => name),
      ['front'],
    );
    assert.match((await ask('default', 'denied')).details, /^CAP-P04 /);
  }

  async function ask(namespace: string, serviceAccount: string): Promise<Outcome> {
    const headers = { authorization: `Bearer ${await files.mint.tokenIn(namespace, serviceAccount)}` };
    return client.call({ csr, headers });
  }

  async function inForce(): Promise<{ readonly revision: string; readonly bundle: { readonly sequence: number } }> {
    const page = (await (await server.get('/policy')).json()) as Awaited<ReturnType<typeof inForce>> & {
      policies: unknown;
    };
    const { revision, bundle, policies } = page;
    return { revision, bundle, ...{ policies } };
  }

  /** As an operator does, with everything in a file. */
  async function serveByHand(tlsPort: number): Promise<{ readonly code: number; readonly error: string }> {
    const config = nested({ ...settings, 'listen.tls.address': `127.0.0.1:${tlsPort}` });
    files.write('capstan.json', JSON.stringify(config));
    const { terminal, error } = recordTerminal();
    const argv = ['serve', '--config', files.path('capstan.json')];
    const code = await runCli(argv, { terminal, environment: {}, signal: AbortSignal.timeout(SOON.withinMs) });
    return { code, error: error() };
  }

  function logged(event: string, source?: string): readonly LogLine[] {
    return files.logged(event).filter((line) => source === undefined || line['source'] === source);
  }

  function putAll(contents: Files): void {
    for (const [name, content] of Object.entries(contents)) put(files.path(name), content);
  }

  function takeBack(touched: Files): void {
    putAll(Object.fromEntries(Object.keys(touched).map((name) => [name, good[name]])));
  }
});

const NO_VERSION = 'reload failed: there is no good version';

interface ReadyAnswer {
  readonly ready: boolean;
  readonly degraded?: readonly { readonly part: string; readonly why: string }[];
}

const SOURCES: Readonly<Record<string, string>> = {
  bundle: 'policy-bundle',
  policies: 'policy',
  manifests: 'cluster',
};

/** What the log calls those who read these files. */
function sourcesOf(touched: Files): readonly string[] {
  return [...new Set(Object.keys(touched).map((name) => SOURCES[name.split('/')[0] ?? ''] ?? ''))];
}
