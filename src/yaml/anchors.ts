// What the anchors of one document stand for while it is read from its beginning to its end.
import type { Alias, Node } from 'yaml';
import { isAnchored } from './nodes.ts';

/** Uses of anchors in one document. */
export const MAX_ALIASES = 100;

export class Anchors {
  readonly #defined = new Map<string, Node>();
  readonly #targets = new Map<Alias, Node>();
  #uses = 0;
  #repeating = 0;

  /** While an alias is written out, what it repeats defines nothing anew, and what is wrong there was reported already. */
  get isRepeating(): boolean {
    return this.#repeating > 0;
  }

  get isOver(): boolean {
    return this.#uses > MAX_ALIASES;
  }

  /** After the node was read: it cannot contain itself. */
  define(node: unknown): void {
    if (!this.isRepeating && isAnchored(node)) this.#defined.set(node.anchor, node);
  }

  /** @returns what the alias meant where it stands, also inside what is repeated later; nothing when it means nothing. */
  use(alias: Alias): Node | undefined {
    this.#uses += 1;
    const target = this.#targets.get(alias) ?? this.#defined.get(alias.source);
    if (target !== undefined) this.#targets.set(alias, target);
    return target;
  }

  /** @param read reads what an alias stands for. */
  repeat(read: () => unknown): unknown {
    this.#repeating += 1;
    const value = read();
    this.#repeating -= 1;
    return value;
  }
}
