// Who is told of an identity on a node where it never was: from the CSR of its pod to the log and the metric.
import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { runCli } from '../../../../src/cli/program.ts';
import { recordTerminal } from '../../../cli/support/recorded-terminal.ts';
import { buildCsr } from '../../../support/certificates.ts';
import { eventually } from '../../../support/eventually.ts';
import { RunningServer } from '../../support/running-server.ts';
import { ServerFiles } from '../../support/server-files.ts';
import { claimsOf, podUidOf } from '../../support/token-mint.ts';

const MINUTE_MS = 60_000;
const SOON = { withinMs: 30_000, everyMs: 500 };

describe('A new pair of identity and node', function () {
  this.timeout(90_000);
  let files: ServerFiles;
  let server: RunningServer;
  let offsetMs: number;
  const clock = new SystemClock({ wallMs: () => Date.now() + offsetMs });

  beforeEach(async () => {
    offsetMs = 0;
    files = await ServerFiles.create();
    server = await RunningServer.start({ files, clock, settings: { 'lifetimes.max': '24h' } });
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  async function issue(serviceAccount: string, pod: string, node: string): Promise<void> {
    using client = server.client();
    const { pem } = await buildCsr({});
    const claims = claimsOf('default', serviceAccount);
    const bound = { pod: { name: pod, uid: podUidOf('default', pod) }, node: { name: node, uid: `uid-${node}` } };
    const token = await files.mint.token(serviceAccount, {
      ...claims,
      'kubernetes.io': { ...(claims['kubernetes.io'] as object), ...bound },
    });
    const { code } = await client.call({ csr: pem, headers: { authorization: `Bearer ${token}` } });
    assert.equal(code, status.OK);
  }
  async function asOf(): Promise<number> {
    const { terminal, out, error } = recordTerminal();
    const options = { terminal, environment: {}, clock, signal: AbortSignal.timeout(30_000) };
    const code = await runCli(['inventory', '--data-dir', files.directory, '--output', 'json'], options);
    assert.equal(code, 0, error());
    return Date.parse((JSON.parse(out()) as { readonly asOf?: string }).asOf ?? '');
  }
  /** What is taken in is looked at before the next is. */
  async function looked(): Promise<void> {
    await eventually('the inventory is kept', async () => !Number.isNaN(await asOf()), SOON);
    for (let steps = 0; steps < 2; steps += 1) {
      const before = await asOf();
      await eventually('it was looked', async () => (await asOf()) > before, SOON);
    }
  }
  const told = (): readonly unknown[] =>
    files.logged('newIdentityNodePair').map(({ podName, nodeName }) => `${String(podName)} on ${String(nodeName)}`);
  async function counted(): Promise<number> {
    const page = await (await server.get('/metrics')).text();
    return Number(/^capstan_anomalies_total\{kind="new_pair"\} (\d+)$/m.exec(page)?.[1]);
  }

  it('is told of once, when both are known, and neither while the mesh is learned nor of a new node or identity', async () => {
    await issue('web', 'web-1', 'node-1');
    await issue('api', 'api-1', 'node-2');
    await issue('web', 'web-2', 'node-4');
    await looked();
    assert.equal(await counted(), 0);
    offsetMs = 2 * MINUTE_MS;
    await looked();
    offsetMs = 33 * MINUTE_MS;
    await issue('web', 'web-3', 'node-3');
    await issue('new', 'new-1', 'node-1');
    await issue('web', 'web-4', 'node-1');
    await looked();
    assert.deepEqual([told(), await counted()], [[], 0]);
    await issue('web', 'web-5', 'node-2');
    await issue('web', 'web-6', 'node-2');
    await looked();
    assert.deepEqual([told(), await counted()], [['web-5 on node-2'], 1]);
    const [line] = files.logged('newIdentityNodePair');
    assert.equal(line?.['identity'], 'spiffe://cluster.local/ns/default/sa/web');
    assert.equal(line['podUid'], podUidOf('default', 'web-5'));
  });
});
