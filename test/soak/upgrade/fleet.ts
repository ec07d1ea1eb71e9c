// The servers of a CA, one or two, each of which can be replaced at its place by another version: the same ports, files and
// store. Replaced as an operator does, by SIGTERM and a start, one after the other.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ServerFiles } from '../../app/support/server-files.ts';
import { eventually, freePort } from '../../support/eventually.ts';
import { Replica, type ReplicaPorts } from '../replicas/replica.ts';
import type { Settings, Version } from './versions.ts';

const MAX_LISTED = 100_000;
const MAX_OUTPUT_BYTES = 512 * 1024 * 1024;

/** As `capstan journal list --output json` has them. */
export interface ListedRecord {
  readonly time: string;
  readonly serial: string;
  readonly policy?: { readonly bundle: string };
}

interface Place {
  readonly name: string;
  readonly ports: ReplicaPorts;
  server: Replica | undefined;
}

export class Fleet implements AsyncDisposable {
  readonly #files: ServerFiles;
  readonly #settings: Settings;
  readonly #places: readonly Place[];
  /** Exit codes of servers that were stopped, other than 0. */
  readonly badEnds: (number | null)[] = [];
  /** Nothing answers at a place from when a server is told to stop until its successor is ready. */
  readonly stopsMs: number[] = [];
  readonly startsMs: number[] = [];

  private constructor(files: ServerFiles, settings: Settings, places: readonly Place[]) {
    this.#files = files;
    this.#settings = settings;
    this.#places = places;
  }

  static async start(files: ServerFiles, settings: Settings, size: number, version: Version): Promise<Fleet> {
    const places: Place[] = [];
    for (let number = 1; number <= size; number += 1) {
      places.push({ name: `server-${number}`, ports: [await freePort(), await freePort()], server: undefined });
    }
    const fleet = new Fleet(files, settings, places);
    try {
      for (const place of places) await fleet.#start(place, version);
      return fleet;
    } catch (error) {
      await fleet[Symbol.asyncDispose]();
      throw error;
    }
  }

  get ports(): readonly number[] {
    return this.#places.map(({ ports: [tls] }) => tls);
  }

  /** One after the other. @param between is waited for after each but the last. */
  async replace(version: Version, between: () => Promise<unknown>): Promise<void> {
    for (const [index, place] of this.#places.entries()) {
      if (index > 0) await between();
      await this.#stop(place);
      await this.#start(place, version);
    }
  }

  /** What a server that cannot start says; the others are left as they are, and `version` takes its place again. */
  async refused(by: Version, version: Version): Promise<string> {
    const place = this.#places[0]!;
    await this.#stop(place);
    const said = await this.#start(place, by).then(
      () => 'it started',
      (error: unknown) => String(error),
    );
    await place.server?.stop();
    await this.#start(place, version);
    return said;
  }

  /** Certificates, by the command of that version. */
  async listed(version: Version): Promise<readonly ListedRecord[]> {
    const config = this.#files.path(`${this.#places[0]!.name}.json`);
    const what = ['--issued', '--limit', String(MAX_LISTED), '--output', 'json'];
    const args = [version.main, 'journal', 'list', '--config', config, ...what];
    const { stdout } = await promisify(execFile)(process.execPath, args, { env: {}, maxBuffer: MAX_OUTPUT_BYTES });
    return JSON.parse(stdout) as readonly ListedRecord[];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#places.map(async ({ server }) => server?.stop()));
  }

  async #start(place: Place, version: Version): Promise<void> {
    const { name, ports } = place;
    const sinceMs = performance.now();
    place.server = await Replica.start(this.#files, { name, ports, settings: this.#settings, version });
    this.startsMs.push(performance.now() - sinceMs);
    // It is ready when its first worker is, and a worker that fails while it starts still ends it.
    await eventually('all workers serve', async () => !(await readiness(ports)).includes('worker '), {
      withinMs: 60_000,
    });
  }

  async #stop(place: Place): Promise<void> {
    const sinceMs = performance.now();
    const code = await place.server?.stop();
    this.stopsMs.push(performance.now() - sinceMs);
    place.server = undefined;
    if (code !== 0 && code !== undefined) this.badEnds.push(code);
  }
}

/** What `/readyz` says. */
async function readiness([, http]: ReplicaPorts): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${http}/readyz`, { signal: AbortSignal.timeout(30_000) });
  return answer.text();
}
