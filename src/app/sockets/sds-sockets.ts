// The Unix sockets of SDS: one per workload, from the configured list and from a watched directory.
// Each socket's path is an identity; this is where the two are tied together. A path that cannot be used costs
// its own workload and nobody else, and is tried again at each look.
import { AuthorityError } from '../../domain/errors.ts';
import { kubernetesIdentity, type KubernetesIdentity } from '../../domain/identity/kubernetes-identity.ts';
import type { TrustDomain } from '../../domain/identity/trust-domain.ts';
import type { SocketIdentities } from '../../adapters/credentials/socket-identities.ts';
import type { Listener } from '../../adapters/grpc/listeners/listener.ts';
import { ReportEachOnce } from '../../live/report-once.ts';
import type { Events } from '../../ports/platform/events.ts';
import { degraded, READY, type HealthState } from '../../ports/platform/health.ts';

export interface WantedSocket {
  readonly path: string;
  /** The folder below which the path names the workload. */
  readonly root?: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly mode: 0o600 | 0o660;
}

export interface WantedSockets {
  /** The earlier of two with one path counts. */
  readonly sockets: readonly WantedSocket[];
  /** Folders that could not be listed: sockets below them stay as they are. */
  readonly unreadable: readonly { readonly path: string; readonly problem: string }[];
}

export interface SocketListener extends Listener {
  /** Whether its path still leads to it, in the folder that it was opened in. */
  inPlace(): boolean;
}

export interface SocketParts {
  readonly events: Pick<Events, 'socketOpened' | 'socketClosed' | 'socketUnusable' | 'unexpected'>;
  readonly open: (socket: WantedSocket) => SocketListener;
  /** Holds whose socket each open one is. */
  readonly identities: SocketIdentities;
}

/** More workloads than one node carries. */
const MAX_SOCKETS = 1_000;
/** A folder that is gone takes its streams with it; they get this long to end. */
const CLOSE_WITHIN_MS = 1_000;

export class SdsSockets {
  readonly #parts: SocketParts;
  readonly #trustDomain: TrustDomain;
  readonly #sockets = new Map<string, SocketListener>();
  /** At most as many as there were sockets; each ends within its own bound. */
  readonly #closing = new Set<Promise<void>>();
  /** What was wrong at the last look, by path. */
  readonly #failures = new ReportEachOnce();
  #stopped = false;

  constructor(parts: SocketParts, settings: { readonly trustDomain: TrustDomain }) {
    this.#parts = parts;
    this.#trustDomain = settings.trustDomain;
  }

  get paths(): readonly string[] {
    return [...this.#sockets.keys()];
  }

  /** Degraded by what was wrong at the last look. */
  health(): HealthState {
    const { problems } = this.#failures;
    const [first] = problems.values();
    if (first === undefined) return READY;
    const more = problems.size - 1;
    return degraded(more === 0 ? first : `${first}, and ${more} more`);
  }

  /**
   * Makes what is open what is wanted: closes what is not wanted any more or not at its path, then opens what
   * is missing. Never throws; calls must not overlap.
   */
  async follow({ sockets, unreadable }: WantedSockets, options: { readonly signal: AbortSignal }): Promise<void> {
    const wanted = new Set(sockets.map(({ path }) => path));
    for (const [path, listener] of this.#sockets) {
      const unknown = unreadable.some((folder) => path.startsWith(`${folder.path}/`));
      if (!listener.inPlace()) this.#close(path, 'its path leads elsewhere');
      else if (!wanted.has(path) && !unknown) this.#close(path, 'it is not wanted any more');
    }
    const problems = new Map(unreadable.map(({ path, problem }) => [path, problem]));
    for (const socket of sockets) {
      if (this.#stopped) return;
      const problem = this.#sockets.has(socket.path) ? undefined : await this.#problemOpening(socket, options);
      if (problem !== undefined) problems.set(socket.path, problem);
    }
    for (const path of this.#failures.look(problems).fresh) {
      this.#parts.events.socketUnusable({ path, problem: problems.get(path) ?? '' });
    }
  }

  stopAccepting(): void {
    this.#stopped = true;
    for (const listener of this.#sockets.values()) listener.stopAccepting();
  }

  async drain({ deadlineMs }: { readonly deadlineMs: number }): Promise<void> {
    this.stopAccepting();
    const open = [...this.#sockets];
    for (const [path] of open) this.#forget(path);
    await Promise.all([...open.map(async ([, listener]) => listener.drain({ deadlineMs })), ...this.#closing]);
  }

  /** @returns why it cannot be opened. */
  async #problemOpening(socket: WantedSocket, options: { readonly signal: AbortSignal }): Promise<string | undefined> {
    const identity = kubernetesIdentity(this.#trustDomain, socket.namespace, socket.serviceAccount);
    if ('problem' in identity) return `the socket ${socket.path} ${identity.problem}`;
    if (this.#sockets.size >= MAX_SOCKETS) return `the socket ${socket.path} is one more than ${MAX_SOCKETS}`;
    const listener = this.#parts.open(socket);
    this.#remember(socket.path, listener, identity);
    try {
      await listener.start(options);
    } catch (error) {
      this.#forget(socket.path);
      if (error instanceof AuthorityError) return error.detail ?? error.message;
      if (!options.signal.aborted) this.#parts.events.unexpected({ where: 'SDS sockets', cause: error });
      return `the socket ${socket.path} cannot be opened`;
    }
    if (this.#stopped) this.#close(socket.path, 'the server is stopping');
    else this.#parts.events.socketOpened({ path: socket.path, identity: identity.spiffeId.uri });
    return undefined;
  }

  /** Lets nobody in from now on; what is open ends beside, so that a successor need not wait. */
  #close(path: string, why: string): void {
    const listener = this.#sockets.get(path);
    this.#forget(path);
    if (listener === undefined) return;
    this.#parts.events.socketClosed({ path, why });
    const closing = listener.drain({ deadlineMs: CLOSE_WITHIN_MS }).finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  #remember(path: string, listener: SocketListener, identity: KubernetesIdentity): void {
    this.#sockets.set(path, listener);
    this.#parts.identities.set(path, identity);
  }

  #forget(path: string): void {
    this.#sockets.delete(path);
    this.#parts.identities.delete(path);
  }
}
