// Scenario 24, compressed: not a day but CAPSTAN_SOAK_SECONDS (60 unless said otherwise) of lives of ten
// seconds renewed at half. Memory and open files must be flat, and no certificate may come near its end.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Capstan } from '../support/capstan.ts';
import { CURRENT_ENVOY, envoyBinary } from './support/envoy-package.ts';
import { assertInIssueOrder, MeshLoad, startMesh } from './support/mesh.ts';
import { peerOrSkip } from '../support/presence.ts';
import { SHOP } from './support/shop-proxy.ts';

const SOAK_SECONDS = Number(process.env['CAPSTAN_SOAK_SECONDS'] ?? 60);
/** Lives are at least nine seconds and renewal is due after five at the latest. */
const LEAST_REMAINING_SECONDS = 3;
const SAMPLES = 60;
/** A run this short sees garbage collection come and go; a leak of one connection per rotation shows above it. */
const MAX_GROWTH_BYTES = 32 * 1024 ** 2;
const MAX_MORE_FILES = 8;

describe('Soak', function () {
  this.timeout((SOAK_SECONDS + 60) * 1000);
  before(function () {
    peerOrSkip(this, envoyBinary(CURRENT_ENVOY), `envoy ${CURRENT_ENVOY}`);
  });

  it(`stays flat and fresh for ${SOAK_SECONDS} s of ten-second certificates under load`, async function () {
    await using stack = new AsyncDisposableStack();
    const capstan = stack.use(await Capstan.start({ sockets: [SHOP], ttl: '10s', renewAt: 0.5 }));
    // 1. A proxy under steady load.
    const mesh = await startMesh(stack, capstan, 'DELTA_GRPC');
    const load = stack.use(new MeshLoad(mesh.envoy, 0.25));
    // 2. Look again and again: how long the certificate in use still lives, memory and open files.
    const samples: Footprint[] = [];
    for (let index = 0; index < SAMPLES; index += 1) {
      await sleep((SOAK_SECONDS * 1000) / SAMPLES);
      for (const { cert_chain: chain } of await mesh.envoy.certificates()) {
        const remainingMs = Date.parse(chain[0]!.expiration_time) - Date.now();
        assert.ok(remainingMs > LEAST_REMAINING_SECONDS * 1000, `${remainingMs} ms left`);
      }
      samples.push(footprint(capstan.pid));
    }
    // 3. The last third is no larger than the second, give or take.
    const third = SAMPLES / 3;
    const [middle, last] = [samples.slice(third, 2 * third), samples.slice(2 * third)];
    const growthBytes = least(last, ({ bytes }) => bytes) - least(middle, ({ bytes }) => bytes);
    assert.ok(growthBytes < MAX_GROWTH_BYTES, `resident memory grew by ${growthBytes} bytes`);
    assert.ok(least(last, ({ files }) => files) <= least(middle, ({ files }) => files) + MAX_MORE_FILES);
    // 4. Nothing failed, and the certificates came in order.
    const done = await load.assertFlawless();
    assertInIssueOrder(mesh.upstream.clientSerials, capstan);
    assert.ok(mesh.upstream.clientSerials.length >= Math.floor(SOAK_SECONDS / 6));
    const megabytes = (growthBytes / 1024 ** 2).toFixed(1);
    this.test!.title += ` (${done}; ${mesh.upstream.clientSerials.length - 1} rotations; ${megabytes} MiB growth)`;
  });
});

interface Footprint {
  readonly bytes: number;
  readonly files: number;
}

/** Of another process, as Linux tells it. */
function footprint(pid: number): Footprint {
  const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return { bytes: Number(resident![1]) * 1024, files: readdirSync(`/proc/${pid}/fd`).length };
}

/** The least of a stretch: what remains after each collection. */
function least(samples: readonly Footprint[], of: (sample: Footprint) => number): number {
  return Math.min(...samples.map(of));
}
