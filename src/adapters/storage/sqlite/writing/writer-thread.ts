// The near end of the thread that writes the journal.
import { extname } from 'node:path';
import type { Clock } from '../../../../ports/platform/clock.ts';
import { AnsweringThread } from '../answering-thread.ts';
import type { WriterRequest, Written } from './writer-protocol.ts';
import type { WriterSettings } from './journal-writer.ts';

/** `.ts` when run from source, `.js` when built. */
const WORKER = new URL(`./writer-worker${extname(import.meta.url)}`, import.meta.url);

/** Appends come one batch at a time; what else is asked of a writer is asked a few times a second at most. */
const MAX_WAITING = 1_000;

export class WriterThread {
  readonly #clock: Clock;
  readonly #thread: AnsweringThread<WriterRequest, Written>;
  /** The file that the first thread opened; a later one opens no other. */
  #inode = '';

  constructor({ clock }: { readonly clock: Clock }, settings: WriterSettings) {
    const { file } = settings;
    this.#clock = clock;
    this.#thread = new AnsweringThread({
      script: WORKER,
      data: () => ({ ...settings, inode: this.#inode }),
      name: `the writer of the journal ${file}`,
      late: `the journal ${file} was not written`,
      maxWaiting: MAX_WAITING,
    });
  }

  /**
   * Starts the thread if it does not run.
   * @returns how many records were removed.
   * @throws JournalProblem
   */
  async ask(request: WriterRequest): Promise<number> {
    const { removed, inode } = await this.#thread.ask(request);
    if (inode !== '') this.#inode = inode;
    return removed;
  }

  /** Gives up on requests that wait too long, until the signal aborts. */
  async watch(options: { readonly signal: AbortSignal }): Promise<void> {
    return this.#thread.watch(this.#clock, options);
  }

  /** Ends the thread, after what was sent before. */
  async close(): Promise<void> {
    return this.#thread.close({ kind: 'close' });
  }
}
