// Alerts of a real server in a real Prometheus: each is fired by what on-call would have to mend, and is resolved once it is mended.
import assert from 'node:assert/strict';
import { readFileSync, renameSync } from 'node:fs';
import { RunningServer } from '../../app/support/running-server.ts';
import { buildCsr } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { peerOrSkip } from '../support/presence.ts';
import { type FiringAlert, findPrometheus, Prometheus } from './support/prometheus.ts';

const HOUR_S = 3_600n;
/** The longest window of a rule is a quarter of an hour, which takes 6 s here; the budget is measured every 15 s. */
const SOON = { withinMs: 60_000 };

describe('A real Prometheus with the alerts of Capstan', function () {
  this.timeout(180_000);
  let server: RunningServer;
  let prometheus: Prometheus;

  before(async function () {
    const binary = peerOrSkip(this, findPrometheus(), 'Prometheus');
    // What an alert says of the time that is left is looked at: no lot takes of it.
    const lifetimes = { 'lifetimes.max': '24h', 'lifetimes.default': '24h', 'lifetimes.jitterPercent': 0 };
    server = await RunningServer.start({ settings: lifetimes });
    prometheus = await Prometheus.start(binary, server.report.httpAddress);
  });
  after(async () => {
    await prometheus[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  /** @param of which part; any, where nothing is said: there may be an alert for each. */
  async function fires(name: string, of = ''): Promise<string> {
    const isIt = (alert: FiringAlert): boolean => alert.name === name && alert.summary.endsWith(of);
    return (await eventually(`${name} fires`, async () => (await prometheus.firing()).find(isIt), SOON)).summary;
  }
  async function isResolved(name: string): Promise<void> {
    await eventually(
      `${name} is resolved`,
      async () => (await prometheus.firing()).every((alert) => alert.name !== name) || undefined,
      SOON,
    );
  }
  async function ask(account: string, validityDuration: bigint, identity?: string): Promise<string> {
    using client = server.client();
    const { pem } = await buildCsr(identity === undefined ? {} : { names: [{ type: 'url', value: identity }] });
    const headers = { authorization: `Bearer ${await server.files.mint.tokenIn('default', account)}` };
    const outcome = await client.call({ csr: pem, headers, validityDuration });
    return 'code' in outcome ? String(outcome.code) : 'issued';
  }

  it('is quiet where nothing is wrong', async () => {
    await ask('calm', 24n * HOUR_S);
    await eventually(
      'the budget is measured',
      async () => {
        const page = await (await server.get('/metrics')).text();
        return /^capstan_outage_budget_seconds \d/m.test(page) || undefined;
      },
      SOON,
    );
    assert.deepEqual(await prometheus.firing(), []);
  });

  it('takes every query of the dashboard', async () => {
    const file = new URL('../../../istio-config/dashboards/capstan.json', import.meta.url);
    const { panels } = JSON.parse(readFileSync(file, 'utf8')) as { panels: { targets?: { expr: string }[] }[] };
    for (const { expr } of panels.flatMap(({ targets = [] }) => targets)) {
      const query = expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*');
      assert.equal(await prometheus.problemOf(query), undefined, expr);
    }
  });

  it('calls when an edit is not taken, until one is', async () => {
    server.files.write('bundle.yaml', 'no bundle');
    assert.match(await fires('CapstanReloadFailed'), /^A change of policy-bundle was not taken; /);
    server.files.setPolicy([{ namespaces: ['default'] }]);
    await isResolved('CapstanReloadFailed');
  });

  it('calls when somebody asks for the identity of another', async () => {
    assert.notEqual(await ask('mallory', HOUR_S, 'spiffe://cluster.local/ns/default/sa/victim'), 'issued');
    assert.match(await fires('CapstanImpersonationRefused'), /CAP-C06/);
    await isResolved('CapstanImpersonationRefused');
  });

  it('calls when nothing can be recorded, and says that every request is refused', async () => {
    const journal = server.files.path('journal.db');
    renameSync(journal, `${journal}.away`);
    assert.match(await fires('CapstanJournalFailing'), /^Nothing is issued/);
    await fires('CapstanNotReady', ' for the sake of its part journal');
    renameSync(`${journal}.away`, journal);
    await isResolved('CapstanJournalFailing');
    await isResolved('CapstanNotReady');
  });

  it('calls before the first workload is without a certificate, until that one renews', async () => {
    await ask('late', HOUR_S);
    assert.match(await fires('CapstanOutageBudgetLow'), /^The first workload has no certificate in (59m|58m)/);
    await ask('late', 24n * HOUR_S);
    await isResolved('CapstanOutageBudgetLow');
  });
});
