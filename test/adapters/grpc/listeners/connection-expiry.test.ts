import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type ClientHttp2Session } from 'node:http2';
import { status } from '@grpc/grpc-js';
import { EXPIRY_SWEEP_MS } from '../../../../src/adapters/grpc/listeners/connection-expiry.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';
import { leafUnder, type TestLeaf } from '../leaves.ts';
import { CHAIN, CsrWire, openTlsEdge, type TlsEdge } from '../wire.ts';

const ID = 'spiffe://cluster.local/ns/shop/sa/api';
const HOUR_MS = 3_600_000;

describe('A connection that was opened with a client certificate', () => {
  let clock: FakeClock;
  let edge: TlsEdge;
  let leaf: TestLeaf;
  beforeEach(async () => {
    clock = new FakeClock(Date.now());
    edge = await openTlsEdge({ clock });
    leaf = await leafUnder(edge.pki.intermediate, { uris: [ID] });
  });
  afterEach(async () => edge[Symbol.asyncDispose]());

  const peers = (): readonly string[] => edge.authority.presented.map(({ remoteAddress }) => remoteAddress);

  it('stays until shortly before the certificate ends, and makes way for another without a refusal', async () => {
    using wire = CsrWire.toTls(edge, leaf);
    assert.equal((await wire.call()).code, status.OK);
    await clock.advance(leaf.notAfterMs - 31_000 - clock.nowMs());
    assert.equal((await wire.call()).code, status.OK);
    const [first, second] = peers();
    assert.equal(first, second, 'it is one connection');
    await clock.advance(2_000);
    assert.equal((await wire.call()).code, status.OK);
    assert.notEqual(peers().at(-1), first, 'it is another connection');
  });

  it('lets a call in flight end as it would', async () => {
    let answer = (): void => undefined;
    edge.authority.answer = async () => {
      await new Promise<void>((resolve) => (answer = resolve));
      return CHAIN;
    };
    using wire = CsrWire.toTls(edge, leaf);
    const call = wire.call();
    while (edge.authority.presented.length === 0) await new Promise(setImmediate);
    await clock.advance(leaf.notAfterMs - 29_000 - clock.nowMs());
    answer();
    assert.equal((await call).code, status.OK);
  });

  it('loses no call of many that are made while it goes', async () => {
    // What had not left the client when it heard is begun anew by every gRPC client ("transparent retry").
    using wire = CsrWire.toTls(edge, leaf, { 'grpc.enable_retries': 1 });
    await wire.call();
    await clock.advance(leaf.notAfterMs - 30_001 - clock.nowMs());
    const codes: status[] = [];
    const callOn = async (): Promise<void> => {
      for (let call = 0; call < 20; call += 1) codes.push((await wire.call()).code);
    };
    const calling = Array.from({ length: 10 }, callOn);
    while (codes.length < 50) await new Promise(setImmediate);
    await clock.advance(EXPIRY_SWEEP_MS);
    await Promise.all(calling);
    assert.deepEqual([...new Set(codes)], [status.OK]);
    assert.equal(new Set(peers()).size, 2, 'it changed connections on the way');
  });

  it('has half of what a short-lived certificate has left', async () => {
    leaf = await leafUnder(edge.pki.intermediate, { uris: [ID], notAfterMs: clock.nowMs() + 20_000 });
    const session = await open();
    let gone = false;
    session.on('goaway', () => (gone = true));
    await clock.advance((leaf.notAfterMs - clock.nowMs()) / 2 - 2 * EXPIRY_SWEEP_MS);
    await turns();
    assert.equal(gone, false);
    const goaway = once(session, 'goaway');
    await clock.advance(3 * EXPIRY_SWEEP_MS);
    const [code] = (await goaway) as [number];
    assert.equal(code, 0, 'NO_ERROR');
    session.destroy();
  });

  it('goes at once when the clock is set beyond the end of the certificate', async () => {
    const session = await open();
    clock.jumpTo(leaf.notAfterMs + 25 * HOUR_MS);
    const goaway = once(session, 'goaway');
    await clock.advance(EXPIRY_SWEEP_MS);
    await goaway;
    session.destroy();
  });

  it('on which nothing was ever asked is closed', async () => {
    const session = connectSession();
    await once(session, 'remoteSettings');
    const closed = once(session, 'close');
    await clock.advance(leaf.notAfterMs - 29_000 - clock.nowMs());
    await closed;
  });

  it('without a certificate stays', async () => {
    using wire = CsrWire.toTls(edge);
    await wire.call();
    await clock.advance(3 * HOUR_MS);
    await wire.call();
    const [first, second] = peers();
    assert.equal(first, second);
  });

  function connectSession(): ClientHttp2Session {
    const { chainPem: cert, keyPem: key } = leaf;
    const ca = edge.pki.bundle.pem;
    const session = connect(`https://127.0.0.1:${edge.port}`, { ca, cert, key, servername: 'localhost' });
    session.on('error', () => undefined);
    return session;
  }

  async function open(): Promise<ClientHttp2Session> {
    const session = connectSession();
    await once(session, 'remoteSettings');
    const stream = session.request({ ':method': 'POST', ':path': '/nothing', 'content-type': 'application/grpc' });
    stream.resume().end();
    await once(stream, 'close');
    return session;
  }
});

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
}
