// Policy files: text in, checked documents out, each with the place of every field in it and the canonical
// bytes that are signed and digested. Everything that is wrong is reported at once; nothing is guessed.
import { hash } from 'node:crypto';
import { canonicalJson } from '../../../domain/text/canonical-json.ts';
import type { PolicyDocument } from '../../../domain/policy/documents.ts';
import type { Position, Problem } from '../../../domain/text/position.ts';
import { readDocument } from '../schema/document-schema.ts';
import type { FieldPath } from '../../../domain/text/field-path.ts';
import type { LocatedData } from '../../../yaml/read-yaml.ts';
import { placedProblems, readPolicyFile } from '../policy-file.ts';

/** Of one file. */
const MAX_PROBLEMS = 1_000;

export interface ParsedDocument {
  /** Where it begins. */
  readonly position: Position;
  readonly document: PolicyDocument;
  /** As it is written, without defaults: JSON data. */
  readonly data: unknown;
  /** `data` in the one spelling of RFC 8785: however the file is laid out, it is the same. */
  readonly canonical: string;
  /** SHA-256 of `canonical`, hex. */
  readonly digest: string;
  /**
   * Where a field stands: its key, or its entry in a list, which is named by number or by `id`. What is not
   * written is found at the innermost part of the path that is.
   */
  readonly locate: (path: FieldPath) => Position;
}

export interface ParsedFile {
  /** Those without problems. Who wants all or nothing looks at `problems`. */
  readonly documents: readonly ParsedDocument[];
  readonly problems: readonly Problem[];
}

/**
 * @param text YAML 1.2 or JSON: one or more policy documents.
 * @param place what an operator calls the text: a file's path.
 * @returns what is good in it, and everything that is not. Never throws.
 */
export function parsePolicyDocuments(text: string, place: string): ParsedFile {
  const file = readPolicyFile(text, place);
  const checked = file.documents.map(check);
  const problems = [...file.problems, ...checked.flatMap((one) => one.problems)];
  return { documents: checked.flatMap(({ documents }) => documents), problems: problems.slice(0, MAX_PROBLEMS) };
}

function check(written: LocatedData): ParsedFile {
  const { data, locate } = written;
  const document = readDocument(data);
  if ('problems' in document) return { documents: [], problems: placedProblems(written, document.problems) };
  const canonical = canonicalJson(data);
  const digest = hash('sha256', canonical, 'hex');
  return { documents: [{ position: locate([]), document, data, canonical, digest, locate }], problems: [] };
}
