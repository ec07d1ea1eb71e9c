// The Secret `istiod-tls` as the kubelet keeps it where istiod reads it: a renewed one is there soon, however long what else a test
// does takes.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Istiod, IstiodTls } from './istiod.ts';

/** Between looks. */
const SYNC_MS = 500;

export class MountedTls implements AsyncDisposable {
  readonly #istiod: Istiod;
  readonly #end = new AbortController();
  readonly #running: Promise<void>;

  constructor(istiod: Istiod, read: () => Promise<IstiodTls | undefined>) {
    this.#istiod = istiod;
    this.#running = this.#keep(read);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#running;
  }

  async #keep(read: () => Promise<IstiodTls | undefined>): Promise<void> {
    while (!this.#end.signal.aborted) {
      const tls = await read().catch(() => undefined); // the next look is soon
      if (tls !== undefined && tls['tls.crt'] !== this.#istiod.tls?.['tls.crt']) this.#istiod.mount(tls);
      await sleep(SYNC_MS);
    }
  }
}
