// Intermediates that a real cert-manager signs, at the first start and at a rollover, asked for through a real API server with the
// rights that the chart gives.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { ServerFiles } from '../../../app/support/server-files.ts';
import { eventually } from '../../../support/eventually.ts';
import { findPrograms } from '../../programs/programs.ts';
import { budgetSeconds, failingSeconds, untilItCountsDown } from '../../support/outage-budget.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { AttestedServer, podWithToken } from '../support/attested-server.ts';
import { ApiRefusal, type ClusterObject } from '../support/cluster-api.ts';
import { KubernetesCluster } from '../support/cluster.ts';
import { ISTIO_NAMESPACE, namespace } from '../support/namespaces.ts';
import { CertManager } from './support/cert-manager.ts';

const SOON = { withinMs: 90_000, everyMs: 100 };
const API_VERSION = 'cert-manager.io/v1';
/** Of leaves: an intermediate lives six times as long, and none may be asked for that lives for less than five minutes. */
const LEAF = '50s';

interface Status {
  readonly certificate?: string;
}

/** Each next intermediate is asked for fifteen seconds after the one in force, and may sign another fifteen seconds later. */
const settingsFor = (files: ServerFiles) => ({
  'issuer.chainFile': undefined,
  'issuer.keyFile': undefined,
  'issuer.directory': files.path('issuer'),
  'issuer.upstream': {
    lifetime: '5m',
    prepareAt: 0.05,
    activateAt: 0.1,
    certManager: { issuer: { name: 'corporate' } },
  },
  additionalIssuers: [
    {
      name: 'gold',
      directory: files.path('gold'),
      upstream: { lifetime: '5m', certManager: { issuer: { name: 'absent' } } },
    },
  ],
  'lifetimes.max': LEAF,
  'lifetimes.default': LEAF,
  'lifetimes.backdate': '1s',
  'sds.ttl': LEAF,
  'serving.ttl': LEAF,
});

describe('An issuer whose intermediates cert-manager signs', function () {
  this.timeout(240_000);
  const ended = new AsyncDisposableStack();
  let cluster: KubernetesCluster;
  let certManager: CertManager;
  let capstan: AttestedServer;

  before(async function () {
    const programs = { ...KubernetesCluster.programs(), ...findPrograms('cert-manager') };
    const { 'cert-manager': binary } = programs as Partial<Record<string, string>>;
    peerOrSkip(this, KubernetesCluster.programs() && binary, 'Kubernetes and cert-manager');
    cluster = ended.use(await KubernetesCluster.start());
    const files = ended.use(await AttestedServer.files(['shop']));
    await cluster.apply([namespace(ISTIO_NAMESPACE)]);
    certManager = ended.use(await CertManager.start({ binary: binary!, cluster }));
    await certManager.issuer({ namespace: ISTIO_NAMESPACE, name: 'corporate' }, files.pki.root);
    capstan = ended.use(await AttestedServer.start(cluster, files, settingsFor(files)));
  });
  after(async () => ended.disposeAsync());

  const inForce = (): X509Certificate =>
    new X509Certificate(readFileSync(path.join(capstan.files.path('issuer'), 'tls.crt')));
  const requests = async (): Promise<readonly ClusterObject[]> =>
    cluster.api.list(API_VERSION, 'CertificateRequest', ISTIO_NAMESPACE);
  const requestsOf = async (issuer: string): Promise<readonly ClusterObject[]> =>
    (await requests()).filter(({ metadata }) => metadata.labels?.['capstan.dev/issuer'] === issuer);
  const readyz = async (): Promise<string> => (await capstan.server.get('/readyz')).text();
  const issuedBy = async (): Promise<string> => {
    const { token } = await podWithToken(cluster, 'shop', 'web');
    const { chainPem = '' } = await capstan.granted({ token });
    const [, issuer = ''] = chainPem.split(/(?<=-----END CERTIFICATE-----\n)/);
    return new X509Certificate(issuer).fingerprint256;
  };

  it('has signed the first one, which signs', async () => {
    const [root] = capstan.files.pki.root.certificatePem.split(/(?<=-----END CERTIFICATE-----\n)/);
    assert.ok(inForce().checkIssued(new X509Certificate(root!)));
    await eventually('a leaf of it', async () => (await issuedBy()) === inForce().fingerprint256, SOON);
  });

  it('issues on while cert-manager is stopped when the next one is due, and goes over to that once it is back', async () => {
    await certManager.stop();
    const unsigned = ({ status }: ClusterObject): boolean => (status as Status | undefined)?.certificate === undefined;
    await eventually('the next request', async () => (await requestsOf('default')).some(unsigned), SOON);
    const first = inForce().fingerprint256;
    const said =
      /issuer default, since .*CertificateRequest capstan-default-\w+ (has neither been approved|is approved, and)/;
    await eventually('what it waits for', async () => said.test(await readyz()), SOON);
    assert.equal(await issuedBy(), first);
    await untilItCountsDown(capstan.server, async () => assert.equal(await issuedBy(), first));
    assert.ok((await failingSeconds(capstan.server, 'default'))! > 4);
    await certManager.startAgain();
    await eventually('the next one in force', () => inForce().fingerprint256 !== first, SOON);
    await eventually('leaves of it', async () => (await issuedBy()) === inForce().fingerprint256, SOON);
    const isWell = async (): Promise<boolean> => (await failingSeconds(capstan.server, 'default')) === 0;
    await eventually('cert-manager counts as back', isWell, SOON);
    const isAsEver = async (): Promise<boolean> => {
      await issuedBy();
      return ((await budgetSeconds(capstan.server)) ?? 0) > 30;
    };
    await eventually('the outage budget rises', isAsEver, { ...SOON, everyMs: 500 });
  });

  it('has asked once for each', async () => {
    const asked = (await requestsOf('default')).map(({ metadata }) => metadata.labels?.['capstan.dev/request']);
    assert.ok(asked.length >= 2);
    assert.equal(new Set(asked).size, asked.length);
  });

  it('says of an issuer that cert-manager does not have what cert-manager says', async () => {
    const said =
      /issuer gold, since .*CertificateRequest capstan-gold-\w+ is pending: Referenced \\"Issuer\\" not found/;
    await eventually('what is said of gold', async () => said.test(await readyz()), SOON);
    assert.equal((await requestsOf('gold')).length, 1);
  });

  for (const [what, target] of [
    ['read the issuers of cert-manager', `namespaces/${ISTIO_NAMESPACE}/issuers`],
    ['read requests of other namespaces', 'namespaces/shop/certificaterequests'],
    ['read requests of all namespaces', 'certificaterequests'],
  ] as const) {
    it(`may not ${what}`, async () => {
      using own = await cluster.apiOf(ISTIO_NAMESPACE, 'capstan');
      const isForbidden = (error: unknown): boolean => error instanceof ApiRefusal && error.status === 403;
      await assert.rejects(own.ask('GET', `/apis/${API_VERSION}/${target}`), isForbidden);
    });
  }
});
