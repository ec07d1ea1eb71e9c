// Where in a file each field of a document stands, for problems and findings that an editor can jump to.
import { isMap, isScalar, isSeq, type LineCounter } from 'yaml';
import type { Position } from '../../domain/text/position.ts';
import type { FieldPath } from '../../domain/text/field-path.ts';
import { startOf } from './plain-yaml.ts';

export class YamlPositions {
  readonly #place: string;
  readonly #lines: LineCounter;

  constructor(place: string, lines: LineCounter) {
    this.#place = place;
    this.#lines = lines;
  }

  atOffset(offset: number): Position {
    const { line, col } = this.#lines.linePos(offset);
    return { place: this.#place, line, column: col };
  }

  /** Where the innermost part of the path begins that exists: the key of a field, or the entry of a list. */
  locate(root: unknown, path: FieldPath): Position {
    let node = root;
    let offset = startOf(root) ?? 0;
    for (const step of path) {
      const next = stepInto(node, step);
      if (next === undefined) break;
      node = next.node;
      offset = startOf(next.begin) ?? offset;
    }
    return this.atOffset(offset);
  }
}

interface Step {
  readonly node: unknown;
  readonly begin: unknown;
}

function stepInto(node: unknown, step: string | number): Step | undefined {
  const entry = isSeq(node) ? entryOf(node.items, step) : undefined;
  return entry === undefined ? valueUnder(node, String(step)) : { node: entry, begin: entry };
}

function valueUnder(node: unknown, name: string): Step | undefined {
  if (!isMap(node)) return undefined;
  const pair = node.items.find(({ key }) => isScalar(key) && key.value === name);
  return pair === undefined ? undefined : { node: pair.value, begin: pair.key };
}

function entryOf(items: readonly unknown[], step: string | number): unknown {
  const named = items.find((item) => {
    const id = valueUnder(item, 'id')?.node;
    return isScalar(id) && id.value === step;
  });
  return named ?? items[Number(step)];
}
