// Which file a socket's path leads to, as the kernel knows it. A name can be moved to another file at any
// moment; device and inode stay with the file, and while a socket listens no other file is given its inode.
import { lstatSync, type BigIntStats } from 'node:fs';
import path from 'node:path';

export interface SocketPlace {
  /** Device and inode of the folders on the way. */
  readonly folders: string;
  /** Device and inode of the socket. */
  readonly socket: string;
}

/**
 * Looks without waiting, so that nothing of this process happens between two looks.
 * @param root when the names of the folders below it are the identity: none of those may be a link, which would
 *   lead to another workload's folder under this one's name.
 * @returns nothing when no socket is at the path.
 */
export function socketPlace(target: string, root?: string): SocketPlace | undefined {
  const folders = foldersTo(target, root).map(look);
  const socket = look(target);
  if (socket?.isSocket() !== true) return undefined;
  if (root !== undefined && !folders.every((folder) => folder?.isDirectory())) return undefined;
  return { folders: folders.map(fileId).join(' '), socket: fileId(socket) };
}

/** Whether the path leads to the same socket as when it was looked at, in the very same folders. */
export function isInPlace(
  { path: target, root }: { readonly path: string; readonly root?: string },
  opened: SocketPlace,
): boolean {
  const now = socketPlace(target, root);
  return now !== undefined && now.socket === opened.socket && now.folders === opened.folders;
}

/** Only the last folder, unless those up to a root count too. */
function foldersTo(target: string, root = path.dirname(path.dirname(target))): readonly string[] {
  const folders: string[] = [];
  for (let folder = path.dirname(target); folder !== root && folder !== path.dirname(folder);) {
    folders.push(folder);
    folder = path.dirname(folder);
  }
  return folders;
}

/** What cannot be looked at is as good as absent: nobody can be let in through it. */
function look(file: string): BigIntStats | undefined {
  try {
    return lstatSync(file, { bigint: true });
  } catch {
    return undefined;
  }
}

function fileId(facts: BigIntStats | undefined): string {
  return facts === undefined ? 'none' : `${facts.dev}:${facts.ino}`;
}
