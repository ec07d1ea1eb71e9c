// What is kept of the objects that every cluster is asked for. A pod in full is ten times what authentication and most
// policies read of it, and there may be 50,000.
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import { imageDigestsOf } from '../../../domain/policy/subject-pods.ts';
import { meshMarksOf } from '../../../domain/cluster/mesh-marks.ts';
import { fieldOf } from '../../../domain/cluster/pod-templates.ts';

/** As large as the object itself, and of use to `kubectl apply` alone. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** Everything but what only tools read: which manager owns which field, and what was last applied. */
export function keptInFull(object: KubernetesObject): KubernetesObject {
  const metadata: Record<string, unknown> = { ...object.metadata };
  delete metadata['managedFields'];
  const { annotations } = object.metadata;
  if (annotations !== undefined && LAST_APPLIED in annotations) {
    metadata['annotations'] = Object.fromEntries(Object.entries(annotations).filter(([name]) => name !== LAST_APPLIED));
  }
  return { ...object, metadata: metadata as unknown as KubernetesObject['metadata'] };
}

/**
 * Of a pod: who it is, where it runs, as what, since when, which images, and what it says of the mesh; neither annotations nor the
 * rest of its description.
 */
export function keptOfPod(pod: KubernetesObject): KubernetesObject {
  const { name, namespace, uid, resourceVersion, labels, deletionTimestamp } = pod.metadata as Metadata;
  return {
    apiVersion: pod.apiVersion,
    kind: pod.kind,
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      uid,
      resourceVersion,
      ...(labels !== undefined && { labels }),
      ...(deletionTimestamp !== undefined && { deletionTimestamp }),
    },
    spec: {
      nodeName: fieldOf(pod, ['spec', 'nodeName']),
      serviceAccountName: fieldOf(pod, ['spec', 'serviceAccountName']),
    },
    status: {
      phase: fieldOf(pod, ['status', 'phase']),
      startTime: sinceOf(pod),
      images: imageDigestsOf(pod),
      mesh: meshMarksOf(pod),
    },
  };
}

/** @returns when the kubelet began with a pod, or before that, when it was made (RFC 3339); also of a pod as it is kept. */
export function sinceOf(pod: KubernetesObject): string | undefined {
  const times = [fieldOf(pod, ['status', 'startTime']), fieldOf(pod, ['metadata', 'creationTimestamp'])];
  return times.find((time) => typeof time === 'string');
}

type Metadata = KubernetesObject['metadata'] & { readonly deletionTimestamp?: string };
