// What is a text at all, and where a text of several documents is cut before it is read.
import type { YamlRules } from './yaml-rules.ts';

/** One file is read as one version, which is Kubernetes'. */
const OTHER_VERSION = /^%YAML[ \t]+(?!1\.1\s)/m;

/** @returns what is wrong with the text as a whole. */
export function whyUnreadable(text: string, { maxBytes, notText, documents }: YamlRules): string | undefined {
  if (Buffer.byteLength(text) > maxBytes) return `is larger than ${maxBytes} bytes`;
  if (notText.test(text)) return 'is not UTF-8 text';
  if (documents !== 'cut as Kubernetes does') return undefined;
  if (OTHER_VERSION.test(text)) return 'claims a version of YAML that Kubernetes does not read: it reads 1.1';
  // To YAML 1.1, which Kubernetes reads, these end a line (section 4.2); to us they would be a part of it.
  return /\r(?!\n)|[\u0085\u2028\u2029]/.test(text) ? 'ends lines otherwise than with \\n or \\r\\n' : undefined;
}

/** A line of three dashes, maybe with a comment (k8s.io/apimachinery/pkg/util/yaml, YAMLReader). */
const SEPARATOR = /^---[ \t]*(?:#.*)?\r?$/gm;
/** Directives belong to the document behind the line that follows them. */
const ONLY_DIRECTIVES = /^(?:[ \t]*(?:#.*)?\r?\n)*%[^\n]*\n(?:(?:%|[ \t]*#|[ \t]*\r?$)[^\n]*\n?)*$/;

/** Offsets in the text. */
export interface Part {
  readonly begin: number;
  readonly end: number;
}

/** The text as a whole, or cut at the lines at which Kubernetes cuts it. */
export function* partsOf(text: string, { documents }: YamlRules): Generator<Part> {
  let begin = 0;
  for (const { index } of documents === 'cut as Kubernetes does' ? text.matchAll(SEPARATOR) : []) {
    if (index === begin || ONLY_DIRECTIVES.test(text.slice(begin, index))) continue;
    yield { begin, end: index };
    begin = index;
  }
  yield { begin, end: text.length };
}
