// Scenario 14: a thousand streams of twenty identities and a crowd of real proxies; the anchors change
// for all of them at once, and then everybody loses the connection and comes back within a second.
import assert from 'node:assert/strict';
import { freemem } from 'node:os';
import { pemOf } from '../../support/clients/sds-client.ts';
import { Capstan } from '../support/capstan.ts';
import type { Envoy } from './support/envoy.ts';
import { CURRENT_ENVOY, envoyBinary } from './support/envoy-package.ts';
import { eventually } from '../../support/eventually.ts';
import { stopwatch, waitedMs } from '../../support/stopwatch.ts';
import { createRoot } from '../support/pki.ts';
import { peerOrSkip } from '../support/presence.ts';
import { SdsClient, type SdsClientStream, unixTarget } from './support/sds-client.ts';
import { SHOP, startShopProxy } from './support/shop-proxy.ts';

const ACCOUNTS = Array.from({ length: 20 }, (_, index) => `w${index}`);
const STREAMS_PER_ACCOUNT = 50;
const STREAMS = ACCOUNTS.length * STREAMS_PER_ACCOUNT;
/** Without waiting for a processor: the crowd itself keeps two of them busy. */
const PUSH_MS = 5_000;
const STORM_MS = 10_000;
const PATIENCE_MS = 60_000;
const MAX_LAG_SECONDS = 0.2;
/** What one Envoy may take, with room to spare; the crowd is as large as memory allows. */
const ENVOY_BYTES = 200 * 1024 ** 2;
const PROXIES = Math.min(20, Math.floor(freemem() / 2 / ENVOY_BYTES));

describe('A crowd', function () {
  this.timeout(400_000);
  before(function () {
    peerOrSkip(this, envoyBinary(CURRENT_ENVOY), `envoy ${CURRENT_ENVOY}`);
  });

  it(`of ${STREAMS} streams and ${PROXIES} Envoys takes new anchors within ${PUSH_MS / 1000} s and comes back from a storm`, async function () {
    await using stack = new AsyncDisposableStack();
    const capstan = stack.use(await Capstan.start({ sockets: [...ACCOUNTS, SHOP] }));
    // 1. Everybody is there and has both secrets.
    const proxies = await startProxies(stack, capstan);
    const crowd = stack.use(new Crowd(capstan));
    await crowd.holds((stream) => stream.latest('default') !== undefined && anchorsOf(stream) !== undefined);
    const issued = issuedCount(capstan);
    assert.equal(issued, ACCOUNTS.length + 1);

    // 2. Another anchor joins. Everybody has it in time, and Capstan stayed responsive.
    const both = capstan.anchorsPem + (await createRoot('Next Root')).certificatePem;
    await capstan.metric('capstan_event_loop_lag_seconds'); // begins a new window
    const sincePush = stopwatch(capstan.pid);
    const beforeMs = waitedMs(capstan.pid);
    capstan.replaceAnchors(both);
    await crowd.holds((stream) => (anchorsOf(stream)?.split('BEGIN').length ?? 0) === 3);
    const pushMs = sincePush();
    assert.ok(pushMs < PUSH_MS, `${pushMs} ms`);
    for (const proxy of proxies) {
      await eventually('a proxy has both anchors', async () => (await proxy.sds('ROOTCA', 'update_success')) === 2, {
        withinMs: PATIENCE_MS,
      });
    }
    const lag = await capstan.metric('capstan_event_loop_lag_seconds');
    const waited = (waitedMs(capstan.pid) - beforeMs) / 1_000;
    assert.ok(lag - waited < MAX_LAG_SECONDS, `${lag} s, and ${waited} s without a processor`);
    await eventually('everything is acknowledged', async () => (await unacknowledged(capstan)) === 0, {
      withinMs: PATIENCE_MS,
    });

    // 3. All streams end and come back at once. Nobody is refused, and no certificate is issued twice.
    crowd[Symbol.dispose]();
    const sinceStorm = stopwatch(capstan.pid);
    const again = stack.use(new Crowd(capstan));
    assert.ok(sinceStorm() < 5_000);
    await again.holds((stream) => stream.latest('default') !== undefined && anchorsOf(stream) !== undefined);
    const backMs = sinceStorm();
    assert.ok(backMs < STORM_MS, `${backMs} ms`);
    assert.equal(issuedCount(capstan), issued);
    assert.equal(await capstan.metric('capstan_connections_refused_total'), 0);
    assert.equal(again.lost, 0);
    assert.equal(await capstan.metric('capstan_sds_rejected_total'), 0);
    this.test!.title += ` (pushed in ${pushMs.toFixed(0)} ms, back in ${backMs.toFixed(0)} ms)`;
  });
});

/** All synthetic clients: one connection per account. */
class Crowd implements Disposable {
  readonly #clients: readonly SdsClient[];
  readonly #streams: readonly SdsClientStream[];
  /** Streams that the server ended. */
  lost = 0;
  #open = true;

  constructor(capstan: Capstan) {
    this.#clients = ACCOUNTS.map((account) => new SdsClient(unixTarget(capstan, account)));
    this.#streams = this.#clients.flatMap((client) =>
      Array.from({ length: STREAMS_PER_ACCOUNT }, (_, index) =>
        client.stream(index % 2 === 0 ? 'GRPC' : 'DELTA_GRPC', ['default', 'ROOTCA']),
      ),
    );
    for (const stream of this.#streams) {
      void stream.ended.then(() => {
        if (this.#open) this.lost += 1;
      });
    }
  }

  /** Until it is true of every stream. */
  async holds(condition: (stream: SdsClientStream) => boolean): Promise<void> {
    const patience = { withinMs: PATIENCE_MS, everyMs: 10 };
    await eventually('true of all streams', () => this.#streams.every(condition), patience);
  }

  [Symbol.dispose](): void {
    this.#open = false;
    for (const stream of this.#streams) stream[Symbol.dispose]();
    for (const client of this.#clients) client[Symbol.dispose]();
  }
}

async function startProxies(stack: AsyncDisposableStack, capstan: Capstan): Promise<readonly Envoy[]> {
  const proxies: Envoy[] = [];
  for (let index = 0; index < PROXIES; index += 1) {
    const envoy = stack.use(await startShopProxy(capstan, { apiType: index % 2 === 0 ? 'GRPC' : 'DELTA_GRPC' }));
    proxies.push(await envoy.live());
  }
  return proxies;
}

function anchorsOf(stream: SdsClientStream): string | undefined {
  const secret = stream.latest('ROOTCA');
  return secret && pemOf(secret);
}

function issuedCount(capstan: Capstan): number {
  return capstan.journal(10_000).filter(({ api, outcome }) => api === 'sds' && outcome === 'issued').length;
}

async function unacknowledged(capstan: Capstan): Promise<number> {
  return (await capstan.metric('capstan_sds_pushes_total')) - (await capstan.metric('capstan_sds_acknowledged_total'));
}
