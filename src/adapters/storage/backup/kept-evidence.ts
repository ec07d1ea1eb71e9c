// What proxies acknowledged, as a backup has it: all of it is held in memory, some hundred bytes for each proxy.
import type { EvidenceNotes } from '../../../ports/storage/evidence.ts';
import { bundlesFrom, proxyFrom } from '../readings/evidence-records.ts';
import type { Row } from '../records.ts';
import { EVIDENCE_SINCE_VERSION, SELECT_BUNDLES, SELECT_PROXIES } from '../sqlite/file/evidence-schema.ts';
import type { ReadableJournal } from '../sqlite/file/journal-file.ts';

/** Of one journal; nothing of an older one, which has none. */
export function evidenceIn({ database, version }: Pick<ReadableJournal, 'database' | 'version'>): EvidenceNotes {
  if (version < EVIDENCE_SINCE_VERSION) return { bundles: [], proxies: [] };
  return evidenceFrom(database.prepare(SELECT_BUNDLES).all(), database.prepare(SELECT_PROXIES).all());
}

export function evidenceFrom(bundles: readonly Row[], proxies: readonly Row[]): EvidenceNotes {
  const noted = [...bundlesFrom(bundles)].map(([digest, anchors]) => ({ digest, anchors }));
  return { bundles: noted, proxies: proxies.map(proxyFrom) };
}

export function mergedEvidence(all: readonly EvidenceNotes[]): EvidenceNotes {
  return { bundles: all.flatMap(({ bundles }) => bundles), proxies: all.flatMap(({ proxies }) => proxies) };
}
