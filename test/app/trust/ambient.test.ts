// Trust material that ztunnels refuse, where they are served: seen from outside.
import assert from 'node:assert/strict';
import { checkIssuer } from '../../../src/app/compose/trust/issuers.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeClock } from '../../support/fakes/fake-clock.ts';
import { nameConstraints, tiersAt, type Tier } from '../../support/paths/tiers.ts';
import { configOf, RunningServer } from '../support/running-server.ts';
import { ServerFiles } from '../support/server-files.ts';

const tier = tiersAt(Date.now());
const ON_URIS = nameConstraints({ permitted: [{ kind: 'uri', value: 'cluster.local' }] });
const SAYS = /it would cut ambient off: certificate CN=Bound has name constraints on URIs/;
/** Of an API server that never answers. */
const KUBECONFIG = {
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'away',
  clusters: [{ name: 'away', cluster: { server: 'https://127.0.0.1:1' } }],
  users: [{ name: 'nobody', user: { token: 'none' } }],
  contexts: [{ name: 'away', context: { cluster: 'away', user: 'nobody' } }],
};

describe('An issuer that ztunnels would refuse', () => {
  let files: ServerFiles;
  let root: Tier;
  let bound: Tier;
  before(async () => {
    files = await ServerFiles.create();
    root = await tier('Root');
    bound = await tier('Bound', { by: root, more: [ON_URIS] });
    files.setAnchors(root.pem);
    files.write('kubeconfig', JSON.stringify(KUBECONFIG));
  });
  after(() => files[Symbol.dispose]());

  function use(issuer: Tier): void {
    files.write('issuer-key.pem', issuer.keyPem);
    files.write('issuer-chain.pem', issuer.pem);
  }

  const settings = (trustedNodeAccounts: readonly string[]) => ({
    'sds.sockets': [],
    'cluster.manifests': undefined,
    'cluster.kubernetes.from': 'kubeconfig',
    'cluster.kubernetes.kubeconfig': files.path('kubeconfig'),
    'cluster.kubernetes.trustedNodeAccounts': trustedNodeAccounts,
  });

  it('is a problem for `config check`, as for the start, where any is trusted', async () => {
    use(bound);
    const ambient = settings(['istio-system/ztunnel']);
    const clock = new FakeClock(Date.now());
    const checked = await checkIssuer(configOf({ ...files.settings, ...ambient }), clock);
    assert.match(checked?.problem ?? '', SAYS);
    const without = await checkIssuer(configOf({ ...files.settings, ...settings([]) }), clock);
    assert.equal(without?.problem, undefined);
  });

  it('does not replace the one in force, and /readyz names it', async () => {
    use(await tier('Good', { by: root }));
    await using server = await RunningServer.start({ files, settings: settings(['istio-system/ztunnel']) });
    use(bound);
    const why = await eventually(
      'the new issuer is refused',
      async () => {
        const text = await (await server.get('/readyz')).text();
        return SAYS.test(text) ? text : undefined;
      },
      { withinMs: 30_000 },
    );
    assert.match(why, /"part":"issuer"/);
    assert.equal(server.report.issuers[0]?.subject, 'CN=Good');
  }).timeout(60_000);
});
