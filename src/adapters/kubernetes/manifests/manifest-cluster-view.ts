// The cluster as a watched directory of manifests describes it. A file is taken as a whole or not at all, and hides
// only itself: while the server runs, what it said when it was last good stays. Where there is no such state the
// view is incomplete, and says so: what is not found in it may be there, so that nothing follows from its absence. It
// imports much because reading, keeping and reporting of manifests meet here.
import { hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { AuthorityError } from '../../../domain/errors.ts';
import type { ClusterChange } from '../../../domain/cluster/cluster-change.ts';
import { unsyncedSnapshot, type ClusterSnapshot } from '../../../domain/cluster/snapshot.ts';
import { formatPosition, type Problem } from '../../../domain/text/position.ts';
import { LastGood } from '../../../live/last-good.ts';
import { Listeners } from '../../../live/listeners.ts';
import type { ClusterView } from '../../../ports/policy/cluster-view.ts';
import type { DocumentSource } from '../../../ports/platform/document-source.ts';
import type { Events } from '../../../ports/platform/events.ts';
import type { ManifestTexts } from './manifest-directory.ts';
import { snapshotting } from './manifest-snapshot.ts';
import { ManifestThread } from './manifest-thread.ts';
import { joining, readManifestFile, withoutTemplates } from './read-manifests.ts';
import { inTurns } from './slices.ts';
import type { WrittenObject, WrittenObjects } from './written-object.ts';

export interface ManifestClusterViewParts {
  /** One document per manifest file. */
  readonly documents: DocumentSource<ManifestTexts>;
  readonly events: Pick<Events, 'reloaded' | 'reloadFailed'>;
}

/** What is in the view, for who starts a server. */
export interface ManifestCounts {
  readonly objects: number;
  readonly files: number;
  /** Files of tools, and templates. */
  readonly passedOver: number;
}

/** Characters of one reading that are parsed on the event loop: about a tenth of a second, in turns. */
const READ_HERE = 128 * 1024;
/** Of one broken edit, in the log. */
const MAX_REPORTED = 20;
/** In what a caller reads. */
const MAX_NAMED = 3;

interface KnownFile {
  readonly digest: string;
  readonly written: WrittenObjects;
}

export class ManifestClusterView implements ClusterView {
  readonly #parts: ManifestClusterViewParts;
  readonly #listeners = new Listeners<[ClusterChange]>();
  readonly #inForce: LastGood<ClusterSnapshot>;
  /** By place. Files that an edit leaves alone are not parsed again; as bounded as the documents are. */
  #files: ReadonlyMap<string, KnownFile> = new Map();
  /** Without the templates of charts. */
  #rendered: ReadonlyMap<string, WrittenObjects> = new Map();
  /** What each file said when it was last good, by name. */
  #good: ReadonlyMap<string, readonly WrittenObject[]> = new Map();
  #counts: ManifestCounts = { objects: 0, files: 0, passedOver: 0 };

  constructor(parts: ManifestClusterViewParts) {
    this.#parts = parts;
    this.#inForce = new LastGood<ClusterSnapshot>(
      {
        revisionOf: ({ version }) => version,
        applied: ({ version }) => parts.events.reloaded({ source: 'cluster', revision: version }),
        failed: (problem, { unsynced, incomplete } = NOT_READ) => {
          const kept = unsynced === undefined && incomplete === undefined;
          parts.events.reloadFailed({ source: 'cluster', problem, kept });
        },
      },
      NOT_READ,
    );
  }

  /** Loads once, then follows changes until the signal aborts. */
  async start({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    await this.#reload(signal);
    this.#parts.documents.onChange(async () => this.#reload(signal), { signal });
  }

  current(): ClusterSnapshot {
    return this.#inForce.current ?? NOT_READ;
  }

  /** What files say does not grow old. */
  staleMs(): number {
    return 0;
  }

  /** Why the view is not what the directory says now; absent when it is. */
  get problem(): string | undefined {
    return this.#inForce.problem;
  }

  get counts(): ManifestCounts {
    return this.#counts;
  }

  onChange(listener: (change: ClusterChange) => void, options: { readonly signal: AbortSignal }): void {
    this.#listeners.add(listener, options);
  }

  async #reload(signal: AbortSignal): Promise<void> {
    try {
      const { texts, unreadable } = await this.#parts.documents.read();
      await this.#parse(texts, signal);
      await this.#take(unreadable, signal);
    } catch (error) {
      if (signal.aborted) return;
      // Going on is safe: what is in force stays in force, and the next change is looked at again.
      this.#inForce.refuse(error instanceof AuthorityError ? error.message : 'unexpected failure');
    }
  }

  /** Small edits are read here, a file in each turn; what is more goes to a thread, for as long as it is read. */
  async #parse(texts: ReadonlyMap<string, string>, signal: AbortSignal): Promise<void> {
    await using thread = new ManifestThread();
    const files = new Map<string, KnownFile>();
    let readHere = 0;
    for (const [name, text] of texts) {
      await setImmediate(undefined, { signal });
      const digest = hash('sha256', text, 'hex');
      const known = this.#files.get(name);
      if (known?.digest === digest) {
        files.set(name, known);
        continue;
      }
      const place = this.#placeOf(name);
      readHere += text.length;
      const written =
        readHere <= READ_HERE ? readManifestFile(text, place) : await thread.read(text, place, { signal });
      if (readHere > READ_HERE) readHere -= text.length;
      files.set(name, { digest, written });
    }
    const names = [...files.keys()];
    const rendered = withoutTemplates([...files.values()].map(({ written }) => written));
    this.#rendered = new Map(names.map((name, index) => [name, rendered[index] ?? NOTHING]));
    this.#files = files;
  }

  async #take(unreadable: ReadonlyMap<string, string>, signal: AbortSignal): Promise<void> {
    const found: Found[] = [...unreadable].map(([name, problem]) => ({ path: this.#placeOf(name), problem }));
    const hidden = new Set(unreadable.keys());
    for (const [name, { problems }] of this.#rendered) {
      if (problems.length === 0) continue;
      hidden.add(name);
      found.push(...problems);
    }
    // Of two files that describe one object, the one that did so before stays.
    const sound = [...this.#rendered]
      .filter(([name]) => !hidden.has(name))
      .sort(([a], [b]) => this.#age(a) - this.#age(b));
    const places = new Map(sound.map(([name]) => [this.#placeOf(name), name]));
    const joined = await inTurns(joining(sound.map(([, written]) => written)), { signal });
    for (const problem of joined.problems) {
      found.push(problem);
      hidden.add(places.get(problem.position.place) ?? '');
    }
    await this.#join(hidden, found, signal);
  }

  async #join(hidden: ReadonlySet<string>, found: readonly Found[], signal: AbortSignal): Promise<void> {
    const sound = [...this.#rendered].filter(([name]) => !hidden.has(name));
    const kept = [...this.#good].filter(([name]) => isHidden(name, hidden));
    const missing = [...hidden].filter((name) => !kept.some(([one]) => isHidden(one, new Set([name]))));
    // A broken file that is new changes nothing: what it says was not in the view before. A view that began without a
    // file lacks it until everything was good once, under whatever name.
    const former = this.current();
    const lacking = former.unsynced !== undefined || former.incomplete !== undefined;
    const incomplete = lacking && missing.length > 0 ? inFew(missing.map((name) => this.#placeOf(name))) : undefined;
    const files = sound.map(([, written]) => written);
    const all = joining(files, { kept: kept.flatMap(([, written]) => written) });
    const { objects, passedOver } = await inTurns(all, { signal });
    const snapshot = await inTurns(snapshotting(objects, { incomplete, before: former }), { signal });
    const good = sound.map(([name, written]) => [name, written.objects] as const);
    this.#good = new Map([...kept, ...good.filter(([, written]) => written.length > 0)]);
    this.#counts = { objects: objects.length, files: good.length, passedOver: passedOver.length };
    const changed = this.#inForce.accept(snapshot, found.length === 0 ? undefined : format(found));
    if (changed) this.#listeners.notify(snapshot.change);
  }

  #placeOf(name: string): string {
    return this.#parts.documents.placeOf(name);
  }

  #age(name: string): number {
    return this.#good.has(name) ? 0 : 1;
  }
}

const NOT_READ = unsyncedSnapshot('the manifests of the cluster are not read yet');
const NOTHING: WrittenObjects = { objects: [], problems: [] };

interface Found {
  readonly position?: Problem['position'] | undefined;
  readonly path: string;
  readonly problem: string;
}

/** Itself, or a folder that it is in. */
function isHidden(name: string, hidden: ReadonlySet<string>): boolean {
  return hidden.has(name) || [...hidden].some((folder) => folder.endsWith('/') && name.startsWith(folder));
}

function inFew(places: readonly string[]): string {
  const more = places.length > MAX_NAMED ? ` and ${places.length - MAX_NAMED} more` : '';
  return `manifests cannot be read: ${places.slice(0, MAX_NAMED).join(', ')}${more}`;
}

/** An operator mends them in one go. */
function format(problems: readonly Found[]): string {
  const words = problems
    .slice(0, MAX_REPORTED)
    .map(({ position, path, problem }) =>
      [position && formatPosition(position), path, problem].filter(Boolean).join(' '),
    );
  return [...words, ...(problems.length > MAX_REPORTED ? [`and ${problems.length - MAX_REPORTED} more`] : [])].join(
    '; ',
  );
}
