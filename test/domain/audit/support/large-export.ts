// An export of as many decisions as are asked for, piece by piece: what a server of a large mesh records in a day.
import { linkDigest, openingPoint } from '../../../../src/domain/audit/chain.ts';
import { endLine, ExportWriter } from '../../../../src/domain/audit/export-writer.ts';
import { RECORDS, type HeadKey } from './sample-export.ts';

const START_MS = Date.UTC(2026, 0, 31, 12);
const opening = { chain: 'decision-00000001', kind: 'decision', server: 'capstan-0', openedMs: START_MS } as const;

/** @returns its text in pieces of some hundred lines, signed at the end. */
export function* largeExport(records: number, key: HeadKey): Generator<string> {
  const writer = new ExportWriter();
  const after = openingPoint(opening);
  let piece = writer.line({ kind: 'export', version: 1, timeMs: START_MS });
  piece += writer.line({ kind: 'chain', opening, after });
  let { digest } = after;
  for (let sequence = 1; sequence <= records; sequence += 1) {
    const record = RECORDS.decision(sequence, START_MS + sequence);
    const link = { kind: 'decision', chain: opening.chain, sequence, record } as const;
    digest = linkDigest(digest, link);
    piece += writer.line({ ...link, digest });
    if (sequence % 500 !== 0) continue;
    yield piece;
    piece = '';
  }
  const through = { sequence: records, digest };
  const { chain, kind } = opening;
  const statement = writer.end({ timeMs: START_MS, chains: [{ chain, kind, after, through, last: records }] });
  yield piece + endLine(statement, key.sign('export', statement));
}
