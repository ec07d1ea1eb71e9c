// What was issued to pods and which of them are closed, in memory: what closing asks a store for, and what it writes.
import { AuthorityError } from '../../../../src/domain/errors.ts';
import type {
  ClosedPod,
  ClosingJournal,
  ClosingRecord,
  FollowedUntil,
} from '../../../../src/ports/storage/closing-journal.ts';
import type { PodIssuance, PodIssuances } from '../../../../src/ports/storage/pod-issuances.ts';
import { NOON_MS } from '../../../support/fakes/fake-clock.ts';

const HOUR_MS = 3_600_000;

export class FakeClosingStore implements PodIssuances, ClosingJournal {
  readonly issued: PodIssuance[] = [];
  readonly closings: ClosingRecord[] = [];
  /** By remote cluster; the own one's is empty. */
  readonly followed = new Map<string, number>();
  /** How many commits, and how many questions about an identity or a range, there were. */
  readonly asked = { commits: 0, identities: 0, pages: 0 };
  epoch = 0;
  failing = false;

  /** A certificate of `shop/web-1`, for an hour from noon, unless said otherwise. */
  issue(changes: Partial<PodIssuance> = {}): void {
    const { podName = 'web-1' } = changes;
    this.issued.push({
      timeMs: NOON_MS,
      identity: 'spiffe://cluster.local/ns/shop/sa/web',
      serial: `s${this.issued.length}`,
      notAfterMs: NOON_MS + HOUR_MS,
      podName,
      podUid: `uid-of-${podName}`,
      nodeName: 'node-1',
      serviceAccountUid: 'uid-of-web',
      ...changes,
    });
  }

  async issuedTo({
    identity,
    remoteCluster,
    podUids,
  }: Parameters<PodIssuances['issuedTo']>[0]): Promise<readonly PodIssuance[]> {
    this.#demandWorking();
    this.asked.identities += 1;
    return this.issued.filter(
      (one) => one.identity === identity && one.remoteCluster === remoteCluster && podUids.includes(one.podUid),
    );
  }

  async issuedBetween({ fromMs, toMs, remoteCluster }: Parameters<PodIssuances['issuedBetween']>[0]): Promise<{
    readonly issuances: readonly PodIssuance[];
    readonly untilMs: number;
  }> {
    this.#demandWorking();
    this.asked.pages += 1;
    const found = this.issued.filter(
      (one) => one.timeMs >= fromMs && one.timeMs < toMs && one.remoteCluster === remoteCluster,
    );
    return { issuances: found, untilMs: toMs };
  }

  async closedPods(podUids: readonly string[]): Promise<readonly ClosedPod[]> {
    this.#demandWorking();
    return this.closings.filter(({ podUid }) => podUids.includes(podUid));
  }

  async followedUntil(remoteCluster: string | undefined): Promise<FollowedUntil | undefined> {
    this.#demandWorking();
    const untilMs = this.followed.get(remoteCluster ?? '');
    return untilMs === undefined ? undefined : { ...(remoteCluster !== undefined && { remoteCluster }), untilMs };
  }

  async recordClosings(
    closings: readonly ClosingRecord[],
    followed: FollowedUntil | undefined,
    { epoch }: { readonly epoch: number },
  ): Promise<void> {
    this.#demandWorking();
    this.asked.commits += 1;
    this.epoch = epoch;
    this.closings.push(...closings);
    if (followed !== undefined) this.followed.set(followed.remoteCluster ?? '', followed.untilMs);
  }

  #demandWorking(): void {
    if (this.failing) throw new AuthorityError('CAP-S04');
  }
}
