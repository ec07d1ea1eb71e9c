// Reads the journals of a store as evidence of trust, in a thread of its own that starts with the first question.
import { extname } from 'node:path';
import { AuthorityError } from '../../../domain/errors.ts';
import type { WorkloadEvidence } from '../../../domain/trust/rotation/evidence.ts';
import { orAborted } from '../../../live/abortable.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { EvidenceReader } from '../../../ports/storage/evidence.ts';
import { AnsweringThread } from './answering-thread.ts';
import { journalProblem } from './file/journal-problem.ts';
import type { EvidencePage, EvidenceRequest } from './reading/evidence-protocol.ts';

interface Waits {
  readonly signal: AbortSignal;
}

/** `.ts` when run from source, `.js` when built. */
const WORKER = new URL(`./reading/evidence-worker${extname(import.meta.url)}`, import.meta.url);
/** Readings at a time, each with a page that it waits for and an end. */
const MAX_READINGS = 16;
/** Going through half a million certificates of one identity takes a second or two of a page. */
const PAGE_WITHIN_MS = 30_000;

export class SqliteEvidence implements EvidenceReader, AsyncDisposable {
  readonly #clock: Clock;
  readonly #file: string;
  readonly #thread: AnsweringThread<EvidenceRequest, EvidencePage>;
  readonly #end = new AbortController();
  #watched = false;
  #begun = 0;
  #reading = 0;

  /** @param file the store's. */
  constructor({ clock }: { readonly clock: Clock }, file: string) {
    this.#clock = clock;
    this.#file = file;
    this.#thread = new AnsweringThread({
      script: WORKER,
      data: () => file,
      name: `the reader of evidence in the journal ${file}`,
      late: `the journal ${file} was not read`,
      maxWaiting: 2 * MAX_READINGS,
      answerWithinMs: PAGE_WITHIN_MS,
    });
  }

  async *liveWorkloads(
    { nowMs }: { readonly nowMs: number },
    { signal }: Waits,
  ): AsyncGenerator<WorkloadEvidence, void, undefined> {
    signal.throwIfAborted();
    if (this.#reading >= MAX_READINGS) {
      throw new AuthorityError('CAP-S04', { detail: `${MAX_READINGS} readings of evidence are under way already` });
    }
    const reading = (this.#begun += 1);
    this.#reading += 1;
    try {
      for (let isLast = false; !isLast;) {
        const page = await this.#page({ kind: 'page', reading, nowMs }, signal);
        yield* page.workloads;
        ({ isLast } = page);
      }
    } finally {
      this.#reading -= 1;
      // What is not read to its end keeps the files open; a thread that fails has none.
      void this.#thread.ask({ kind: 'end', reading }).catch(() => undefined);
    }
  }

  async lastIssuedMs({ beforeMs }: { readonly beforeMs: number }, { signal }: Waits): Promise<number | undefined> {
    signal.throwIfAborted();
    return (await this.#page({ kind: 'lastIssued', beforeMs }, signal)).lastIssuedMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread.close({ kind: 'close' });
    this.#end.abort();
  }

  async #page(request: EvidenceRequest, signal: AbortSignal): Promise<EvidencePage> {
    if (!this.#watched) void this.#thread.watch(this.#clock, { signal: this.#end.signal });
    this.#watched = true;
    try {
      return await orAborted(this.#thread.ask(request), signal);
    } catch (cause) {
      signal.throwIfAborted();
      const problem = journalProblem(this.#file, cause);
      throw new AuthorityError('CAP-S04', { detail: problem.message, cause: problem });
    }
  }
}
