// What single nodes of the library are, in the words of the reader.
import { isMap, isScalar, isSeq, type Node, type Scalar } from 'yaml';
import { kubernetesScalar } from '../domain/cluster/kubernetes-scalar.ts';

/** Where a node begins in its text; nothing for what is no node of a text. */
export function startOf(node: unknown): number | undefined {
  const range: unknown = typeof node === 'object' && node !== null && 'range' in node ? node.range : undefined;
  return Array.isArray(range) && typeof range[0] === 'number' ? range[0] : undefined;
}

/** Between two separators, or a comment alone. */
export function isNothing(contents: unknown): boolean {
  return contents === null || (isScalar(contents) && contents.type === 'PLAIN' && contents.value === '');
}

/** As Kubernetes reads it: only what is neither in quotes nor tagged can be anything but text. */
export function valueOf(node: Scalar): unknown {
  const text = typeof node.value === 'string' ? node.value : '';
  return isPlain(node) ? kubernetesScalar(text) : text;
}

export function isPlain(node: unknown): node is Scalar {
  return isScalar(node) && node.type === 'PLAIN' && node.tag === undefined;
}

export function tagOf(node: unknown): unknown {
  return typeof node === 'object' && node !== null && 'tag' in node ? node.tag : undefined;
}

/** The tag that says what is known already. */
export function ownTag(node: unknown): string {
  return `tag:yaml.org,2002:${isMap(node) ? 'map' : isSeq(node) ? 'seq' : 'str'}`;
}

/** `<<` in quotes is a name like any other. */
export function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.value === '<<' && key.type === 'PLAIN' && key.tag === undefined;
}

export function isAnchored(node: unknown): node is Node & { readonly anchor: string } {
  return typeof node === 'object' && node !== null && 'anchor' in node && typeof node.anchor === 'string';
}

export function isMapping(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isJson(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  return value === null || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));
}
