// Looks through the whole journal after a server that did not close it, beside serving: in a thread of its own and on
// a handle of its own, because it takes seconds for each gigabyte and nothing that is recorded may wait for it.
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';

/** `.ts` when run from source, `.js` when built. */
const WORKER = new URL(`./journal-check-worker${extname(import.meta.url)}`, import.meta.url);

/** What the thread says, once. */
export type CheckResult =
  | { readonly kind: 'sound' }
  | { readonly kind: 'damaged'; readonly problem: string }
  /** The check itself could not be made. */
  | { readonly kind: 'failed'; readonly problem: string };

/** Ends the thread when the signal aborts, and rejects with its reason. */
export async function checkJournal(file: string, { signal }: { readonly signal: AbortSignal }): Promise<CheckResult> {
  signal.throwIfAborted();
  const worker = new Worker(WORKER, { workerData: file });
  const aborted = (): void => void worker.terminate();
  signal.addEventListener('abort', aborted, { once: true });
  try {
    return await new Promise<CheckResult>((resolve) => {
      worker.once('message', resolve);
      worker.once('error', (cause) => resolve({ kind: 'failed', problem: String(cause) }));
      worker.once('exit', () => resolve({ kind: 'failed', problem: 'the thread ended' }));
    });
  } finally {
    signal.removeEventListener('abort', aborted);
    signal.throwIfAborted();
  }
}
