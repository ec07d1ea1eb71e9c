// The quota bank of the supervisor, for its workers.
import type { Loan, QuotaBank } from '../../../ports/storage/quota-bank.ts';
import type { FullBucket, QuotaBucket } from '../../../ports/storage/quota-counters.ts';
import type { Json, Link } from '../link.ts';

const LEND_TOPIC = 'quotas/lend';

/** At the supervisor's end. */
export function serveQuotaBank(link: Link, bank: QuotaBank): void {
  link.serve(LEND_TOPIC, async (body, { signal }) => {
    const { bucket, most } = body as unknown as Asked;
    return (await bank.lend(bucket, most, { signal })) as unknown as Json;
  });
}

/** At a worker's end. */
export function relayedQuotaBank(link: Link): QuotaBank {
  return {
    lend: async ({ key, perMinute, central }, most, options) => {
      const asked: Asked = { bucket: { key, perMinute, central }, most };
      return (await link.ask(LEND_TOPIC, asked as unknown as Json, options)) as unknown as Loan | FullBucket;
    },
  };
}

interface Asked {
  readonly bucket: QuotaBucket;
  readonly most: number;
}
