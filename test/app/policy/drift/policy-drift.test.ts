// What is in force is held against a checkout while the server runs: who edits a file by hand is found out, whichever process
// is asked, and nobody who asks for a certificate notices.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import type { PolicyInForce } from '../../../../src/adapters/http/observation/routes.ts';
import { eventually } from '../../../support/eventually.ts';
import { checkedOut, checkOut } from './checkout.ts';
import { RunningServer } from '../../support/running-server.ts';
import { ServerFiles } from '../../support/server-files.ts';

const [FIRST, SECOND] = ['a1'.repeat(20), 'b2'.repeat(20)];
const SOON = { withinMs: 60_000, everyMs: 100 };

/** What somebody sees, soon. */
const seen = async (look: () => Promise<void>): Promise<void> => {
  await eventually('what is in force, held against Git', async () => look().then(() => true), SOON);
};

const denying = (...serviceAccounts: readonly string[]): string =>
  JSON.stringify({
    apiVersion: 'capstan.dev/v1alpha1',
    kind: 'IssuancePolicy',
    metadata: { name: 'own', namespace: 'default' },
    spec: { deny: { serviceAccounts } },
  });

describe('A server that is told what should be in force', function () {
  this.timeout(120_000);
  let files: ServerFiles;
  let server: RunningServer;

  const drift = async (): Promise<NonNullable<PolicyInForce['drift']>> =>
    ((await (await server.get('/policy')).json()) as PolicyInForce).drift!;
  const found = async (): Promise<readonly string[]> =>
    (await drift()).policies.map(({ title, drift: kind }) => `${title} ${kind}`);
  const metric = async (kind: string): Promise<string | undefined> =>
    new RegExp(`^capstan_policy_drift\\{kind="${kind}"\\} (\\d+)`, 'm').exec(
      await (await server.get('/metrics')).text(),
    )?.[1];

  beforeEach(async () => {
    files = await ServerFiles.create();
    mkdirSync(files.path('policies/default'));
    files.setLocal('default/own.yaml', denying('bad'));
    checkOut(files, FIRST);
    server = await RunningServer.start({ files, settings: checkedOut(files) });
    await seen(async () => assert.deepEqual((await drift()).gitRevisionInForce, FIRST));
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  it('reports a file that is edited by hand within a minute, and serves on', async () => {
    files.setLocal('default/own.yaml', denying('bad', 'worse'));
    await seen(async () => assert.deepEqual(await found(), ['IssuancePolicy default/own different']));
    const { gitRevision, gitRevisionInForce, policies } = await drift();
    assert.deepEqual([gitRevision, gitRevisionInForce], [FIRST, undefined]);
    assert.equal(policies[0]!.fields, undefined, 'the page without authentication says what policies say');
    assert.equal(await metric('different'), '1');
    await seen(async () => assert.equal(files.logged('policyDrifted').at(-1)!['policy'], 'IssuancePolicy default/own'));
    assert.equal((await server.get('/readyz')).status, 200);
    files.setLocal('default/own.yaml', denying('bad'));
    await seen(async () => assert.deepEqual(await found(), []));
    await seen(async () => assert.equal(files.logged('policyDriftOver').length, 1));
    assert.equal(files.logged('policyDrifted').length, 1);
  });

  it('reports a bundle that is signed and is not the one in Git', async () => {
    files.setPolicy([{ namespaces: ['default', 'other'] }]);
    await seen(async () => assert.deepEqual(await found(), ['PolicyBundle test different']));
  });

  it('knows that what is in force is the commit before', async () => {
    files.setLocal('default/own.yaml', denying('bad', 'worse'));
    checkOut(files, SECOND);
    files.setLocal('default/own.yaml', denying('bad'));
    await seen(async () => assert.equal((await drift()).gitRevision, SECOND));
    assert.deepEqual(
      [(await drift()).gitRevisionInForce, await found()],
      [FIRST, ['IssuancePolicy default/own different']],
    );
  });

  it('says that the checkout holds something else, and which file', async () => {
    checkOut(files, 'broken', { 'kustomization.yaml': 'resources: []' });
    await seen(async () => assert.match((await drift()).problem!, /kustomization\.yaml/));
    assert.equal(await metric('unread'), '1');
    await seen(async () => assert.equal(files.logged('policyDriftUnknown').at(-1)!['level'], 'error'));
  });
});
