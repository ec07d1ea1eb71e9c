// What each identity held at a moment of the past, learned from the records before it. Asking again while
// holding a certificate is a renewal, and conditions may excuse those.
import type { HeldCertificate } from '../../domain/policy/request.ts';
import type { IssuedRecord } from '../../ports/storage/issuance-journal.ts';
import { Recent } from '../../domain/bounded/recent.ts';

/** Those without a certificate for the longest time make room: they are then taken for newcomers. */
const MAX_IDENTITIES = 100_000;

export class Holders {
  readonly #held = new Recent<HeldCertificate>(MAX_IDENTITIES);

  heldBy(identity: string, atMs: number): HeldCertificate | undefined {
    const held = this.#held.get(identity);
    return held !== undefined && held.notAfterMs > atMs ? held : undefined;
  }

  /** @param excused since when each failing condition has been passed over. */
  issued({ identity, timeMs, notAfterMs }: IssuedRecord, excused: HeldCertificate['excused']): void {
    this.#held.set(identity, { issuedMs: timeMs, notAfterMs, excused });
  }
}

/** As the record tells it. */
export function excusedIn({ policy }: IssuedRecord): HeldCertificate['excused'] {
  return Object.fromEntries((policy?.excused ?? []).map(({ key, sinceMs }) => [key, sinceMs]));
}
