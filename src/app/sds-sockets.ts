// The Unix sockets of SDS: one per workload, from the configured list and from a watched directory.
// Each socket's path is an identity; this is where the two are tied together.
import { lstat } from 'node:fs/promises';
import { AuthorityError } from '../domain/errors.ts';
import { kubernetesIdentity, type KubernetesIdentity } from '../domain/identity/kubernetes-identity.ts';
import type { TrustDomain } from '../domain/identity/trust-domain.ts';
import type { Listener } from '../adapters/grpc/listener.ts';
import type { Events } from '../ports/events.ts';

export interface WantedSocket {
  readonly path: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly mode: 0o600 | 0o660;
}

interface OpenSocket {
  readonly identity: KubernetesIdentity;
  readonly listener: Listener;
}

export interface SocketParts {
  readonly events: Events;
  readonly open: (socket: WantedSocket) => Listener;
}

/** More workloads than one node carries. */
const MAX_SOCKETS = 1_000;
/** A folder that is gone takes its streams with it; they get this long to end. */
const CLOSE_WITHIN_MS = 1_000;

export class SdsSockets {
  readonly #parts: SocketParts;
  readonly #trustDomain: TrustDomain;
  readonly #sockets = new Map<string, OpenSocket>();
  /** What could not be opened at the last look, and why: the same problem is told once. */
  #problems: ReadonlyMap<string, string> = new Map();

  constructor(parts: SocketParts, settings: { readonly trustDomain: TrustDomain }) {
    this.#parts = parts;
    this.#trustDomain = settings.trustDomain;
  }

  get paths(): readonly string[] {
    return [...this.#sockets.keys()];
  }

  /** Whose socket this is; nothing when the path is none of ours. */
  identityAt(path: string): KubernetesIdentity | undefined {
    return this.#sockets.get(path)?.identity;
  }

  /** @throws AuthorityError CAP-X03 when the socket cannot be opened or names no identity. */
  async open(socket: WantedSocket, options: { readonly signal: AbortSignal }): Promise<void> {
    const identity = kubernetesIdentity(this.#trustDomain, socket.namespace, socket.serviceAccount);
    if ('problem' in identity) {
      throw new AuthorityError('CAP-X03', { detail: `the socket ${socket.path} ${identity.problem}` });
    }
    if (this.#sockets.size >= MAX_SOCKETS) {
      throw new AuthorityError('CAP-X03', { detail: `more than ${MAX_SOCKETS} SDS sockets` });
    }
    const listener = this.#parts.open(socket);
    this.#sockets.set(socket.path, { identity, listener });
    try {
      await listener.start(options);
    } catch (error) {
      this.#sockets.delete(socket.path);
      throw error;
    }
  }

  /**
   * Opens what is wanted and not open, closes what is open below `root` and not wanted any more. A socket
   * whose file went with its folder is opened anew when the folder is back.
   * @param root absolute.
   */
  async follow(
    root: string,
    wanted: readonly WantedSocket[],
    options: { readonly signal: AbortSignal },
  ): Promise<void> {
    const names = new Set(wanted.map((socket) => socket.path));
    const below = this.paths.filter((path) => path.startsWith(`${root}/`));
    await Promise.all(
      below.map(async (path) => {
        if (!names.has(path) || !(await exists(path))) await this.#close(path, CLOSE_WITHIN_MS);
      }),
    );
    const problems = new Map<string, string>();
    for (const socket of wanted) {
      const problem = this.#sockets.has(socket.path) ? undefined : await this.#tryOpen(socket, options);
      if (problem !== undefined) problems.set(socket.path, problem);
    }
    this.#problems = problems;
  }

  stopAccepting(): void {
    for (const { listener } of this.#sockets.values()) listener.stopAccepting();
  }

  async drain({ deadlineMs }: { readonly deadlineMs: number }): Promise<void> {
    await Promise.all(this.paths.map(async (path) => this.#close(path, deadlineMs)));
  }

  /** @returns why it cannot be opened; the log has been told. */
  async #tryOpen(socket: WantedSocket, options: { readonly signal: AbortSignal }): Promise<string | undefined> {
    try {
      await this.open(socket, options);
      this.#parts.events.reloaded({ source: 'sds-sockets', revision: socket.path });
      return undefined;
    } catch (error) {
      const problem = error instanceof AuthorityError ? error.message : 'unexpected failure';
      if (problem !== this.#problems.get(socket.path)) {
        this.#parts.events.reloadFailed({ source: 'sds-sockets', problem });
      }
      return problem;
    }
  }

  async #close(path: string, deadlineMs: number): Promise<void> {
    const socket = this.#sockets.get(path);
    this.#sockets.delete(path);
    await socket?.listener.drain({ deadlineMs });
  }
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
