// A real Prometheus that scrapes a server as it would one on another machine: over TLS, and by what it shows.
import assert from 'node:assert/strict';
import { eventually } from '../../support/eventually.ts';
import { RunningServer } from '../../app/support/running-server.ts';
import { ServerFiles } from '../../app/support/server-files.ts';
import { createRoot, issueLeaf } from '../support/pki.ts';
import { peerOrSkip } from '../support/presence.ts';
import { findPrometheus, Prometheus } from './support/prometheus.ts';

const [TOKEN, NEXT] = ['0123456789abcdef0123456789abcdef', 'fedcba9876543210fedcba9876543210'];
const READER = 'spiffe://corp.example/prometheus';
const SOON = { withinMs: 60_000 };
/** A machine that others use too must not be taken for a server that refuses. */
const PATIENT = { scrape_interval: '3s', scrape_timeout: '3s' };

describe('A real Prometheus that scrapes over TLS', function () {
  this.timeout(240_000);
  let binary: string;
  const opened = new AsyncDisposableStack();
  let files: ServerFiles;
  let target: string;

  before(async function () {
    binary = peerOrSkip(this, findPrometheus(), 'Prometheus');
    files = opened.use(await ServerFiles.create());
    const people = await createRoot('People of the Corporation');
    const leaf = await issueLeaf(people, { uri: READER });
    for (const [name, text] of Object.entries({
      tokens: `${TOKEN}\n`,
      'people.pem': people.certificatePem,
      'reader.pem': leaf.chainPem,
      'reader-key.pem': leaf.keyPem,
    })) {
      files.write(name, text);
    }
    const server = await RunningServer.start({
      files,
      settings: {
        'listen.metrics.address': '127.0.0.1:0',
        'listen.metrics.tokenFile': files.path('tokens'),
        'listen.metrics.readers': [`URI:${READER}`],
        'listen.administration.clientCaFile': files.path('people.pem'),
      },
    });
    opened.use(server);
    target = server.report.metricsAddress ?? '';
  });
  after(async () => opened.disposeAsync());

  /** As the ServiceMonitor of the chart has it: the server's own certificate, under the corporate root. */
  const overTls = (more: object = {}) => ({
    ...PATIENT,
    scheme: 'https',
    tls_config: { ca_file: files.path('anchors.pem'), server_name: 'localhost', ...more },
  });
  const withToken = (credentials: string) => ({ ...overTls(), authorization: { credentials } });

  async function scraped(job: object): Promise<string> {
    await using prometheus = await Prometheus.start(binary, target, job);
    return await eventually('it scraped', async () => wrapped(await prometheus.scraped()), SOON).then(([said]) => said);
  }

  it('scrapes with a token', async () => assert.equal(await scraped(withToken(TOKEN)), ''));

  it('scrapes with the certificate of a reader', async () => {
    const shown = { cert_file: files.path('reader.pem'), key_file: files.path('reader-key.pem') };
    assert.equal(await scraped(overTls(shown)), '');
  });

  for (const [what, job] of [
    ['nothing', () => overTls()],
    ['another token', () => withToken(NEXT)],
  ] as const) {
    it(`is told 401 where it shows ${what}`, async () => {
      assert.match(await scraped(job()), /HTTP status 401 Unauthorized/);
    });
  }

  it('misses no scrape while its token is changed for the next one', async () => {
    await using before = await Prometheus.start(binary, target, withToken(TOKEN));
    await eventually('it scraped', async () => (await before.scraped()) === '', SOON);
    files.write('tokens', `${TOKEN}\n${NEXT}\n`);
    await using next = await Prometheus.start(binary, target, withToken(NEXT));
    await eventually('the next token is taken', async () => (await next.scraped()) === '', SOON);
    assert.equal(await before.scraped(), '');
    files.write('tokens', `${NEXT}\n`);
    await eventually('the last one is not', async () => /401/.test((await before.scraped()) ?? ''), SOON);
    assert.equal(await next.scraped(), '');
    files.write('tokens', `${TOKEN}\n`);
  });
});

/** An empty text is an answer too. */
function wrapped(said: string | undefined): readonly [string] | undefined {
  return said === undefined ? undefined : [said];
}
