// Which certificate each identity had at a moment of the past, learned from the records before it. A request of who
// has one is a renewal, and a policy may waive conditions for those.
import type { CurrentCertificate } from '../../domain/policy/request.ts';
import type { IssuedRecord } from '../../ports/storage/issuance-journal.ts';
import { Recent } from '../../domain/bounded/recent.ts';

/** Those whose last certificate is the oldest make room: their next request then counts as a first one. */
const MAX_IDENTITIES = 100_000;

export class CurrentCertificates {
  readonly #current = new Recent<CurrentCertificate>(MAX_IDENTITIES);

  currentCertificateOf(identity: string, atMs: number): CurrentCertificate | undefined {
    const currentCertificate = this.#current.get(identity);
    return currentCertificate !== undefined && currentCertificate.notAfterMs > atMs ? currentCertificate : undefined;
  }

  /** @param waived since when each failing condition has been waived. */
  issued(record: IssuedRecord, waived: CurrentCertificate['waived']): void {
    const { identity, timeMs, notAfterMs, remoteCluster } = record;
    if (remoteCluster !== undefined) return;
    this.#current.set(identity, { issuedMs: timeMs, notAfterMs, waived });
  }
}

/** As the record has it. */
export function waivedIn({ policy }: IssuedRecord): CurrentCertificate['waived'] {
  return Object.fromEntries((policy?.waived ?? []).map(({ key, sinceMs }) => [key, sinceMs]));
}
