// What is taken of the objects of a cluster in which certificates lie: their texts, who made them, and what they name. Key material
// is in some of these texts; they are handed on once and kept by nobody.
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import { formatTime } from '../../../domain/text/format-time.ts';
import { listAt, textAt } from '../diagnosis/fields.ts';

export interface EstateText {
  /** The key of a Secret, the field of an object. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** An object in which certificates may lie. */
export interface EstateObject {
  readonly kind: string;
  /** Absent for objects of the cluster itself. */
  readonly namespace: string | undefined;
  readonly name: string;
  readonly madeBy: string;
  readonly usedBy: readonly string[];
  readonly texts: readonly EstateText[];
}

/** What of cert-manager makes CAs. */
export interface EstateIssuer {
  /** `ClusterIssuer bootstrap`, `Issuer shop/ca`, `Certificate shop/ca`. */
  readonly name: string;
  readonly does: 'signs itself' | 'signs with a Secret' | 'asks for a CA';
  /** `namespace/name` of the Secret with its key; absent where each certificate signs itself. */
  readonly secret?: string;
  readonly madeBy: string;
  readonly usedBy: readonly string[];
}

/** Managers of fields that are named. */
const MAX_MANAGERS = 3;
const CERT_MANAGER = 'cert-manager.io';

/** @returns `Kind namespace/name`, or `Kind name`. */
export function titleOf({ kind, metadata: { namespace, name } }: KubernetesObject): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

/**
 * Who made an object, as far as it says: creation, the managers of its fields (Kubernetes API, ObjectMeta), its owner, and which
 * issuer of cert-manager it comes from.
 */
export function makerOf(object: KubernetesObject): string {
  const created = Date.parse(textAt(object, 'metadata', 'creationTimestamp') ?? '');
  const managers = listAt(object, 'metadata', 'managedFields')
    .filter(({ subresource }) => subresource === undefined || subresource === '')
    .map((entry) => textAt(entry, 'manager') ?? 'unknown');
  const owners = listAt(object, 'metadata', 'ownerReferences').map(
    (owner) => `${textAt(owner, 'kind') ?? ''} ${textAt(owner, 'name') ?? ''}`,
  );
  const { annotations = {} } = object.metadata;
  const issuer = annotations[`${CERT_MANAGER}/issuer-name`];
  const certificate = annotations[`${CERT_MANAGER}/certificate-name`];
  return [
    ...(managers.length > 0 ? [[...new Set(managers)].slice(0, MAX_MANAGERS).join(', ')] : ['somebody']),
    ...(Number.isNaN(created) ? [] : [`on ${formatTime(created)}`]),
    ...(owners.length > 0 ? [`for ${owners.slice(0, MAX_MANAGERS).join(', ')}`] : []),
    ...(certificate === undefined ? [] : [`for Certificate ${certificate}`]),
    ...(issuer === undefined ? [] : [`by ${annotations[`${CERT_MANAGER}/issuer-kind`] ?? 'Issuer'} ${issuer}`]),
  ].join(' ');
}
