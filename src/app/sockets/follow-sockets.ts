// Which sockets there should be: those of the configuration first, then one in each workload's folder. Looked
// at every second, and at once where a folder is watched.
import path from 'node:path';
import { scanWorkloadDirectories, watchWorkloadDirectories } from '../../adapters/files/workload-directories.ts';
import type { Config } from '../../config/schema.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { SdsSockets, WantedSockets } from './sds-sockets.ts';

/** Resolves when what can be opened is open. @param signal ends the looking. */
export async function followSockets(
  { sds }: Config,
  clock: Clock,
  sockets: SdsSockets,
  options: { readonly signal: AbortSignal },
): Promise<void> {
  if (sds.socketDirectory === undefined && sds.sockets.length === 0) return;
  const look = async (): Promise<void> => sockets.follow(await wantedSockets(sds), options);
  await look();
  void watchWorkloadDirectories(rootOf(sds), clock, look, options);
}

async function wantedSockets(sds: Config['sds']): Promise<WantedSockets> {
  const root = rootOf(sds);
  if (root === undefined) return { sockets: sds.sockets, unreadable: [] };
  const { workloads, unreadable } = await scanWorkloadDirectories(root);
  const inFolders = workloads.map((folder) => ({
    ...folder,
    path: path.join(folder.path, 'sds.sock'),
    root,
    mode: sds.socketMode,
  }));
  return { sockets: [...sds.sockets, ...inFolders], unreadable };
}

/** Sockets are known by their paths, so each has one spelling. */
function rootOf({ socketDirectory }: Config['sds']): string | undefined {
  return socketDirectory === undefined ? undefined : path.resolve(socketDirectory);
}
