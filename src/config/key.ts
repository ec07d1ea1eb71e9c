// What one row of the schema says about a configuration key, and what follows from the key's path:
// the type of the whole, the environment name, the flag.
import type { Shape } from './shapes/shapes.ts';

interface Traits {
  /** May carry a credential: never shown, not even in a complaint about it. */
  readonly secret?: boolean;
  /** The key names files that are read again whenever they change. The key itself needs a restart. */
  readonly followed?: boolean;
  /** Only `serve --dev` may set it: no file, variable or flag does. */
  readonly devOnly?: boolean;
}

export interface Key<T> {
  readonly shape: Shape<T>;
  /** As an operator would write it; absent when the key is required or may stay away. */
  readonly fallback?: unknown;
  readonly required: boolean;
  /** For operators: what it does, and when to change it. */
  readonly sentence: string;
  readonly traits: Traits;
}

export interface Section {
  readonly [name: string]: Key<unknown> | Section;
}

/** The value of a schema: each key's own, sections nested. */
export type ValueOf<N> =
  N extends Key<infer T> ? T : N extends Section ? { readonly [K in keyof N]: ValueOf<N[K]> } : never;

export function withDefault<T>(shape: Shape<T>, fallback: unknown, sentence: string, traits: Traits = {}): Key<T> {
  return { shape, fallback, required: false, sentence, traits };
}

export function required<T>(shape: Shape<T>, sentence: string, traits: Traits = {}): Key<T> {
  return { shape, required: true, sentence, traits };
}

export function optional<T>(shape: Shape<T>, sentence: string, traits: Traits = {}): Key<T | undefined> {
  return { shape: { ...shape, schema: shape.schema.optional() }, required: false, sentence, traits };
}

export function isKey(node: Key<unknown> | Section): node is Key<unknown> {
  return 'shape' in node && 'sentence' in node;
}

/** @returns each key by its dotted path, in the order of the schema. */
export function keysOf(section: Section, prefix = ''): ReadonlyMap<string, Key<unknown>> {
  const entries = Object.entries(section).flatMap(([name, node]): [string, Key<unknown>][] =>
    isKey(node) ? [[prefix + name, node]] : [...keysOf(node, `${prefix}${name}.`)],
  );
  return new Map(entries);
}

/** `listen.maxConnections` is `CAPSTAN_LISTEN_MAX_CONNECTIONS`. */
export function environmentName(path: string): string {
  return `CAPSTAN_${words(path).join('_').toUpperCase()}`;
}

/** `listen.maxConnections` is `--listen-max-connections`. */
export function flagName(path: string): string {
  return `--${words(path).join('-')}`;
}

function words(path: string): readonly string[] {
  return path.replace(/[A-Z]/g, (letter) => `.${letter.toLowerCase()}`).split('.');
}
