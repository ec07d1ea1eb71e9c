// The near end of the thread in which large manifests are read. It is started when a reading needs it and ended with
// the reading. A thread that dies, as of memory, loses the file that it read, and nothing else: the next file gets a
// thread of its own. What bounds a reading in time are the bounds of a file (src/yaml/yaml-rules.ts).
import { extname } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { codeOf } from '../../../domain/text/system-error.ts';
import { abortable } from '../../../live/abortable.ts';
import type { WrittenObject, WrittenObjects } from './written-object.ts';

export type ManifestRequest =
  | { readonly kind: 'read'; readonly text: string; readonly place: string }
  /** The next part of what was read. */
  | { readonly kind: 'more' };

export interface ManifestPart {
  /** JSON of some objects: one string crosses between threads faster than many objects. */
  readonly objects: string;
  /** With the last part. */
  readonly rest?: Omit<WrittenObjects, 'objects'>;
}

/** `.ts` when run from source, `.js` when built. */
const WORKER = new URL(`./manifest-worker${extname(import.meta.url)}`, import.meta.url);
/** Of release manifests one document at a time takes a tenth of it; what needs more shall not take the memory of the server. */
const MAX_HEAP_MEGABYTES = 512;

export class ManifestThread implements AsyncDisposable {
  readonly #heapMegabytes: number;
  #worker: Worker | undefined;

  constructor({ heapMegabytes = MAX_HEAP_MEGABYTES }: { readonly heapMegabytes?: number } = {}) {
    this.#heapMegabytes = heapMegabytes;
  }

  /**
   * One file after the other: no second one may begin before this one has settled.
   * @returns as `readManifestFile`; a thread that died is a problem of the file.
   * @throws the signal's reason when it aborts; the thread has ended then.
   */
  async read(text: string, place: string, { signal }: { readonly signal: AbortSignal }): Promise<WrittenObjects> {
    signal.throwIfAborted();
    const worker = (this.#worker ??= this.#start());
    const objects: WrittenObject[] = [];
    try {
      let request: ManifestRequest = { kind: 'read', text, place };
      for (;;) {
        const part: ManifestPart = await answerOf(worker, request, signal);
        objects.push(...(JSON.parse(part.objects) as WrittenObject[]));
        if (part.rest !== undefined) return { objects, ...part.rest };
        request = { kind: 'more' };
        await setImmediate();
      }
    } catch (error) {
      await this[Symbol.asyncDispose]();
      signal.throwIfAborted();
      const problem = `cannot be read: the thread that read it ended (${whyEnded(error)})`;
      return { objects: [], problems: [{ position: { place, line: 1, column: 1 }, path: '', problem }] };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(WORKER, { resourceLimits: { maxOldGenerationSizeMb: this.#heapMegabytes } });
    // Whoever waits hears of it; between two files nobody does.
    worker.on('error', () => undefined);
    worker.on('exit', () => (this.#worker === worker ? (this.#worker = undefined) : undefined));
    return worker;
  }
}

async function answerOf(worker: Worker, request: ManifestRequest, signal: AbortSignal): Promise<ManifestPart> {
  return abortable<ManifestPart>(signal, ({ resolve, reject }) => {
    const exited = (): void => reject(new Error('it went away'));
    worker.once('message', resolve).once('error', reject).once('exit', exited);
    worker.postMessage(request);
    return () => void worker.off('message', resolve).off('error', reject).off('exit', exited);
  });
}

/** The code alone: words of the runtime may repeat what was read. */
function whyEnded(error: unknown): string {
  return codeOf(error) ?? 'without a reason';
}
