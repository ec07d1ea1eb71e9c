// A directory tree that names workloads: `<root>/<namespace>/<service account>/`. An orchestrator makes
// one folder per workload and mounts it there; the folder's place is the workload's identity.
import { readdir } from 'node:fs/promises';
import { watch } from 'node:fs';
import path from 'node:path';
import type { Clock } from '../../ports/clock.ts';

export interface WorkloadDirectory {
  readonly path: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

/** Watches can be lost; a scan this often finds what they missed. */
const RESCAN_MS = 10_000;
const DEBOUNCE_MS = 100;

/** @returns the folders that exist now, in order; an unreadable or missing root has none. */
export async function scanWorkloadDirectories(root: string): Promise<readonly WorkloadDirectory[]> {
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
  return found.flat();
}

/**
 * Calls `listener` now and soon after folders may have come or gone, until the signal aborts; calls may be
 * spurious. Each round watches anew, so that a folder which went and came back is seen again.
 */
export async function watchWorkloadDirectories(
  root: string,
  clock: Clock,
  listener: () => Promise<void>,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    const changed = new AbortController();
    const quiet = { signal: AbortSignal.any([signal, changed.signal]) };
    watchTree(root, () => changed.abort(), quiet);
    await listener();
    await clock.sleep(RESCAN_MS, quiet).catch(() => undefined);
    changed.abort();
    await clock.sleep(DEBOUNCE_MS, { signal }).catch(() => undefined);
  }
}

function watchTree(root: string, ring: () => void, { signal }: { readonly signal: AbortSignal }): void {
  try {
    watch(root, { signal, recursive: true }, ring).on('error', () => undefined);
  } catch {
    // Without notification the periodic scan still finds everything.
  }
}

async function foldersIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return folders.sort();
}
