// Files that operators or an orchestrator replace while the server runs. A watch on each folder tells
// soon; reading again every half minute tells for certain, because watches can be lost.
import { watch } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { AuthorityError } from '../../domain/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DocumentSource } from '../../ports/document-source.ts';

/** Larger than any certificate bundle, key set or policy we expect. */
const MAX_FILE_BYTES = 1024 * 1024;
/** Several writes of one edit become one change. */
const DEBOUNCE_MS = 100;
const REREAD_MS = 30_000;

/** @param paths by document name; the names are what `read` answers with. */
export function watchedFiles(paths: Readonly<Record<string, string>>, clock: Clock): DocumentSource {
  return {
    read: async () => {
      const entries = Object.entries(paths).map(async ([name, file]) => [name, await readBounded(file)] as const);
      return new Map(await Promise.all(entries));
    },
    onChange: (listener, { signal }) => {
      const folders = new Set(Object.values(paths).map((file) => path.dirname(path.resolve(file))));
      const ring = debounced(listener, clock, signal);
      for (const folder of folders) watchFolder(folder, ring, signal);
      void everyHalfMinute(listener, clock, signal);
    },
  };
}

async function readBounded(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > MAX_FILE_BYTES) throw new Error(`is larger than ${MAX_FILE_BYTES} bytes`);
    return await readFile(file, 'utf8');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'cannot be read';
    throw new AuthorityError('CAP-X03', { detail: `${file}: ${why}`, cause });
  }
}

function debounced(listener: () => void, clock: Clock, signal: AbortSignal): () => void {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    const ring = (): void => {
      waiting = false;
      listener();
    };
    clock.sleep(DEBOUNCE_MS, { signal }).then(ring, () => undefined);
  };
}

function watchFolder(folder: string, ring: () => void, signal: AbortSignal): void {
  try {
    // A watch that breaks is no loss: the periodic reading goes on.
    watch(folder, { signal }, ring).on('error', () => undefined);
  } catch {
    // Neither is one that never began, as on file systems without notification.
  }
}

async function everyHalfMinute(listener: () => void, clock: Clock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(REREAD_MS, { signal }).then(listener, () => undefined);
  }
}
