// What was issued before, out of the issuance journal: read in a thread of its own, and only for what memory does not
// know, such as the client certificate of before a restart.
import { AuthorityError } from '../../../domain/errors.ts';
import type { CurrentCertificate } from '../../../domain/policy/request.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { ClosedPod, FollowedUntil } from '../../../ports/storage/closing-journal.ts';
import type { CurrentCertificates } from '../../../ports/storage/current-certificates.ts';
import type { LeafNames, LeafRecord, LeafRecords } from '../../../ports/storage/issuance-history.ts';
import type { FormerIssuer, FormerIssuers } from '../../../ports/storage/issuer-records.ts';
import type { PodIssuance, PodIssuances } from '../../../ports/storage/pod-issuances.ts';
import { journalProblem } from './file/journal-problem.ts';
import { ReadThread } from './reading/read-thread.ts';
import type { ReadKind, Reads } from './reading/read-protocol.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export class SqliteIssuanceHistory
  implements CurrentCertificates, LeafRecords, FormerIssuers, PodIssuances, AsyncDisposable
{
  readonly #clock: Clock;
  readonly #file: string;
  readonly #thread: ReadThread;
  readonly #end = new AbortController();
  #watched = false;

  /** @param file the journal's; it is opened by the first question, when the journal has made it. */
  constructor({ clock }: { readonly clock: Clock }, file: string) {
    this.#clock = clock;
    this.#file = file;
    this.#thread = new ReadThread(file);
  }

  async currentCertificateOf(identity: string, nowMs: number, options: Waits): Promise<CurrentCertificate | undefined> {
    return this.#read('current', { identity, nowMs }, options);
  }

  async recordOf(leaf: LeafNames, options: Waits): Promise<LeafRecord | undefined> {
    return this.#read('leaf', leaf, options);
  }

  async issuersAt(nowMs: number, options: Waits): Promise<readonly FormerIssuer[]> {
    return this.#read('issuers', { nowMs }, options);
  }

  async issuedTo(pods: Parameters<PodIssuances['issuedTo']>[0], options: Waits): Promise<readonly PodIssuance[]> {
    return this.#read('issuedTo', pods, options);
  }

  async issuedBetween(
    range: Parameters<PodIssuances['issuedBetween']>[0],
    options: Waits,
  ): ReturnType<PodIssuances['issuedBetween']> {
    return this.#read('issuedBetween', range, options);
  }

  async closedPods(podUids: readonly string[], options: Waits): Promise<readonly ClosedPod[]> {
    return this.#read('closedPods', podUids, options);
  }

  async followedUntil(remoteCluster: string | undefined, options: Waits): Promise<FollowedUntil | undefined> {
    return this.#read('followedUntil', { remoteCluster }, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // What bounds the wait for an answer bounds that for the end too.
    await this.#thread.close();
    this.#end.abort();
  }

  async #read<Kind extends ReadKind>(
    kind: Kind,
    question: Reads[Kind]['question'],
    options: Waits,
  ): Promise<Reads[Kind]['answer']> {
    if (!this.#watched) void this.#thread.watch(this.#clock, { signal: this.#end.signal });
    this.#watched = true;
    try {
      return await this.#thread.ask(kind, question, options);
    } catch (cause) {
      options.signal.throwIfAborted();
      const problem = journalProblem(this.#file, cause);
      throw new AuthorityError('CAP-S04', { detail: problem.message, cause: problem });
    }
  }
}
