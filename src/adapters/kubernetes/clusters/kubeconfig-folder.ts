// A folder of kubeconfigs, the file name of each the id of its cluster: as a Secret is mounted, or as an operator writes them.
import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { AuthorityError } from '../../../domain/errors.ts';
import { directoryProblem, fileProblem } from '../../../domain/text/system-error.ts';
import type { GivenKubeconfig } from './remote-clusters.ts';

/** With tokens and certificates a kubeconfig has some ten kilobytes. */
const MAX_BYTES = 256 * 1024;

/**
 * @returns one for each file, by name; a file that cannot be read has a problem instead of a text.
 * @throws AuthorityError CAP-X03 when the folder cannot be listed.
 */
export async function readKubeconfigFolder(root: string): Promise<ReadonlyMap<string, GivenKubeconfig>> {
  let names: readonly string[];
  try {
    // What begins with a dot is how a mounted volume turns to its next state.
    names = (await readdir(root)).filter((name) => !name.startsWith('.')).sort();
  } catch (cause) {
    throw new AuthorityError('CAP-X03', { detail: `${root} ${directoryProblem(cause)}`, cause });
  }
  const read = async (name: string) => [name, await readKubeconfig(path.join(root, name))] as const;
  return new Map(await Promise.all(names.map(read)));
}

async function readKubeconfig(place: string): Promise<GivenKubeconfig> {
  try {
    // A pipe in the folder must not keep those of the other clusters waiting.
    await using file = await open(place, constants.O_RDONLY | constants.O_NONBLOCK);
    if ((await file.stat()).isFIFO()) return { place, problem: 'is no regular file' };
    const { bytesRead, buffer } = await file.read(Buffer.alloc(MAX_BYTES + 1), 0, MAX_BYTES + 1, 0);
    if (bytesRead > MAX_BYTES) return { place, problem: `is larger than ${MAX_BYTES} bytes` };
    return { place, text: buffer.toString('utf8', 0, bytesRead) };
  } catch (cause) {
    return { place, problem: fileProblem(cause) };
  }
}
