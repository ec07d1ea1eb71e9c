// The rotation of a trust anchor between two real Envoys a phase apart, with Istio's agent beside them where it is built, under
// five hundred requests a second, each over a connection of its own.
import { RotatingMesh } from '../peers/envoy/support/rotating-mesh.ts';
import { findProgram } from '../peers/programs/programs.ts';
import type { Soak } from './soak.ts';

/** Of both directions together. */
const REQUESTS_PER_SECOND = 500;

export const anchors: Soak = {
  name: 'anchors',
  seconds: 120,
  run: async ({ seconds, say }) => {
    await using stack = new AsyncDisposableStack();
    const agent = findProgram('pilot-agent');
    const settings = { requestsPerSecond: REQUESTS_PER_SECOND / 2, ...(agent !== undefined && { agent }) };
    const mesh = await RotatingMesh.open(stack, settings);
    const startMs = performance.now();
    const load = mesh.load(stack);
    await mesh.rotate();
    say(`rotated after ${((performance.now() - startMs) / 1_000).toFixed(1)} s`);
    await load.until(startMs + seconds * 1_000);
    const { attempts, failures } = await load.end();
    await mesh.assertOnNewAnchor();
    return [
      { name: 'requests', value: attempts, unit: '' },
      { name: 'rate', value: (attempts * 1_000) / (performance.now() - startMs), unit: '/s' },
      { name: 'failed', value: failures, unit: 'requests', bound: 0 },
    ];
  },
};
