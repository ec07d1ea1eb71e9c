// Where each field of a document stands, for problems and findings that an editor can jump to.
import { isMap, isScalar, isSeq } from 'yaml';
import type { FieldPath } from '../domain/text/field-path.ts';
import { startOf } from './nodes.ts';

/** @returns the offset of the innermost part of the path that exists: the name of a field, or the entry of a list. */
export function locateField(root: unknown, path: FieldPath): number {
  return walk(root, path).offset;
}

/** @returns the offset of the value there, and how it is spelled when it is a scalar without quotes. */
export function locateValue(
  root: unknown,
  path: FieldPath,
): { readonly offset: number; readonly spelling: string | undefined } {
  const { node, offset } = walk(root, path);
  const spelling = isScalar(node) && node.type === 'PLAIN' ? node.source : undefined;
  return { offset: startOf(node) ?? offset, spelling };
}

function walk(root: unknown, path: FieldPath): { readonly node: unknown; readonly offset: number } {
  let node = root;
  let offset = startOf(root) ?? 0;
  for (const step of path) {
    const next = stepInto(node, step);
    if (next === undefined) break;
    node = next.node;
    offset = startOf(next.begin) ?? offset;
  }
  return { node, offset };
}

interface Step {
  readonly node: unknown;
  readonly begin: unknown;
}

/** Entries of a list are named by number or by their `id`. */
function stepInto(node: unknown, step: string | number): Step | undefined {
  if (!isSeq(node)) return valueUnder(node, String(step));
  const entry = node.items.find((item) => isId(valueUnder(item, 'id')?.node, step)) ?? node.items[Number(step)];
  return entry === undefined ? undefined : { node: entry, begin: entry };
}

function valueUnder(node: unknown, name: string): Step | undefined {
  if (!isMap(node)) return undefined;
  const pair = node.items.find(({ key }) => isScalar(key) && key.value === name);
  return pair === undefined ? undefined : { node: pair.value, begin: pair.key };
}

function isId(node: unknown, step: string | number): boolean {
  return typeof step === 'string' && isScalar(node) && node.value === step;
}
