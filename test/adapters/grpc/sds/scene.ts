// SDS on a Unix socket in front of a scripted authority, and clients of it. Time stands still until a
// test moves it.
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Keepalive } from '../../../../src/adapters/grpc/grpc-server.ts';
import { SdsService, type SdsSettings } from '../../../../src/adapters/grpc/sds/service.ts';
import { UnixListener } from '../../../../src/adapters/grpc/listeners/unix/unix-listener.ts';
import { LatestValue } from '../../../../src/live/latest-value.ts';
import { Listeners } from '../../../../src/live/listeners.ts';
import type {
  GoneCallers,
  SvidState,
  Watcher,
  Watchers,
  WorkloadSecrets,
  WorkloadSvid,
} from '../../../../src/authority/surface/surface.ts';
import { AuthorityError } from '../../../../src/domain/errors.ts';
import type { Caller } from '../../../../src/domain/identity/caller.ts';
import { kubernetesIdentity, type KubernetesIdentity } from '../../../../src/domain/identity/kubernetes-identity.ts';
import { TrustBundle } from '../../../../src/domain/trust/bundle.ts';
import type { PresentedCredentials } from '../../../../src/ports/issuing/authenticator.ts';
import type { ProxyNote } from '../../../../src/ports/storage/evidence.ts';
import { good, TEST_TRUST_DOMAIN, testAuthority, type TestAuthority } from '../../../support/certificates.ts';
import { FakeClock, settle } from '../../../support/fakes/fake-clock.ts';
import { recordEvents } from '../../../support/fakes/recorded-events.ts';
import { NODE, SdsClient } from '../../../support/clients/sds-client.ts';
import { SeededRandom } from '../../../support/fakes/seeded-random.ts';
import { workloadSvid } from '../../../support/workload-svid.ts';

export const DEMO = 'spiffe://cluster.local/ns/default/sa/demo';
export const OTHER = 'spiffe://cluster.local/ns/default/sa/other';

export const SETTINGS: SdsSettings = {
  spiffeValidator: false,
  acknowledgeWithinMs: 30_000,
  maxStreamAgeMs: 30 * 60_000,
  maxStreams: 1000,
  maxStreamsPerCaller: 500,
  maxStreamsPerNamespace: 1000,
  deadlineMs: 5_000,
};

/** Holds what a test puts in; a caller is whom its bearer token names, with its pod after a slash; `demo` without one. */
export class ScriptedSecrets implements WorkloadSecrets {
  readonly bundle = new LatestValue<TrustBundle>();
  readonly presented: PresentedCredentials[] = [];
  /** What it takes to become a caller. */
  authentication: (caller: Caller, signal: AbortSignal) => Promise<Caller> = async (caller) => caller;
  /** How often a certificate was asked for, by identity. */
  readonly watched: string[] = [];
  readonly watches: Watchers[] = [];
  /** Says to who listens that a workload is gone. */
  readonly gone = new Listeners<[GoneCallers]>();
  readonly #svids = new Map<string, LatestValue<SvidState>>();

  svid(uri: string): LatestValue<SvidState> {
    const known = this.#svids.get(uri) ?? new LatestValue<SvidState>();
    this.#svids.set(uri, known);
    return known;
  }

  serve(svid: WorkloadSvid): void {
    this.svid(svid.identity.uri).set({ kind: 'svid', svid });
  }

  makeUnavailable(uri: string, error = new AuthorityError('CAP-P01')): void {
    this.svid(uri).set({ kind: 'unavailable', error });
  }

  onGone(listener: (gone: GoneCallers) => void, options: { readonly signal: AbortSignal }): void {
    this.gone.add(listener, options);
  }

  async authenticate(presented: PresentedCredentials, { signal }: { signal: AbortSignal }): Promise<Watcher> {
    this.presented.push(presented);
    const [name = '', podName] = (presented.authorization[0]?.replace('Bearer ', '') ?? 'demo').split('/');
    const identity = good<KubernetesIdentity>(kubernetesIdentity(TEST_TRUST_DOMAIN, 'default', name));
    const pod = podName === undefined ? {} : { pod: { podName } };
    const caller = await this.authentication(
      { identity, authenticationMethod: 'socket', credentialId: 'test', ...pod },
      signal,
    );
    return { caller, remoteAddress: presented.remoteAddress, provenAtMs: 0 };
  }

  watchSvid(watchers: Watchers, options: { signal: AbortSignal }): AsyncIterable<SvidState> {
    const uri = uriOf(watchers);
    this.watches.push(watchers);
    this.watched.push(uri);
    return this.svid(uri).watch(options);
  }

  watchBundle(options: { signal: AbortSignal }): AsyncIterable<TrustBundle> {
    return this.bundle.watch(options);
  }
}

/** Whose certificate is watched. */
export function uriOf(watchers: Watchers): string {
  return watchers.proven()?.caller.identity.spiffeId.uri ?? 'nobody';
}

export class Scene implements AsyncDisposable {
  readonly clock = new FakeClock(Date.now());
  readonly events = recordEvents();
  readonly secrets = new ScriptedSecrets();
  readonly random = new SeededRandom();
  /** What was noted of proxies, in order. */
  readonly notes: ProxyNote[] = [];
  readonly authority: TestAuthority;
  readonly #directory: string;
  readonly #listener: UnixListener;
  readonly #clients: SdsClient[] = [];
  readonly #end = new AbortController();

  private constructor(
    authority: TestAuthority,
    directory: string,
    settings: Partial<SdsSettings>,
    keepalive: Keepalive | undefined,
  ) {
    this.authority = authority;
    this.#directory = directory;
    const { clock, events, secrets, random } = this;
    const evidence = { note: (note: ProxyNote) => void this.notes.push(note) };
    const service = new SdsService({ clock, events, secrets, random, evidence }, { ...SETTINGS, ...settings });
    this.#listener = new UnixListener(
      { events, services: [service.register] },
      {
        path: this.socketPath,
        mode: 0o600,
        maxConnections: 100,
        maxStreamsPerConnection: 10_000,
        ...(keepalive && { keepalive }),
      },
    );
    void service.run(this.#end);
  }

  static async open(settings: Partial<SdsSettings> = {}, keepalive?: Keepalive): Promise<Scene> {
    const directory = await mkdtemp(path.join(os.tmpdir(), 'sds-'));
    const scene = new Scene(await testAuthority(), directory, settings, keepalive);
    await scene.#listener.start(scene.#end);
    scene.secrets.bundle.set(scene.authority.bundle);
    return scene;
  }

  get socketPath(): string {
    return path.join(this.#directory, 's.sock');
  }

  /** A connection of its own, as `demo` unless named otherwise. */
  client(serviceAccount?: string): SdsClient {
    const options = serviceAccount === undefined ? {} : { token: serviceAccount };
    const client = new SdsClient(`unix:${this.socketPath}`, options);
    this.#clients.push(client);
    return client;
  }

  /** A fresh certificate, served from now on. */
  async renew(uri = DEMO): Promise<WorkloadSvid> {
    const svid = await workloadSvid(this.authority, uri);
    this.secrets.serve(svid);
    return svid;
  }

  /** A bundle with one more anchor, in force from now on. */
  async addAnchor(): Promise<TrustBundle> {
    const { bundle } = await testAuthority();
    const both = good<TrustBundle>(TrustBundle.fromPem(TEST_TRUST_DOMAIN, this.authority.bundle.pem + bundle.pem));
    this.secrets.bundle.set(both);
    return both;
  }

  /**
   * Everything that was on its way has arrived: two calls have gone to the server and back behind it,
   * on the same connection.
   */
  async quiet(client: SdsClient): Promise<void> {
    for (let turn = 0; turn < 2; turn += 1) {
      await client.fetch({ node: NODE, resourceNames: ['ROOTCA'] });
      await settle();
    }
  }

  async drain(deadlineMs = 5_000): Promise<void> {
    await this.#listener.drain({ deadlineMs });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client[Symbol.dispose]();
    await this.drain(0);
    this.#end.abort();
    await rm(this.#directory, { recursive: true, force: true });
  }
}
