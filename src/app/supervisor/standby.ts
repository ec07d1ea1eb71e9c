// Processes that have read the program and wait for a place: reading it takes longer than all else that a worker does
// before it serves. One waits while all workers serve, so that a replacement is there within a second; it costs memory
// and no CPU.
import type { WorkerProcess } from '../../adapters/processes/worker-process.ts';

export class Standby {
  readonly #fork: () => WorkerProcess;
  readonly #waiting: WorkerProcess[] = [];
  #closed = false;

  constructor(fork: () => WorkerProcess) {
    this.#fork = fork;
  }

  /** Has as many wait as are wanted. One that ends while it waits is missed at the next call. */
  prepare(count: number): void {
    while (!this.#closed && this.#waiting.length < count) this.#waiting.push(this.#forked());
  }

  /** @returns the one that has waited longest, or a new one; it is the caller's to end. */
  take(): WorkerProcess {
    return this.#waiting.shift() ?? this.#fork();
  }

  /** Resolves when all that wait are gone. */
  async close(): Promise<void> {
    this.#closed = true;
    const waiting = this.#waiting.splice(0);
    // They hold nothing that would have to be closed in order.
    for (const { kill, log } of waiting) {
      kill();
      // Nobody reads it, and a pipe that is not read to its end keeps us.
      log.destroy();
    }
    await Promise.all(waiting.map(async ({ ended }) => ended));
  }

  #forked(): WorkerProcess {
    const process = this.#fork();
    void process.ended.then(() => {
      const at = this.#waiting.indexOf(process);
      if (at < 0) return;
      this.#waiting.splice(at, 1);
      process.log.destroy();
    });
    return process;
  }
}
