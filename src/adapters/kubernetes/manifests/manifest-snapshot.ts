// Manifests as a snapshot that conditions can be asked against.
import { createHash } from 'node:crypto';
import { compareText } from '../../../domain/text/compare-text.ts';
import { IndexedSnapshot, type SnapshotFacts } from '../../../domain/cluster/indexed-snapshot.ts';
import type { ClusterSnapshot } from '../../../domain/cluster/snapshot.ts';
import { fullName, type PlacedObject } from './read-manifests.ts';
import { atOnce, endsSlice, type Sliced } from './slices.ts';

/**
 * @param facts `incomplete` where a file could not be read.
 * @returns the same snapshot and version for the same objects in any order.
 */
export function snapshotOf(placed: readonly PlacedObject[], facts: SnapshotFacts = {}): ClusterSnapshot {
  return atOnce(snapshotting(placed, facts));
}

/** As `snapshotOf`, in slices. */
export function* snapshotting(placed: readonly PlacedObject[], facts: SnapshotFacts = {}): Sliced<IndexedSnapshot> {
  const { incomplete } = facts;
  const named = placed.map(({ object }) => ({ object, name: fullName(object) }));
  yield;
  named.sort((a, b) => compareText(a.name, b.name));
  const digest = createHash('sha256').update('[');
  for (const [index, { name, object }] of named.entries()) {
    if (endsSlice(index)) yield;
    const fact = JSON.stringify([name, object.metadata.uid, object.metadata.resourceVersion]);
    digest.update(`${index === 0 ? '' : ','}${fact}`);
  }
  if (incomplete !== undefined) digest.update(`,${JSON.stringify(incomplete)}`);
  digest.update(']');
  yield;
  const objects = named.map(({ object }) => object);
  return new IndexedSnapshot(digest.digest('hex').slice(0, 16), objects, facts);
}
