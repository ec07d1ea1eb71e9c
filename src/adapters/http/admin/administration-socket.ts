// The Unix socket of administration. All who can open it are operators, so its mode is 0600 from the first
// moment that the file exists. It is a convenience: what keeps it from opening, or removes it, is reported and tried
// again, and the server serves on.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { lstatSync, renameSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import path from 'node:path';
import { every } from '../../../live/every.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import { closeServer, serverOf } from '../observation/server.ts';
import type { AdministrationRoutes } from './administration.ts';

export interface AdministrationSocketParts {
  readonly routes: AdministrationRoutes;
  readonly clock: Pick<Clock, 'sleep'>;
}

/** How soon a socket that is gone from its place is back. */
const LOOK_MS = 1_000;
/** sun_path is 108 bytes with its terminator (unix(7)); libuv would cut a longer one silently. */
const MAX_PATH_BYTES = 107;

export class AdministrationSocket implements AsyncDisposable {
  readonly #parts: AdministrationSocketParts;
  readonly #path: string;
  #server: Server | undefined;
  /** Which file is ours. */
  #inode: bigint | undefined;
  #problem: string | undefined;

  constructor(parts: AdministrationSocketParts, settings: { readonly path: string }) {
    this.#parts = parts;
    this.#path = settings.path;
  }

  /** Why operators cannot reach it, in words; nothing when they can. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Opens it, or says why not in `problem`. Never throws. */
  async open(): Promise<void> {
    const server = serverOf(this.#parts.routes);
    try {
      const ours = await this.#bind(server);
      await this.#close();
      this.#server = server;
      this.#inode = ours;
      this.#problem = undefined;
    } catch (cause) {
      server.close();
      this.#problem = `${this.#path} cannot be opened: ${cause instanceof Error ? cause.message : 'unexpected failure'}`;
    }
  }

  /** Keeps it in its place until the signal aborts. */
  async keep(options: { readonly signal: AbortSignal }): Promise<void> {
    const openIfGone = async (): Promise<void> => {
      if (this.#inode === undefined || inodeAt(this.#path) !== this.#inode) await this.open();
    };
    await every(LOOK_MS, this.#parts.clock, openIfGone, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#inode !== undefined && inodeAt(this.#path) === this.#inode) unlinkSync(this.#path);
    await this.#close();
  }

  async #close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server !== undefined) await closeServer(server);
  }

  /** @returns the inode of the socket in its place. A socket that is there already is of a server that has ended. */
  async #bind(server: Server): Promise<bigint | undefined> {
    // Bound beside its place and moved there: libuv, which unlinks by the name it bound, cannot remove a
    // successor's file when we stop.
    const bound = path.join(path.dirname(this.#path), `.${randomBytes(2).toString('hex')}`);
    if (Math.max(Buffer.byteLength(this.#path), Buffer.byteLength(bound)) > MAX_PATH_BYTES) {
      throw new Error(`its path is longer than ${MAX_PATH_BYTES} bytes`);
    }
    const found = lstatSync(this.#path, { throwIfNoEntry: false });
    if (found !== undefined && !found.isSocket()) throw new Error('another file is in its place');
    // bind(2) happens before `listen` returns, so that no other file is created under this umask here.
    const umask = process.umask(0o177);
    server.listen({ path: bound });
    process.umask(umask);
    await once(server, 'listening');
    renameSync(bound, this.#path);
    return inodeAt(this.#path);
  }
}

function inodeAt(file: string): bigint | undefined {
  return lstatSync(file, { bigint: true, throwIfNoEntry: false })?.ino;
}
