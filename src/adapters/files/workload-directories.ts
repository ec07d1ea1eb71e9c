// A directory tree that names workloads: `<root>/<namespace>/<service account>/`. An orchestrator makes
// one folder per workload and mounts it there; the folder's place is the workload's identity.
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { codeOf, directoryProblem } from '../../domain/text/system-error.ts';
import { watchLoop, type WatchedThing } from '../../live/watch-loop.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import { watchFolder, watchPlaceOf } from './watch-folder.ts';

export interface WorkloadDirectory {
  readonly path: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

export interface WorkloadTree {
  /** The folders that exist now, in order. Links are none: one folder is one workload. */
  readonly workloads: readonly WorkloadDirectory[];
  /** The root, the namespaces and the workloads. */
  readonly folders: readonly string[];
  /** Folders whose content could not be listed: what is below them is unknown, not gone. */
  readonly unreadable: readonly { readonly path: string; readonly problem: string }[];
}

/** A look costs some milliseconds for a hundred folders; what a watch missed is found this soon. */
const LOOK_EVERY_MS = 1_000;
/** A watch can be lost without notice, and making one costs more than a look. */
const LOOKS_PER_WATCH = 10;
const DEBOUNCE_MS = 100;
/** Changes in folders beyond these are found by looking. */
const MAX_WATCHES = 2_000;

export async function scanWorkloadDirectories(root: string): Promise<WorkloadTree> {
  const unreadable: { path: string; problem: string }[] = [];
  const foldersIn = async (folder: string): Promise<readonly string[]> => {
    try {
      const entries = await readdir(folder, { withFileTypes: true });
      const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
      return folders.sort();
    } catch (error) {
      // One that went since its parent was listed is simply gone.
      if (folder === root || !isGone(error)) unreadable.push({ path: folder, problem: problemOf(folder, error) });
      return [];
    }
  };
  const namespaces = await foldersIn(root);
  const found = await Promise.all(
    namespaces.map(async (namespace) => {
      const serviceAccounts = await foldersIn(path.join(root, namespace));
      return serviceAccounts.map((serviceAccount) => ({
        path: path.join(root, namespace, serviceAccount),
        namespace,
        serviceAccount,
      }));
    }),
  );
  const workloads = found.flat();
  const folders = [root, ...namespaces.map((name) => path.join(root, name)), ...workloads.map((one) => one.path)];
  return { workloads, folders, unreadable };
}

/**
 * Calls `listener` now, at once after folders may have come or gone, and every second, until the signal aborts.
 * A new watch after each change sees a folder again that went and came back.
 * @param root without one nothing is watched, and every second remains.
 */
export async function watchWorkloadDirectories(
  root: string | undefined,
  clock: Clock,
  listener: () => Promise<void>,
  options: { readonly signal: AbortSignal },
): Promise<void> {
  const watch: WatchedThing['watch'] = async (changed, round) =>
    root === undefined ? undefined : watchTree(root, changed, round);
  // What the listener does is a change too, and so are the rest of one edit's changes: they make one more round.
  const read = async (): Promise<void> => {
    await listener();
    await clock.sleep(DEBOUNCE_MS, options).catch(() => undefined);
  };
  const pace = { rereadMs: LOOK_EVERY_MS, debounceMs: 0, readingsPerWatch: LOOKS_PER_WATCH };
  await watchLoop({ watch, read }, clock, pace, options);
}

/** Folder by folder: the platform's recursive watch does not tell of two folders that changed places. */
async function watchTree(root: string, changed: () => void, options: { readonly signal: AbortSignal }): Promise<void> {
  void watchPlaceOf(root, changed, watchFolder, options);
  const { folders } = await scanWorkloadDirectories(root);
  for (const folder of folders.slice(0, MAX_WATCHES)) void watchFolder(folder, changed, options);
}

function isGone(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '');
}

function problemOf(folder: string, error: unknown): string {
  return `the folder ${folder} ${directoryProblem(error)}`;
}
