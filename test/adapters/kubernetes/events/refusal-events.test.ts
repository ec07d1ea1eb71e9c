import assert from 'node:assert/strict';
import { RefusalEvents } from '../../../../src/adapters/kubernetes/events/refusal-events.ts';
import { ReportedRefusals } from '../../../../src/adapters/kubernetes/events/refusals-of.ts';
import type { KubernetesObject } from '../../../../src/domain/cluster/snapshot.ts';
import type { RefusedRecord } from '../../../../src/ports/storage/issuance-journal.ts';
import { FakeClock, NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { FakeKubernetesApi } from '../../../support/fakes/kubernetes/fake-kubernetes-api.ts';
import { recordEvents } from '../../../support/fakes/recorded-events.ts';

const REFUSED: RefusedRecord = {
  decisionId: 'd1',
  timeMs: 0,
  api: 'csr',
  remoteAddress: '192.0.2.1:1',
  caller: 'spiffe://cluster.local/ns/shop/sa/web',
  outcome: 'refused',
  reason: 'CAP-P12',
  message: 'CAP-P12 a policy condition is not met: shop/web: publish an Ingress; ask #team-shop',
};
const ALONE = { counted: false };

function started() {
  const api = new FakeKubernetesApi();
  const clock = new FakeClock();
  const events = recordEvents();
  const uidOf = (namespace: string, name: string) => (name === 'gone' ? undefined : `uid of ${namespace}/${name}`);
  const reporter = new RefusalEvents({ api, clock, events }, { instance: 'capstan-0' });
  const refusals = new ReportedRefusals({ reporter, uidOf });
  const end = new AbortController();
  void reporter.run({ signal: end.signal });
  const settle = async (ms: number): Promise<void> => {
    for (let left = ms; left >= 0; left -= 100) {
      for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      await clock.advance(Math.min(100, left));
    }
  };
  const names = () => [...new Set(api.calls.map((call) => call.replace(/^apply events\//, '')))];
  const written = (): KubernetesObject[] =>
    names().flatMap((name) => {
      const [namespace = '', own = ''] = name.split('/');
      const found = api.stored({ apiVersion: 'v1', kind: 'Event' }, { namespace, name: own });
      return found === undefined ? [] : [found];
    });
  return { api, clock, events, refusals, settle, written };
}

describe('Refusals as Events', () => {
  it('are of the service account, with our reason, the contact and the command that explains', async () => {
    const { refusals, settle, written } = started();
    refusals.decided(REFUSED, ALONE);
    await settle(100);
    const [event, another] = written();
    assert.equal(another, undefined);
    assert.deepEqual(
      ['involvedObject', 'reason', 'message', 'type', 'count', 'source'].map((field) => event?.[field]),
      [
        { apiVersion: 'v1', kind: 'ServiceAccount', namespace: 'shop', name: 'web', uid: 'uid of shop/web' },
        'CAP-P12',
        `${REFUSED.message}; capstan policy explain d1`,
        'Warning',
        1,
        { component: 'capstan', host: 'capstan-0' },
      ],
    );
    assert.equal(event?.metadata.namespace, 'shop');
  });

  it('are of the pod too, where the credential names it', async () => {
    const { refusals, settle, written } = started();
    refusals.decided({ ...REFUSED, podName: 'web-1', podUid: 'u1' }, ALONE);
    await settle(300);
    assert.deepEqual(
      written().map((event) => (event['involvedObject'] as { kind: string; uid: string }).kind),
      ['ServiceAccount', 'Pod'],
    );
  });

  it('are written where the caller is, whomever it asked for', async () => {
    const { refusals, settle, written } = started();
    const identity = 'spiffe://cluster.local/ns/payments/sa/api';
    const caller = 'spiffe://cluster.local/ns/istio-system/sa/ztunnel';
    refusals.decided({ ...REFUSED, caller, identity, reason: 'CAP-A07', message: 'CAP-A07 not proven' }, ALONE);
    await settle(100);
    const [event] = written();
    assert.ok(event);
    assert.equal(event.metadata.namespace, 'istio-system');
    assert.equal(event['message'], `CAP-A07 not proven; asked for ${identity}; capstan policy explain d1`);
  });

  it('are one Event for a thousand of a kind', async () => {
    const { api, refusals, settle, written } = started();
    for (let index = 0; index < 1_000; index += 1) refusals.decided({ ...REFUSED, decisionId: `d${index}` }, ALONE);
    await settle(1_000);
    refusals.decided(REFUSED, { counted: true });
    await settle(310_000);
    assert.ok(api.calls.length <= 3, String(api.calls.length));
    const [event, another] = written();
    assert.deepEqual([event?.['count'], another], [1_001, undefined]);
  });

  it('go on when the clock is set back by an hour, in the time that it is then', async () => {
    const { clock, refusals, settle, written } = started();
    refusals.decided(REFUSED, ALONE);
    await settle(100);
    clock.jumpTo(NOON_MS - 3_600_000);
    refusals.decided(REFUSED, ALONE);
    await settle(310_000);
    const [event] = written();
    assert.deepEqual([event?.['count'], event?.['lastTimestamp']], [2, '2026-01-06T11:00:00Z']);
  });

  const silent: readonly [what: string, change: Partial<RefusedRecord>][] = [
    ['the operator alone can mend', { reason: 'CAP-S01' }],
    ['an overload refused', { reason: 'CAP-Q01' }],
    ['is nobody proven', { caller: undefined as unknown as string, reason: 'CAP-A05' }],
    ['is of another cluster, whose accounts are others', { remoteCluster: 'west' }],
    ['is of no service account', { caller: 'spiffe://cluster.local/vm/one' }],
  ];
  for (const [what, change] of silent) {
    it(`are not of what ${what}`, async () => {
      const { api, refusals, settle } = started();
      refusals.decided({ ...REFUSED, ...change }, ALONE);
      await settle(1_000);
      assert.deepEqual(api.calls, []);
    });
  }

  it('are ten a second at most, whoever is refused', async () => {
    const { api, refusals, settle } = started();
    for (let index = 0; index < 100; index += 1) {
      refusals.decided({ ...REFUSED, caller: `spiffe://cluster.local/ns/shop/sa/w${index}` }, ALONE);
    }
    await settle(1_000);
    assert.ok(api.calls.length <= 12, String(api.calls.length));
  });

  it('are dropped and counted where the API server does not take them, and tried ten seconds later', async () => {
    const { api, events, refusals, settle } = started();
    api.goDown();
    refusals.decided(REFUSED, ALONE);
    refusals.decided({ ...REFUSED, caller: 'spiffe://cluster.local/ns/shop/sa/api' }, ALONE);
    await settle(5_000);
    assert.deepEqual([api.calls.length, events.of('refusalNotReported')], [1, [{ why: 'refused' }]]);
    await settle(10_000);
    assert.equal(api.calls.length, 2);
  });

  it('keep no other waiting where the API server does not take one of them', async () => {
    const { api, events, refusals, settle } = started();
    api.fail('apply', 422, 'Invalid');
    refusals.decided(REFUSED, ALONE);
    refusals.decided({ ...REFUSED, caller: 'spiffe://cluster.local/ns/shop/sa/api' }, ALONE);
    await settle(1_000);
    assert.deepEqual([api.calls.length, events.of('refusalNotReported').length], [2, 2]);
  });

  it('wait as long as a busy API server asks', async () => {
    const { api, refusals, settle } = started();
    api.fail('apply', 429, 'TooManyRequests', 30_000);
    refusals.decided(REFUSED, ALONE);
    refusals.decided({ ...REFUSED, caller: 'spiffe://cluster.local/ns/shop/sa/api' }, ALONE);
    await settle(29_000);
    assert.equal(api.calls.length, 1);
    await settle(2_000);
    assert.equal(api.calls.length, 2);
  });

  it('have a name that the API server takes, however long that of the account is', async () => {
    const { refusals, settle, written } = started();
    const name = `${'x'.repeat(235)}-${'y'.repeat(17)}`;
    refusals.decided({ ...REFUSED, caller: `spiffe://cluster.local/ns/shop/sa/${name}` }, ALONE);
    await settle(100);
    const { metadata } = written()[0] as { readonly metadata: { readonly name: string } };
    assert.match(metadata.name, /^x{235}\.[0-9a-f]{16}$/);
  });

  for (const [status, reason] of [
    [422, 'Invalid'],
    [413, 'RequestEntityTooLarge'],
    [500, 'InternalError'],
  ] as const) {
    it(`wait for none of a namespace that has Events refused with ${status}`, async () => {
      const { api, refusals, settle, written } = started();
      api.refuse('events/evil/', status, reason);
      for (let index = 0; index < 50; index += 1) {
        refusals.decided({ ...REFUSED, caller: `spiffe://cluster.local/ns/evil/sa/w${index}` }, ALONE);
      }
      refusals.decided(REFUSED, ALONE);
      await settle(500);
      assert.equal(written().length, 1);
    });
  }

  it('have no more in a message than the API server takes', async () => {
    const { refusals, settle, written } = started();
    refusals.decided({ ...REFUSED, identity: `spiffe://cluster.local/${'x'.repeat(2_000)}` }, ALONE);
    await settle(100);
    const message = String(written()[0]?.['message']);
    assert.ok(message.length <= 1_024);
    assert.match(message, /\.\.\.; capstan policy explain d1$/);
  });

  it('are cut by the bytes of a message, and between characters', async () => {
    const { refusals, settle, written } = started();
    refusals.decided({ ...REFUSED, message: 'ü😀'.repeat(400) }, ALONE);
    await settle(100);
    const message = String(written()[0]?.['message']);
    assert.ok(Buffer.byteLength(message) <= 1_024, String(Buffer.byteLength(message)));
    assert.match(message, /^(ü😀)+ü?\.\.\.; capstan policy explain d1$/u);
  });
});
