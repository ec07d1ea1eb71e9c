// Where the doctor finds what Capstan's configuration names: on this machine, as in a pod, or in the ConfigMaps that are mounted into
// the pods. Files of Secrets are read in neither way: only their owner needs them.
import { open } from 'node:fs/promises';
import { codeOf } from '../../domain/text/system-error.ts';
import type { CapstanObjects } from '../../adapters/kubernetes/diagnosis/capstan-objects.ts';

/** A bundle with its limits, or a list of roots, is smaller. */
const MAX_BYTES = 4 * 1024 * 1024;

/** @returns the text of a file that the configuration names; nothing when it cannot be had. */
export type ReadFile = (file: string) => Promise<string | undefined>;

export const localFiles: ReadFile = async (file) => {
  try {
    await using handle = await open(file, 'r');
    const { size } = await handle.stat();
    return size > MAX_BYTES ? undefined : await handle.readFile('utf8');
  } catch (cause) {
    if (codeOf(cause) === undefined) throw cause;
    return undefined;
  }
};

export function mountedFiles(capstan: CapstanObjects): ReadFile {
  return capstan.readMounted;
}
