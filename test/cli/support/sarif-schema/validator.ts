// Judges a SARIF log by the schema of the standard.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';

// One pattern of the schema is no regular expression in Unicode mode.
const ajv = new Ajv({ strict: false, allErrors: true, unicodeRegExp: false });
addFormats.default(ajv);
const schema = readFileSync(path.resolve(import.meta.dirname, 'sarif-schema-2.1.0.json'), 'utf8');
const validate = ajv.compile(JSON.parse(schema) as object);

/** @returns every violation in words; none for a SARIF 2.1.0 log. */
export function sarifViolations(log: unknown): readonly string[] {
  validate(log);
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message ?? ''}`);
}
