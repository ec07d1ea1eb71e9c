// Gives a key of a text another place, for files that people wrote: the rest stays as they wrote it.
import { isMap, isScalar, parseDocument, type Document, type Pair, type Scalar, type YAMLMap } from 'yaml';

/** Every scalar is written again as it was read. */
const OPTIONS = { schema: 'failsafe', prettyErrors: false, stringKeys: true, uniqueKeys: false } as const;

type Steps = readonly string[];

/**
 * A key that only gets another name is renamed where it stands, and no other byte changes. One that moves goes behind
 * the keys that its new section has, with its comments; then the text is laid out anew, but comments and order stay.
 *
 * @param text that `readYaml` took, with a mapping at its top.
 * @param from names from the top to the key. @param to the same, and nothing stands there.
 * @returns the text as it was when there is no such key.
 */
export function moveKey(text: string, from: Steps, to: Steps): string {
  const document = parseDocument(text, OPTIONS);
  const section = mapAt(document, from.slice(0, -1));
  const pair = pairOf(section, from.at(-1));
  if (section === undefined || !isScalar(pair?.key)) return text;
  const name = to.at(-1) ?? '';
  const [begin = 0, end = 0] = pair.key.range ?? [];
  if (from.slice(0, -1).join('.') === to.slice(0, -1).join('.')) {
    return text.slice(0, begin) + asWritten(name, pair.key) + text.slice(end);
  }
  if (section.items[0] === pair && section !== document.contents) takeFirstComment(section, pair.key);
  section.items.splice(section.items.indexOf(pair), 1);
  pair.key.value = name;
  sectionAt(document, to.slice(0, -1)).items.push(pair);
  removeEmpty(document, from.slice(0, -1));
  return document.toString({ lineWidth: 0, indent: indentOf(text) });
}

/** In the quotes of the former name: in a JSON file the colon stands right behind them. */
function asWritten(name: string, { type }: Scalar): string {
  if (type === 'QUOTE_DOUBLE') return `"${name}"`;
  return type === 'QUOTE_SINGLE' ? `'${name}'` : name;
}

/** The library has a comment before the first key of a section as one of the section. */
function takeFirstComment(section: YAMLMap, key: Scalar): void {
  key.commentBefore = section.commentBefore ?? null;
  section.commentBefore = null;
}

function mapAt(document: Document, path: Steps): YAMLMap | undefined {
  const node: unknown = path.length === 0 ? document.contents : document.getIn(path, true);
  return isMap(node) ? node : undefined;
}

function pairOf(map: YAMLMap | undefined, name: string | undefined): Pair | undefined {
  return map?.items.find(({ key }) => isScalar(key) && key.value === name);
}

/** Made when it is not there. */
function sectionAt(document: Document, path: Steps): YAMLMap {
  const there = mapAt(document, path);
  if (there !== undefined) return there;
  document.setIn(path, document.createNode({}));
  return mapAt(document, path) ?? document.createNode({});
}

/** A section that nothing is left of says nothing. */
function removeEmpty(document: Document, path: Steps): void {
  const isEmpty = path.length > 0 && mapAt(document, path)?.items.length === 0;
  if (!isEmpty) return;
  document.deleteIn(path);
  removeEmpty(document, path.slice(0, -1));
}

/** What the first line that is indented has. */
function indentOf(text: string): number {
  const width = /^( {1,8})[^\s#-]/m.exec(text)?.[1]?.length ?? 2;
  return Math.max(width, 2);
}
