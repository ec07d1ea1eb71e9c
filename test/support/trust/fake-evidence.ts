// Evidence as a test says it is.
import type { WorkloadEvidence } from '../../../src/domain/trust/rotation/evidence.ts';
import type { EvidenceReader } from '../../../src/ports/storage/evidence.ts';

export class FakeEvidence implements EvidenceReader {
  workloads: readonly WorkloadEvidence[] = [];
  /** Thrown after the first `failsAfter` workloads. */
  problem: Error | undefined;
  failsAfter = 0;
  /** Of certificates that are nobody's any more. */
  issuedMs: readonly number[] = [];
  /** Waited for before the first. */
  held: Promise<unknown> = Promise.resolve();

  async lastIssuedMs({ beforeMs }: { readonly beforeMs: number }): Promise<number | undefined> {
    await this.held;
    if (this.problem !== undefined) throw this.problem;
    const times = [...this.issuedMs, ...this.workloads.map(({ leaf }) => leaf.issuedMs)];
    return times.filter((ms) => ms < beforeMs).toSorted((a, b) => b - a)[0];
  }

  /** Those whose newest certificate is valid then. */
  async *liveWorkloads(
    { nowMs }: { readonly nowMs: number },
    { signal }: { readonly signal: AbortSignal },
  ): AsyncIterable<WorkloadEvidence> {
    await this.held;
    for (const [index, workload] of this.workloads.entries()) {
      signal.throwIfAborted();
      if (this.problem !== undefined && index >= this.failsAfter) throw this.problem;
      if (workload.leaf.notAfterMs > nowMs) yield workload;
    }
    if (this.problem !== undefined) throw this.problem;
  }
}

export function workloadEvidence(parts: Partial<WorkloadEvidence> = {}): WorkloadEvidence {
  const leaf = { serial: '1a', api: 'csr', issuer: '00112233aabbccdd', issuedMs: 0, notAfterMs: 86_400_000 };
  const live = [{ latestEndMs: leaf.notAfterMs }];
  return { identity: 'spiffe://corp.example/ns/shop/sa/web', leaf, live, streams: [], ...parts };
}
