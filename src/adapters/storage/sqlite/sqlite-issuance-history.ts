// What was issued before, out of the issuance journal: read in a thread of its own, and only for what memory does not
// know, such as the client certificate of before a restart.
import type { CurrentCertificate } from '../../../domain/policy/request.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { ClosedPod, FollowedUntil } from '../../../ports/storage/closing-journal.ts';
import type { CurrentCertificates } from '../../../ports/storage/current-certificates.ts';
import type { LeafNames, LeafRecord, LeafRecords } from '../../../ports/storage/issuance-history.ts';
import type { FormerIssuer, FormerIssuers } from '../../../ports/storage/issuer-records.ts';
import type { PodIssuance, PodIssuances } from '../../../ports/storage/pod-issuances.ts';
import { ReadThread } from './reading/read-thread.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export class SqliteIssuanceHistory
  implements CurrentCertificates, LeafRecords, FormerIssuers, PodIssuances, AsyncDisposable
{
  readonly #thread: ReadThread;

  /** @param file the journal's; it is opened by the first question, when the journal has made it. */
  constructor(parts: { readonly clock: Clock }, file: string) {
    this.#thread = new ReadThread(parts, file);
  }

  async currentCertificateOf(identity: string, nowMs: number, options: Waits): Promise<CurrentCertificate | undefined> {
    return this.#thread.ask('current', { identity, nowMs }, options);
  }

  async recordOf(leaf: LeafNames, options: Waits): Promise<LeafRecord | undefined> {
    return this.#thread.ask('leaf', leaf, options);
  }

  async issuersAt(nowMs: number, options: Waits): Promise<readonly FormerIssuer[]> {
    return this.#thread.ask('issuers', { nowMs }, options);
  }

  async issuedTo(pods: Parameters<PodIssuances['issuedTo']>[0], options: Waits): Promise<readonly PodIssuance[]> {
    return this.#thread.ask('issuedTo', pods, options);
  }

  async issuedBetween(
    range: Parameters<PodIssuances['issuedBetween']>[0],
    options: Waits,
  ): ReturnType<PodIssuances['issuedBetween']> {
    return this.#thread.ask('issuedBetween', range, options);
  }

  async closedPods(podUids: readonly string[], options: Waits): Promise<readonly ClosedPod[]> {
    return this.#thread.ask('closedPods', podUids, options);
  }

  async followedUntil(remoteCluster: string | undefined, options: Waits): Promise<FollowedUntil | undefined> {
    return this.#thread.ask('followedUntil', { remoteCluster }, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread[Symbol.asyncDispose]();
  }
}
