// Manifests as a snapshot that conditions can be asked against.
import { hash } from 'node:crypto';
import { compareText } from '../../domain/policy/names.ts';
import { IndexedSnapshot, type ClusterSnapshot } from '../../domain/policy/snapshot.ts';
import { fullName, type PlacedObject } from './read-manifests.ts';

/**
 * @param incomplete why objects may be missing: a file that could not be read.
 * @returns the same snapshot and version for the same objects in any order.
 */
export function snapshotOf(placed: readonly PlacedObject[], incomplete?: string): ClusterSnapshot {
  const named = placed.map(({ object }) => ({ object, name: fullName(object) }));
  named.sort((a, b) => compareText(a.name, b.name));
  const facts = named.map(({ name, object: { metadata } }) => [name, metadata.uid, metadata.resourceVersion]);
  const version = hash(
    'sha256',
    JSON.stringify(incomplete === undefined ? facts : [...facts, incomplete]),
    'hex',
  ).slice(0, 16);
  return new IndexedSnapshot(
    version,
    named.map(({ object }) => object),
    incomplete,
  );
}
