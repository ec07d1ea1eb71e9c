import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import type { Caller } from '../../../../src/domain/identity/caller.ts';
import { testCaller } from '../../../support/authority-parts.ts';
import { eventually } from '../../../support/eventually.ts';
import { CHAIN, CsrWire, openTlsEdge, type TlsEdge } from '../wire.ts';

/** One of the account of all ztunnels, on a node of its own. */
function ztunnel(podUid: string): Caller {
  return { ...testCaller('istio-system', 'ztunnel'), pod: { podName: podUid, podUid, nodeName: podUid } };
}

describe('Requests of node proxies', () => {
  let edge: TlsEdge;
  afterEach(async () => edge[Symbol.asyncDispose]());

  /** The second caller's answer while one of the first one's requests takes as long as it likes. */
  async function besides(first: Caller, second: Caller, nodeProxies: readonly string[]): Promise<status> {
    edge = await openTlsEdge({ csr: { maxInFlightEach: 1 }, tls: { nodeProxies: new Set(nodeProxies) } });
    const { authority } = edge;
    using busy = CsrWire.toTls(edge);
    using other = CsrWire.toTls(edge);
    for (const [wire, caller] of [
      [busy, first],
      [other, second],
    ] as const) {
      authority.caller = caller;
      await wire.call();
    }
    const { promise, resolve } = Promise.withResolvers<undefined>();
    authority.answer = async () => promise.then(() => CHAIN);
    const held = busy.call();
    await eventually('it is under way', () => authority.orders.length === 3, { withinMs: 30_000 });
    authority.answer = async () => CHAIN;
    const { code } = await other.call();
    resolve(undefined);
    await held;
    return code;
  }

  it('count for each by itself, for each asks for the namespaces of its node', async () => {
    assert.equal(await besides(ztunnel('a'), ztunnel('b'), ['istio-system/ztunnel']), status.OK);
  });

  it('count for their namespace where their account is not trusted', async () => {
    assert.equal(await besides(ztunnel('a'), ztunnel('b'), []), status.RESOURCE_EXHAUSTED);
  });

  it('of one proxy are its own, whatever connection it uses', async () => {
    assert.equal(await besides(ztunnel('a'), ztunnel('a'), ['istio-system/ztunnel']), status.RESOURCE_EXHAUSTED);
  });
});
