// A cluster out of the texts of its manifests: what cannot be read is a problem with its place, and hides nothing but
// itself.
import { snapshotOf } from '../../adapters/kubernetes/manifests/manifest-snapshot.ts';
import {
  joinManifests,
  readManifestFile,
  withoutTemplates,
  type ManifestDefaults,
  type Manifests,
} from '../../adapters/kubernetes/manifests/read-manifests.ts';
import { unsyncedSnapshot, type ClusterSnapshot } from '../../domain/cluster/snapshot.ts';
import { compareText } from '../../domain/text/compare-text.ts';
import type { Problem } from '../../domain/text/position.ts';
import type { SourceText } from './policy-texts.ts';

export interface ManifestTexts {
  readonly texts: readonly SourceText[];
  /** What there is no text of, because it could not be read. */
  readonly unreadable: readonly Problem[];
}

/** In the order of their places, not of their naming. */
export function parseManifests({ texts, unreadable }: ManifestTexts, defaults?: ManifestDefaults): Manifests {
  const sorted = [...texts].sort((a, b) => compareText(a.place, b.place));
  const files = withoutTemplates(sorted.map(({ place, text }) => readManifestFile(text, place)));
  const joined = joinManifests(files, defaults);
  return { ...joined, problems: [...unreadable, ...joined.problems] };
}

/**
 * @param manifests absent when nothing is known of the cluster.
 * @param whyUnknown why a condition on the cluster cannot be judged then, and what to do about it, in a sentence.
 */
export function snapshotFrom(
  manifests: ManifestTexts | undefined,
  whyUnknown: string,
): { readonly snapshot: ClusterSnapshot } | { readonly problems: readonly Problem[] } {
  if (manifests === undefined) return { snapshot: unsyncedSnapshot(whyUnknown) };
  const { objects, problems } = parseManifests(manifests);
  return problems.length > 0 ? { problems } : { snapshot: snapshotOf(objects) };
}
