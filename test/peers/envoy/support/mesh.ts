// What rotation scenarios share: a proxy with a fresh-connection route and a route to an upstream that
// records its callers, a load over all of it, and a visitor that watches the certificates change.
import assert from 'node:assert/strict';
import {
  addPeerCluster,
  addRoute,
  type ApiType,
  type BootstrapName,
  FRESH_CONNECTIONS,
  leadingTo,
  lengthenTimeouts,
  shortenBackOff,
} from './bootstrap.ts';
import type { Capstan } from '../../support/capstan.ts';
import type { Envoy } from './envoy.ts';
import { eventually } from '../../../support/eventually.ts';
import { Load, type Manner, type Tally } from '../../support/load.ts';
import { startShopProxy } from './shop-proxy.ts';
import { RecordingUpstream, type SnapshotReader, visit, type Visitor } from '../../support/tls-visit.ts';

const MANNERS: readonly Manner[] = ['h1-kept', 'h1-fresh', 'h2-kept', 'h2-fresh'];

export interface Mesh {
  readonly envoy: Envoy;
  readonly upstream: RecordingUpstream;
  readonly visitor: Required<Visitor>;
}

/** A live proxy: `/` over kept mTLS connections, `/fresh` over new ones, `/recorded` to the upstream over new ones. */
export async function startMesh(
  stack: AsyncDisposableStack,
  capstan: Capstan,
  apiType: ApiType,
  bootstrap: BootstrapName = 'sds-unix-socket',
): Promise<Mesh> {
  const visitor = await capstan.visitor();
  const upstream = stack.use(await RecordingUpstream.listen(visitor));
  const envoy = stack.use(
    await startShopProxy(capstan, {
      apiType,
      bootstrap,
      amend: (document) => {
        shortenBackOff(document);
        lengthenTimeouts(document);
        addPeerCluster(document, 'fresh', FRESH_CONNECTIONS);
        addPeerCluster(document, 'recorded', { ...FRESH_CONNECTIONS, ...leadingTo('recorded', upstream.port) });
        addRoute(document, '/fresh', 'fresh');
        addRoute(document, '/recorded', 'recorded');
      },
    }),
  );
  await envoy.live();
  return { envoy, upstream, visitor };
}

/** Three loads through the plain port; `scale` 1 is about 2,000 requests a second, where the machine can. */
export class MeshLoad implements AsyncDisposable {
  readonly #loads: readonly Load[];

  constructor({ plainPort: port }: Envoy, scale = 1) {
    this.#loads = [
      new Load({ port, requestsPerSecond: 1_650 * scale, manners: [...MANNERS, ...MANNERS] }),
      new Load({ port, path: '/fresh', requestsPerSecond: 300 * scale, manners: MANNERS }),
      new Load({ port, path: '/recorded', requestsPerSecond: 50 * scale, manners: ['h1-kept'] }),
    ];
  }

  /** @throws AssertionError naming the first failures, if there was one. @returns what was done, in words. */
  async assertFlawless(): Promise<string> {
    const tallies = await Promise.all(this.#loads.map(async (load) => load.stop()));
    const failures = sum(tallies, ({ failures: count }) => count);
    assert.equal(failures, 0, tallies.flatMap(({ descriptions }) => descriptions).join('\n'));
    const attempts = sum(tallies, ({ attempts: count }) => count);
    const seconds = tallies[0]!.seconds;
    return `${attempts} requests in ${seconds.toFixed(0)} s, none failed`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#loads.map(async (load) => load.stop()));
  }
}

/**
 * Opens fresh connections until `count` different certificates were seen.
 * @returns the serials, each change once, in the order seen.
 */
export async function watchSerials(
  { envoy, visitor }: Mesh,
  count: number,
  options: { readonly withinMs: number },
): Promise<readonly string[]> {
  const serials: string[] = [];
  const look = async (): Promise<boolean> => {
    const { serial, status } = await visit(envoy.mtlsPort, visitor);
    assert.equal(status, 200);
    if (serials.at(-1) !== serial) serials.push(serial);
    return serials.length >= count;
  };
  await eventually(`${count} different certificates`, look, { ...options, everyMs: 50 });
  return serials;
}

/** Until a fresh connection shows what is asked for. */
export async function eventuallySees(
  { envoy, visitor }: Pick<Mesh, 'envoy' | 'visitor'>,
  what: string,
  expected: (sight: SnapshotReader) => boolean,
  options: { readonly withinMs: number },
): Promise<SnapshotReader> {
  return eventually(
    what,
    async () => {
      const sight = await visit(envoy.mtlsPort, visitor);
      return expected(sight) && sight;
    },
    options,
  );
}

/** Every serial was issued, and none appears before one that was issued earlier. */
export function assertInIssueOrder(serials: readonly string[], capstan: Capstan): void {
  const issued = capstan.journal(10_000).flatMap((record) => (record.outcome === 'issued' ? [record.serial] : []));
  const order = issued.map((serial) => serial.toUpperCase()).toReversed();
  const places = serials.map((serial) => order.indexOf(serial));
  assert.ok(!places.includes(-1), 'a certificate was served that is not in the journal');
  assert.deepEqual(
    places,
    [...new Set(places)].toSorted((a, b) => a - b),
    'an older certificate came after a newer',
  );
}

function sum(tallies: readonly Tally[], count: (tally: Tally) => number): number {
  return tallies.reduce((total, tally) => total + count(tally), 0);
}
