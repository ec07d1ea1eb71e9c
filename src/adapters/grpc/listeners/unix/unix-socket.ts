// The file of a Unix socket, whose path is the identity of all who may open it. Its mode decides who may, so it is right
// from the first moment the file exists.
import { randomBytes } from 'node:crypto';
import { unlinkSync } from 'node:fs';
import { lstat, rename } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import path from 'node:path';
import { AuthorityError } from '../../../../domain/errors.ts';
import { codeOf } from '../../../../domain/text/system-error.ts';
import { cannotListen, listen, stopListening } from '../listener.ts';
import { isInPlace, socketPlace, type SocketPlace } from './socket-place.ts';

export interface UnixSocketSettings {
  readonly path: string;
  /** The folder below which the path names the workload; none of the folders in between may be a link. */
  readonly root?: string;
  /** 0600 for one user, 0660 where a group shares the socket. */
  readonly mode: 0o600 | 0o660;
}

/** sun_path is 108 bytes with its terminator (unix(7)); libuv would cut a longer one silently. */
const MAX_PATH_BYTES = 107;
/** A living server answers a connect at once; a full backlog is a living server too. */
const PROBE_MS = 1_000;

export class UnixSocket {
  readonly #settings: UnixSocketSettings;
  readonly #server: Server;
  /** Where we are: a newer process may put its own socket there, and a folder may be moved with ours in it. */
  #place: SocketPlace | undefined;

  /** @param server listens nowhere yet. */
  constructor(server: Server, settings: UnixSocketSettings) {
    this.#server = server;
    this.#settings = settings;
  }

  /** Where it was opened; nothing before. */
  get place(): SocketPlace | undefined {
    return this.#place;
  }

  /** As Listener.start. */
  async start({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { path: target, mode } = this.#settings;
    const named = `the socket ${target}`;
    // Bound beside its place and moved there: a stale socket is replaced without a gap, and libuv, which
    // unlinks by the name it bound, cannot remove a successor's file when we stop.
    const bound = path.join(path.dirname(target), `.${randomBytes(2).toString('hex')}`);
    if (Math.max(Buffer.byteLength(target), Buffer.byteLength(bound)) > MAX_PATH_BYTES) {
      throw new AuthorityError('CAP-X03', { detail: `${named} has a path longer than ${MAX_PATH_BYTES} bytes` });
    }
    await demandFree(target, named);
    // bind(2) happens before `listen` first waits, so that no other file is created under this umask here.
    const umask = process.umask(0o777 & ~mode);
    const listening = listen(this.#server, { path: bound }, { named, signal });
    process.umask(umask);
    await listening;
    try {
      const ours = socketPlace(bound)?.socket;
      await rename(bound, target);
      const place = socketPlace(target, this.#settings.root);
      if (place === undefined || place.socket !== ours) throw new Error('moved');
      this.#place = place;
    } catch (cause) {
      this.#server.close();
      throw cannotListen(named, cause);
    }
  }

  /** Whether the path still leads to this socket, in the very folder that it was opened in. */
  inPlace(): boolean {
    return this.#place !== undefined && isInPlace(this.#settings, this.#place);
  }

  /** Open connections stay. May be called twice. */
  stopAccepting(): void {
    stopListening(this.#server);
  }

  /** Without a wait between check and removal: a successor in this process may be opening in the same place. */
  removeFile(): void {
    const { path: target } = this.#settings;
    if (this.#place === undefined || socketPlace(target)?.socket !== this.#place.socket) return;
    try {
      unlinkSync(target);
    } catch {
      // A file that stays is dead; the next start replaces it.
    }
  }
}

/** @throws AuthorityError CAP-X03 unless the path is free or holds a socket that nobody answers. */
async function demandFree(target: string, named: string): Promise<void> {
  // Asked by itself, because bind reports a missing directory as a lack of permission.
  await lstat(path.dirname(target)).catch((error: unknown) => {
    throw cannotListen(named, error);
  });
  const found = await lstat(target).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw cannotListen(named, error);
  });
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new AuthorityError('CAP-X03', { detail: `${named} is in the place of a file that is not a socket` });
  }
  if (await answers(target)) throw cannotListen(named, Object.assign(new Error(), { code: 'EADDRINUSE' }));
}

const NOBODY_LISTENS = ['ECONNREFUSED', 'ENOENT'];

async function answers(target: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(target);
    const end = (answer: boolean): void => {
      probe.destroy();
      resolve(answer);
    };
    probe.setTimeout(PROBE_MS, () => end(true));
    probe.once('connect', () => end(true));
    // Only a refusal proves that nobody listens; what we may not even ask is not ours to replace.
    probe.once('error', (error) => end(!NOBODY_LISTENS.includes(codeOf(error) ?? '')));
  });
}
