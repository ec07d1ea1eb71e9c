// Findings at a field of a policy document.
import type { ParsedDocument } from '../../adapters/policy/source/parse-documents.ts';
import type { Problem } from '../../domain/text/position.ts';
import type { Finding } from '../findings.ts';

/** @param field dotted, rules and conditions by their id, as decisions spell it; empty for the document itself. */
export function findingAt(
  document: ParsedDocument,
  field: string,
  finding: Omit<Finding, 'position' | 'subject'>,
): Finding {
  return { ...finding, position: document.locate(field === '' ? [] : field.split('.')) };
}

/** What the parser says of a document that it cannot read. */
export function schemaFinding({ position, path, problem }: Problem): Finding {
  return { id: 'policy/schema', severity: 'error', message: path === '' ? problem : `${path}: ${problem}`, position };
}

/** Whether a document says a field, rather than that a default stands in for it. */
export function isWritten({ data }: ParsedDocument, field: string): boolean {
  let at: unknown = data;
  for (const name of field.split('.')) {
    const entries: readonly unknown[] = Array.isArray(at) ? at : [];
    const entry = entries.find((each) => isRecord(each) && each['id'] === name);
    at = entry ?? (isRecord(at) ? at[name] : undefined);
  }
  return at !== undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
