// The cluster as a watched directory of manifests describes it. An edit is taken as a whole or not at all:
// one broken file leaves the last good snapshot in force, and is told once.
import { hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { AuthorityError } from '../../domain/errors.ts';
import { unsyncedSnapshot, type ClusterSnapshot } from '../../domain/policy/snapshot.ts';
import { positionInWords, type Problem } from '../../domain/position.ts';
import type { ClusterView } from '../../ports/cluster-view.ts';
import type { DocumentSource } from '../../ports/document-source.ts';
import type { Events } from '../../ports/events.ts';
import { snapshotOf } from './manifest-snapshot.ts';
import { joinManifests, readManifestFile } from './read-manifests.ts';
import type { WrittenObjects } from './written-object.ts';

export interface ManifestClusterViewParts {
  /** One document per manifest file. */
  readonly documents: DocumentSource;
  readonly events: Pick<Events, 'reloaded' | 'reloadFailed'>;
}

/** Of one broken edit, in the log. */
const MAX_TOLD = 20;

interface KnownFile {
  readonly digest: string;
  readonly written: WrittenObjects;
}

export class ManifestClusterView implements ClusterView {
  readonly #parts: ManifestClusterViewParts;
  readonly #listeners = new Set<() => void>();
  #snapshot: ClusterSnapshot = unsyncedSnapshot('the manifests of the cluster are not read yet');
  /** By place. Files that an edit leaves alone are not parsed again; as bounded as the documents are. */
  #files: ReadonlyMap<string, KnownFile> | undefined;
  /** What came of those files. */
  #joined: ClusterSnapshot | string = '';
  /** What the last look complained of: the same problems are told once. */
  #problem: string | undefined;

  constructor(parts: ManifestClusterViewParts) {
    this.#parts = parts;
  }

  /** Loads once, then follows changes until the signal aborts. Manifests that are broken leave the view unsynced. */
  async start({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    await this.#reload();
    this.#parts.documents.onChange(async () => this.#reload(), { signal });
  }

  current(): ClusterSnapshot {
    return this.#snapshot;
  }

  onChange(listener: () => void, { signal }: { readonly signal: AbortSignal }): void {
    if (signal.aborted) return;
    this.#listeners.add(listener);
    signal.addEventListener('abort', () => this.#listeners.delete(listener), { once: true });
  }

  async #reload(): Promise<void> {
    const loaded = await this.#load();
    if (typeof loaded === 'string') this.#refuse(loaded);
    else this.#accept(loaded);
  }

  /** @returns what is wrong, in words, when there is no snapshot. */
  async #load(): Promise<ClusterSnapshot | string> {
    const { documents } = this.#parts;
    try {
      const files = new Map<string, KnownFile>();
      for (const [name, text] of await documents.read()) {
        files.set(name, await this.#fileOf(documents.placeOf(name), name, text));
      }
      this.#join(files);
      return this.#joined;
    } catch (error) {
      // Going on is safe: what is in force stays in force, and the next change is looked at again.
      return error instanceof AuthorityError ? error.message : 'unexpected failure';
    }
  }

  /** Parsing takes about a second a megabyte: between two files others get their turn. */
  async #fileOf(place: string, name: string, text: string): Promise<KnownFile> {
    const digest = hash('sha256', text, 'hex');
    const known = this.#files?.get(name);
    if (known?.digest === digest) return known;
    await setImmediate();
    return { digest, written: readManifestFile(text, place) };
  }

  #join(files: ReadonlyMap<string, KnownFile>): void {
    const known = this.#files;
    if (known?.size === files.size && [...files].every(([name, file]) => known.get(name) === file)) return;
    this.#files = files;
    const { objects, problems } = joinManifests([...files.values()].map(({ written }) => written));
    this.#joined = problems.length > 0 ? inWords(problems) : snapshotOf(objects);
  }

  #refuse(problem: string): void {
    if (problem !== this.#problem) this.#parts.events.reloadFailed({ source: 'cluster', problem });
    this.#problem = problem;
  }

  /** A broken edit that is taken back is worth telling; to those who listen nothing has changed. */
  #accept(snapshot: ClusterSnapshot): void {
    const changed = snapshot.version !== this.#snapshot.version;
    const mended = this.#problem !== undefined;
    this.#problem = undefined;
    if (changed) this.#snapshot = snapshot;
    if (changed || mended) this.#parts.events.reloaded({ source: 'cluster', revision: snapshot.version });
    if (changed) for (const listener of this.#listeners) listener();
  }
}

/** An operator mends them in one go. */
function inWords(problems: readonly Problem[]): string {
  const told = problems
    .slice(0, MAX_TOLD)
    .map(({ position, path, problem }) => [positionInWords(position), path, problem].filter(Boolean).join(' '));
  return [...told, ...(problems.length > MAX_TOLD ? [`and ${problems.length - MAX_TOLD} more`] : [])].join('; ');
}
