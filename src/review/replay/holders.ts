// What each identity held at a moment of the past, learned from the records before it. Asking again while
// holding a certificate is a renewal, and conditions may excuse those.
import type { CurrentCertificate } from '../../domain/policy/request.ts';
import type { IssuedRecord } from '../../ports/storage/issuance-journal.ts';
import { Recent } from '../../domain/bounded/recent.ts';

/** Those without a certificate for the longest time make room: they are then taken for newcomers. */
const MAX_IDENTITIES = 100_000;

export class Holders {
  readonly #current = new Recent<CurrentCertificate>(MAX_IDENTITIES);

  currentCertificateOf(identity: string, atMs: number): CurrentCertificate | undefined {
    const currentCertificate = this.#current.get(identity);
    return currentCertificate !== undefined && currentCertificate.notAfterMs > atMs ? currentCertificate : undefined;
  }

  /** @param excused since when each failing condition has been passed over. */
  issued({ identity, timeMs, notAfterMs }: IssuedRecord, waived: CurrentCertificate['waived']): void {
    this.#current.set(identity, { issuedMs: timeMs, notAfterMs, waived });
  }
}

/** As the record tells it. */
export function waivedIn({ policy }: IssuedRecord): CurrentCertificate['waived'] {
  return Object.fromEntries((policy?.waived ?? []).map(({ key, sinceMs }) => [key, sinceMs]));
}
