// Capstan's own SDS service behind its own Unix listener, fed by the test instead of by the issuing
// path: the way to see what the service does with secrets that the issuing path would never make.
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { SystemRandom } from '../../../../src/adapters/clock/system-random.ts';
import { SdsService } from '../../../../src/adapters/grpc/sds/service.ts';
import { UnixListener } from '../../../../src/adapters/grpc/listeners/unix/unix-listener.ts';
import { LatestValue } from '../../../../src/live/latest-value.ts';
import type { SvidState, WorkloadSecrets } from '../../../../src/authority/surface/surface.ts';
import { TrustBundle } from '../../../../src/domain/trust/bundle.ts';
import { testCaller } from '../../../support/authority-parts.ts';
import { good, TEST_TRUST_DOMAIN } from '../../../support/certificates.ts';
import { eventually, type Patience } from '../../../support/eventually.ts';
import { recordEvents } from '../../../support/fakes/recorded-events.ts';
import type { TestLeaf } from '../../support/pki.ts';
import { SHOP } from './shop-proxy.ts';

const HOUR_MS = 3_600_000;
const LIMITS = {
  maxStreams: 10,
  maxStreamsPerCaller: 10,
  maxStreamsPerNamespace: 10,
  maxStreamsPerConnection: 10,
  maxConnections: 10,
} as const;
const TIMES = { maxStreamAgeMs: HOUR_MS, deadlineMs: 5_000, acknowledgeWithinMs: 30_000 } as const;

export class HandFedSds implements AsyncDisposable {
  readonly events = recordEvents();
  readonly #svid = new LatestValue<SvidState>();
  readonly #bundle = new LatestValue<TrustBundle>();
  readonly #over = new AbortController();
  readonly #listener: UnixListener;
  readonly #caller = testCaller('default', SHOP);

  private constructor(socketPath: string, { spiffeValidator }: { readonly spiffeValidator: boolean }) {
    const secrets: WorkloadSecrets = {
      authenticate: () => Promise.resolve({ caller: this.#caller, remoteAddress: '', provenAtMs: 0 }),
      watchSvid: (_watchers, options) => this.#svid.watch(options),
      onGone: () => undefined,
      watchBundle: (options) => this.#bundle.watch(options),
    };
    const evidence = { note: () => undefined };
    const parts = { secrets, clock: new SystemClock(), random: new SystemRandom(), events: this.events, evidence };
    const service = new SdsService(parts, { ...LIMITS, ...TIMES, spiffeValidator });
    const settings = { ...LIMITS, path: socketPath, mode: 0o600 } as const;
    this.#listener = new UnixListener({ events: this.events, services: [service.register] }, settings);
    void service.run({ signal: this.#over.signal });
  }

  static async listen(socketPath: string, settings = { spiffeValidator: true }): Promise<HandFedSds> {
    const sds = new HandFedSds(socketPath, settings);
    await sds.#listener.start({ signal: sds.#over.signal });
    return sds;
  }

  /** Offers this certificate from now on, whatever it is worth. */
  offer({ chainPem, keyPem, serial }: TestLeaf): void {
    const identity = this.#caller.identity.spiffeId;
    const svid = {
      identity,
      issuerName: 'default',
      trustAnchor: 'aa'.repeat(32),
      certificateChainPem: chainPem,
      privateKeyPem: keyPem,
      serial,
    };
    this.#svid.set({ kind: 'svid', svid: { ...svid, notBeforeMs: 0, notAfterMs: Date.now() + HOUR_MS } });
  }

  offerAnchors(pem: string): void {
    this.#bundle.set(good(TrustBundle.fromPem(TEST_TRUST_DOMAIN, pem)));
  }

  /** How many responses have carried this name. */
  pushesOf(name: string): number {
    return this.events.of('secretPushed').filter(({ names }) => (names as readonly string[]).includes(name)).length;
  }

  /** Until the service has heard that its proxy rejects something. The proxy counts that before it says it. */
  async rejectedOnce(patience: Patience): Promise<void> {
    await eventually('a NACK', () => this.events.of('secretRejected').length === 1, patience);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#listener.drain({ deadlineMs: 0 });
  }
}
