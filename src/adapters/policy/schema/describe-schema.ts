// The reference of all fields, from the schema: docs/policy-reference.md is this text and nothing else.
import { policyJsonSchema, type JsonSchema } from './json-schema.ts';

const HEAD = `# Policy reference

<!-- Made from the schemas in src/adapters/policy by \`capstan policy schema --markdown\`. Change it there. -->

Every field of the three kinds of policy documents. A file holds one document or several, with \`---\` between them, as
YAML or JSON. An unknown field is an error. [The schema](../istio-config/schema/capstan-policy.schema.json) says the same
to editors and pipelines.

- A **pattern** is an exact name, \`prefix*\`, \`*suffix\`, or \`*\` for every name.
- A **duration** is a whole number and one unit: \`30s\`, \`10m\`, \`1h\`, \`7d\`.
- A **moment** is a date and time in UTC: \`2026-11-20T00:00:00Z\`.
- **Labels** are text by name: \`{ team: shop, mesh: "true" }\`.

A file has at most 1 MiB and 1,000 documents, a bundle 1,000 rules, a policy or rule 50 conditions, a list 1,000 names.
YAML anchors, aliases, merge keys and tags are refused: a policy means what is written where it stands.
`;

/** @returns the whole page, Markdown as prettier leaves it. */
export function describePolicySchema(): string {
  const sections = inOrder(policyJsonSchema()).map(([name, schema]) => {
    const fields = fieldsOf(schema, '').map((line) => `- ${line}`);
    return `## ${name}\n\n${schema.description ?? ''}\n\n${fields.join('\n')}\n`;
  });
  return [HEAD, ...sections].join('\n');
}

/** The kinds, then what they share. */
function inOrder({ oneOf = [], $defs = {} }: JsonSchema): readonly (readonly [name: string, schema: JsonSchema])[] {
  const kinds = oneOf.map(({ $ref = '' }) => nameOf($ref));
  const shared = Object.keys($defs).filter((name) => !kinds.includes(name));
  return [...kinds, ...shared].map((name) => [name, $defs[name] ?? {}]);
}

function nameOf(reference: string): string {
  return reference.replace('#/$defs/', '');
}

function fieldsOf({ properties = {}, required = [] }: JsonSchema, above: string): readonly string[] {
  return Object.entries(properties).flatMap(([name, field]) => {
    const path = `${above}${name}`;
    return [fieldLine(path, field, required.includes(name)), ...fieldsBelow(path, field)];
  });
}

/** Mappings are described where they stand, but for those that have a section of their own. */
function fieldsBelow(path: string, field: JsonSchema): readonly string[] {
  if (field.items !== undefined) return fieldsBelow(`${path}[]`, field.items);
  const forms = field.anyOf ?? [field];
  return forms.flatMap((form) => fieldsOf(form, `${path}.`));
}

function fieldLine(path: string, field: JsonSchema, isRequired: boolean): string {
  const facts = [`\`${path}\``, wordsOf(field), ...(isRequired ? ['required'] : [])];
  const sentences = [facts.filter((fact) => fact !== '').join(', '), field.description ?? '', defaultOf(field)];
  return sentences
    .filter((text) => text !== '')
    .map((text) => (text.endsWith('.') ? text : `${text}.`))
    .join(' ');
}

function defaultOf({ default: value }: JsonSchema): string {
  const empty = value === undefined || JSON.stringify(value) === '{}' || JSON.stringify(value) === '[]';
  return empty ? '' : `Default \`${typeof value === 'string' ? value : JSON.stringify(value)}\`.`;
}

function wordsOf(field: JsonSchema): string {
  const { $ref, const: only, enum: values, anyOf, items } = field;
  if ($ref !== undefined) return sectionLink($ref);
  if (typeof only === 'string') return `\`${only}\``;
  if (values !== undefined) return alternatives(values.map((value) => `\`${String(value)}\``));
  if (anyOf !== undefined) return alternatives(anyOf.map(wordsOf));
  return items === undefined ? typeWords(field) : listWords(items);
}

function alternatives(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}`;
}

function listWords(items: JsonSchema): string {
  const words = wordsOf(items);
  if (words === 'mapping') return 'list';
  return `list of ${words}${words === 'pattern' || words === 'text' ? 's' : ''}`;
}

function sectionLink(reference: string): string {
  const name = nameOf(reference);
  return `[${name}](#${name.toLowerCase()})`;
}

function typeWords({ type, format, pattern, properties, minimum }: JsonSchema): string {
  if (type === 'boolean') return '`true` or `false`';
  if (type === 'integer') return `whole number from ${String(minimum)}`;
  if (type === 'object') return properties === undefined ? 'labels' : 'mapping';
  if (format === 'date-time') return 'moment';
  if (typeof pattern !== 'string') return 'text';
  if (pattern.endsWith('[smhd]$')) return 'duration';
  return pattern.includes(String.raw`\*|`) ? 'pattern' : 'text';
}
