// A local policy that comes as an object and not as a file: JSON that a program wrote, in which no line means anything to
// its author. It is judged as files are; only the reading is another, which costs little: whoever may write an object may
// write it again and again.
import { hash } from 'node:crypto';
import { canonicalJson } from '../../../domain/text/canonical-json.ts';
import { parseJson } from '../../../domain/text/parse-json.ts';
import { readDocument } from '../schema/document-schema.ts';
import { placedProblems } from '../policy-file.ts';
import type { ParsedFile } from '../source/parse-documents.ts';

/** @param place what an operator calls the object. @returns it, or everything that is wrong with it. Never throws. */
export function parsePolicyObject(text: string, place: string): ParsedFile {
  const data = parseJson(text);
  const position = { place, line: 1, column: 1 };
  const locate = () => position;
  const document = readDocument(data);
  if ('problems' in document) return { documents: [], problems: placedProblems({ data, locate }, document.problems) };
  const canonical = canonicalJson(data);
  const digest = hash('sha256', canonical, 'hex');
  return { documents: [{ position, document, data, canonical, digest, locate }], problems: [] };
}
