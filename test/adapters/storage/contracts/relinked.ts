// What whoever changed a record in a store has to write beside it, to pass for its journal: each digest anew from the one before it.
import { linkDigest, openingPoint } from '../../../../src/domain/audit/chain.ts';
import type { ChainReader } from '../../../../src/ports/audit/chain-reader.ts';
import { NEVER } from '../sqlite/records.ts';

/** @returns the digests that the links of all chains of decisions should have. */
export async function relinkedDecisions(
  reader: ChainReader,
): Promise<readonly (readonly [digest: string, chain: string, sequence: number])[]> {
  const digests: (readonly [string, string, number])[] = [];
  for (const { opening, last } of await reader.chains({ signal: NEVER })) {
    if (opening.kind !== 'decision') continue;
    const { chain, kind } = opening;
    let { digest } = openingPoint(opening);
    const all = { afterSequence: 0, throughSequence: last.sequence };
    for await (const { sequence, record } of reader.links(chain, all, { signal: NEVER })) {
      digest = linkDigest(digest, { chain, kind, sequence, record });
      digests.push([digest, chain, sequence]);
    }
  }
  return digests;
}
