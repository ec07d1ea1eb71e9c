// Scenarios 2, 3 and 24: certificates rotate under load without one failed request, connections that are open live on, and the
// server's memory and files stay flat. Lives are ten seconds and are renewed after a tenth of that, less jitter: about one
// rotation a second. The soak of scenario 24 is the first round, over CAPSTAN_SOAK_SECONDS instead of a day.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { ApiType } from './support/bootstrap.ts';
import { Capstan } from '../support/capstan.ts';
import { CURRENT_ENVOY, envoyBinary } from './support/envoy-package.ts';
import { assertFlat, footprintsOf } from './support/footprints.ts';
import { assertInIssueOrder, MeshLoad, startMesh, watchSerials } from './support/mesh.ts';
import { eventually } from '../../support/eventually.ts';
import { peerOrSkip } from '../support/presence.ts';
import { SHOP } from './support/shop-proxy.ts';
import type { Visitor } from '../support/tls-visit.ts';

const FAST_ROTATION = { sockets: [SHOP], ttl: '10s', renewAt: 0.1 } as const;
const SOAK_SECONDS = Number(process.env['CAPSTAN_SOAK_SECONDS'] ?? 100);
const ROUNDS: readonly (readonly [ApiType, number])[] = [
  ['GRPC', SOAK_SECONDS],
  ['DELTA_GRPC', 25],
];

describe('Rotation under load', function () {
  this.timeout((3 * SOAK_SECONDS + 60) * 1_000);
  before(function () {
    peerOrSkip(this, envoyBinary(CURRENT_ENVOY), `envoy ${CURRENT_ENVOY}`);
  });

  for (const [apiType, rotations] of ROUNDS) {
    it(`loses no request and stays flat in ${rotations} rotations and more, about one a second, over ${apiType}`, async function () {
      await using stack = new AsyncDisposableStack();
      const capstan = stack.use(await Capstan.start(FAST_ROTATION));
      // 1. A live Envoy that also calls an upstream of ours, which records the client's serials.
      const mesh = await startMesh(stack, capstan, apiType);
      // 2. Load over kept and fresh connections of both protocols, and kept and fresh mTLS between.
      const load = stack.use(new MeshLoad(mesh.envoy));
      // 3. An independent client opens fresh connections until it has seen enough certificates.
      const over = new AbortController();
      const watched = async (): Promise<readonly string[]> => {
        const serials = await watchSerials(mesh, rotations + 1, { withinMs: rotations * 3_000 });
        // The upstream may have missed one that the client saw: it is called less often.
        const enough = (): boolean => mesh.upstream.clientSerials.length >= rotations;
        await eventually('as many client certificates', enough, { withinMs: 60_000 });
        return serials;
      };
      const [seen, footprints] = await Promise.all([
        watched().finally(() => over.abort()),
        footprintsOf(capstan, mesh.envoy, over),
      ]);
      // 4. Every attempt was counted, and none failed.
      const done = await load.assertFlawless();
      assert.equal(await mesh.envoy.sum(/ssl\.(connection_error|fail_verify_.*)$/), 0);
      // 5. Both sides of Envoy took each certificate: two updates at the start, then one per rotation.
      for (const side of [/^listener\..*ssl_context_update_by_sds$/, /^cluster\.peers\..*ssl_context_update_by_sds$/]) {
        assert.ok((await mesh.envoy.sum(side)) >= rotations + 2);
      }
      // 6. Server and client certificates appear in the order of issue, never an older one after a newer.
      assertInIssueOrder(seen, capstan);
      assertInIssueOrder(mesh.upstream.clientSerials, capstan);
      // 7. Nothing is left behind by them.
      this.test!.title += ` (${seen.length - 1} rotations seen; ${done}; ${assertFlat(footprints)})`;
    });
  }

  it('keeps an open HTTP/2 connection on its certificate while fresh ones get the next', async () => {
    await using stack = new AsyncDisposableStack();
    const capstan = stack.use(await Capstan.start(FAST_ROTATION));
    const mesh = await startMesh(stack, capstan, 'GRPC');
    // 1. A long-lived connection.
    using session = new LongSession(mesh.envoy.mtlsPort, mesh.visitor);
    const first = await session.get();
    assert.equal(first.status, 200);
    // 2. The certificate rotates at least twice for fresh connections.
    const seen = await watchSerials(mesh, 3, { withinMs: 60_000 });
    // 3. The old connection still works, on the certificate it was opened with.
    assert.deepEqual(await session.get(), first);
    assert.notEqual(seen.at(-1), first.serial);
  });
});

/** One HTTP/2 connection by mTLS for many requests. */
class LongSession implements Disposable {
  readonly #session: ClientHttp2Session;

  constructor(port: number, { identity, anchorsPem }: Required<Visitor>) {
    this.#session = connect(`https://127.0.0.1:${port}`, {
      cert: identity.chainPem,
      key: identity.keyPem,
      ca: anchorsPem,
      checkServerIdentity: () => undefined, // mesh names are URIs
    });
  }

  async get(): Promise<{ readonly status: number; readonly serial: string }> {
    const stream = this.#session.request({ ':path': '/' }, { signal: AbortSignal.timeout(30_000) });
    const [headers] = (await once(stream, 'response')) as [{ readonly ':status'?: number }];
    stream.resume();
    await once(stream, 'end');
    const { serialNumber } = (this.#session.socket as TLSSocket).getPeerCertificate();
    return { status: headers[':status'] ?? 0, serial: serialNumber };
  }

  [Symbol.dispose](): void {
    this.#session.destroy();
  }
}
