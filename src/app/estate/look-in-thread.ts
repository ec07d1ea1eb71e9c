// The near end of the thread in which a server looks for rogue CAs. It begins and ends with one look; where it needs more memory
// than it may have, the look fails and nothing else does.
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { RogueLook } from '../../authority/estate/rogue-watch.ts';
import { codeOf } from '../../domain/text/system-error.ts';
import { abortable } from '../../live/abortable.ts';
import type { AskedLook } from './estate-look.ts';
import type { ServerFindings } from './reported-look.ts';

/** JSON: one string crosses between threads faster than many objects. */
export type LookAnswer = { readonly json: string } | { readonly problem: string };

/** `.ts` when run from source, `.js` when built. */
const THREAD = new URL(`./look-thread${extname(import.meta.url)}`, import.meta.url);
/** As many certificates as are kept at all, some 10 kB each, and one page of a list. */
const MAX_HEAP_MEGABYTES = 384;

/** @throws Error in words for operators when it could not look; the signal's reason once the thread has ended. */
export async function lookInThread(
  asked: AskedLook,
  { signal }: { readonly signal: AbortSignal },
): Promise<RogueLook<ServerFindings>> {
  const worker = new Worker(THREAD, {
    workerData: asked,
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MEGABYTES },
  });
  try {
    const answer = await abortable<LookAnswer>(signal, ({ resolve, reject }) => {
      worker.once('message', resolve);
      worker.once('error', (error) => reject(new Error(`its thread ended: ${codeOf(error) ?? 'without a reason'}`)));
      worker.once('exit', () => reject(new Error('its thread went away')));
      return () => undefined;
    });
    if ('problem' in answer) throw new Error(answer.problem);
    return JSON.parse(answer.json) as RogueLook<ServerFindings>;
  } finally {
    worker.removeAllListeners().on('error', () => undefined);
    await worker.terminate();
  }
}
