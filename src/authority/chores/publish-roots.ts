// The trust anchors are kept where relying parties look for them, by the process that leads.
import type { Clock } from '../../ports/platform/clock.ts';
import type { RootPublisher } from '../../ports/issuing/root-publication.ts';
import type { Lease } from '../../ports/storage/lease.ts';
import type { RootsBeforeLeaves } from '../trust/roots-before-leaves.ts';
import { whileLeading } from './while-leading.ts';

export interface PublishRootsParts {
  readonly roots: Pick<RootsBeforeLeaves, 'wanted' | 'onChange'>;
  readonly publishers: readonly RootPublisher[];
  readonly lease: Lease;
  readonly clock: Pick<Clock, 'sleep'>;
}

/** Runs until the signal aborts. Begins when the trust anchors are loaded. */
export async function publishRoots(parts: PublishRootsParts, options: { readonly signal: AbortSignal }): Promise<void> {
  const { roots, publishers } = parts;
  await whileLeading(
    parts,
    async ({ signal }) => {
      roots.onChange(() => publishers.forEach((publisher) => publisher.wantedChanged()), { signal });
      await Promise.all(publishers.map(async (publisher) => publisher.keep(() => roots.wanted(), { signal })));
    },
    options,
  );
}
