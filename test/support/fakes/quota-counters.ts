import { AuthorityError } from '../../../src/domain/errors.ts';
import type { FullBucket, QuotaBucket, QuotaCounters } from '../../../src/ports/storage/quota-counters.ts';

/** Has room for everybody, unless a test says otherwise. */
export class FakeQuotaCounters implements QuotaCounters {
  readonly taken: (readonly QuotaBucket[])[] = [];
  full: readonly FullBucket[] = [];
  failing = false;

  async take(buckets: readonly QuotaBucket[]): Promise<readonly FullBucket[]> {
    if (this.failing) throw new AuthorityError('CAP-S04');
    if (this.full.length === 0) this.taken.push(buckets);
    return this.full;
  }
}
