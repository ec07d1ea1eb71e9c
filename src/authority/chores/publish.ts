// Trust anchors and revocation lists are kept where relying parties look for them, by the process that leads.
import type { Clock } from '../../ports/platform/clock.ts';
import type { Published, Publisher } from '../../ports/issuing/publication.ts';
import type { Lease } from '../../ports/storage/lease.ts';
import { whileLeading } from './while-leading.ts';

export interface PublishParts {
  readonly published: Published;
  readonly publishers: readonly Publisher[];
  readonly lease: Lease;
  readonly clock: Pick<Clock, 'sleep'>;
}

/** Runs until the signal aborts. Begins when what is published is loaded. */
export async function publish(parts: PublishParts, options: { readonly signal: AbortSignal }): Promise<void> {
  const { published, publishers } = parts;
  await whileLeading(
    parts,
    async ({ signal }) => {
      published.onChange(() => publishers.forEach((publisher) => publisher.wantedChanged()), { signal });
      await Promise.all(publishers.map(async (publisher) => publisher.keep(() => published.wanted(), { signal })));
    },
    options,
  );
}
